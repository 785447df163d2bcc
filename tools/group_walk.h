#pragma once
// Walks the stored transactions of a file, event by event. Thread: one.
#include <functional>

#include "protocol/filter/group_judge.h"
#include "storage/archive.h"

namespace binrelay {

struct WalkedEvent {
  const Segment& segment;
  GroupEvent event;  // not whole: only the beginning of a row or payload event above kTrialEventBytes
  BoundaryPlace place{};
  std::uint64_t group_begin = 0;
  const std::optional<AnyGtid>& gtid;
  bool ends_group() const { return place == BoundaryPlace::group_end || place == BoundaryPlace::group_whole; }
  bool begins_group() const { return place == BoundaryPlace::group_begin || place == BoundaryPlace::group_whole; }
};
// Calls `visit` for each event of a transaction from `from` (where one begins, or the file) on, until it says false.
// Transactions that the log holds already from another series of files are left out.
Status walk_groups(const Archive& archive, const Segment& segment, std::uint64_t from,
                   const std::function<Result<bool>(const WalkedEvent&)>& visit);

// Where the transaction begins that `named` means: a GTID, or FILE:POSITION of any of its events.
struct GroupPlace {
  std::shared_ptr<const Segment> segment;
  std::uint64_t begin = 0;
};
Result<GroupPlace> find_group(const Archive& archive, const std::string& named);

}  // namespace binrelay
