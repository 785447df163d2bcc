#pragma once
// Fetches a stretch of a stored file from the source once more, when the disk has lost it.
// Thread: the caller's; blocks on the source. Whether the bytes are the right ones is told by the block's digest, not
// by who sent them.
#include <cstdint>
#include <string>

#include "protocol/bytes.h"
#include "protocol/gtid/uuid.h"
#include "protocol/ids.h"
#include "relay/upstream/event_source.h"
#include "storage/damage_at_open.h"

namespace binrelay {

struct LostStretch {
  std::string file;                // on the source
  std::uint64_t event_begin = 0;   // where the event begins that holds the first lost byte
  std::uint64_t from = 0, to = 0;  // the lost bytes
  ByteBuffer format_description;   // of the stored file
};

// What the fetching connection is called on the source. Both must differ from those of the relay's dump, which the
// source would end otherwise.
struct FetcherIdentity {
  ServerId server_id{};
  Uuid uuid;
};

// The identity of a relay's fetching connections.
FetcherIdentity fetcher_of(ServerId relay_server_id, const Uuid& relay_uuid);

// Restores what keeps the log from being opened, as far as this source has it; nobody may have it open. The error is
// the first one's that is still damaged: another source may go on.
Status restore_damage(const StorageOptions& options, const DamageAtOpen& damage, EventSource& source);

// Connects, dumps, closes. Errc::conflict: the source's file of that name is another one. Errc::not_found: it does not
// reach that far. Errc::refused: the source does not have it any more.
Result<ByteBuffer> fetch_stretch(EventSource& source, const LostStretch& lost, const FetcherIdentity& self);

}  // namespace binrelay
