#pragma once
// The CRC32 at the end of an event. An FDE's is computed as if LOG_EVENT_BINLOG_IN_USE_F were 0 (MySQL server,
// log_event footers).
#include "protocol/bytes.h"
#include "protocol/ids.h"
#include "protocol/result.h"

namespace binrelay {

// True when the last four bytes are the CRC of the bytes before. `event` is a whole event of at least kEventHeaderSize
// + 4 bytes.
bool event_checksum_holds(Bytes event);
// Overwrites the last four bytes.
void rewrite_event_checksum(ByteBuffer& event);

}  // namespace binrelay
