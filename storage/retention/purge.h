#pragma once
// What a purge did.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "protocol/ids.h"
#include "storage/segment/segment_catalog.h"

namespace binrelay {

struct PurgeOutcome {
  std::vector<std::shared_ptr<const Segment>> purged;  // oldest first; no reader can open them any more
  std::uint64_t bytes = 0;                             // of their files
  std::optional<SegmentNumber> in_use;                 // a reader at this segment held the rest back
  std::vector<std::string> not_removed;  // files that could not be unlinked, and why; the next open tries again
};

}  // namespace binrelay
