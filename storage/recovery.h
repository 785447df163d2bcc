#pragma once
// Recovery: from whatever a crash left in the directory to a log that can be appended to. Copies before it cuts, cuts
// only a torn tail, and refuses everything else by file and offset, having changed nothing.
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "protocol/event/transaction_boundary.h"
#include "storage/event_log.h"
#include "storage/file/disk.h"
#include "storage/file/file_names.h"
#include "storage/journal/journal.h"
#include "storage/segment/block_digests.h"
#include "storage/segment/segment_head.h"

namespace binrelay {

// The segment that was active, as far as its events are whole.
struct RecoveredActive {
  std::shared_ptr<File> file;
  std::uint64_t end = kFirstEventOffset;
  SegmentHead head;
  TransactionBoundary boundary;
  std::uint64_t last_boundary = kFirstEventOffset;
  std::uint64_t group_begin = 0;  // of the last whole group; 0 = none
  GtidState added;
  BlockDigests digests{1};
};

struct Recovered {
  std::vector<std::shared_ptr<const Segment>> segments;  // those whose head is complete
  std::optional<RecoveredActive> active;                 // nullopt: the log has no segment yet
};

// `journal` must be freshly opened; its torn tail is cut here too.
Result<Recovered> recover(const Disk& disk, const StreamFiles& files, Journal& journal, RecoveryReport* report);

}  // namespace binrelay
