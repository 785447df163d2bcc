#pragma once
// What keeps a log from being opened and can be fetched from the source again: sealed segments whose file is missing or
// short, or whose first block is not what was stored.
// Thread: the caller's, while nobody has the log open.
#include <memory>
#include <vector>

#include "protocol/gtid/uuid.h"
#include "protocol/ids.h"
#include "protocol/result.h"
#include "storage/segment/segment_catalog.h"
#include "storage/storage_options.h"

namespace binrelay {

struct DamagedHeads {
  Uuid relay_uuid;
  ServerId relay_server_id{};
  // Number, names, path, size and blocks are set; what a file says of itself is not known.
  std::vector<std::shared_ptr<const Segment>> segments;
};

// Makes a missing or short file as long as it was; what is not in it reads as damaged blocks.
Result<DamagedHeads> find_damaged_heads(const StorageOptions& options);

// Errc::checksum: `content` is not what the segment's first block held.
Status restore_head(const StorageOptions& options, const Segment& segment, Bytes content);

}  // namespace binrelay
