#pragma once
// SegmentHead: what stands at the start of a binlog file: FDE, (MariaDB: START_ENCRYPTION,) PREVIOUS_GTIDS or
// GTID_LIST. A file without the last (MySQL before 5.6, MariaDB before 10.0) ends its head where another event follows.
//
// Thread: none.
#include <array>
#include <cstdint>
#include <optional>

#include "protocol/bytes.h"
#include "protocol/event/events.h"
#include "protocol/gtid/gtid_state.h"
#include "protocol/result.h"
#include "storage/segment/segment_catalog.h"

namespace binrelay {

inline constexpr std::array<std::byte, 4> kBinlogMagic{std::byte{0xfe}, std::byte{'b'}, std::byte{'i'}, std::byte{'n'}};

class SegmentHead {
 public:
  // The next event of the file, whole. Only until complete(). An error leaves the head as it was.
  Status on_event(const EventHeader& header, Bytes event, std::uint64_t offset);
  // No event of the head comes any more.
  void finish();

  bool described() const { return described_; }  // the FDE was there
  bool complete() const { return complete_; }
  Flavour flavour() const { return description_.flavour; }
  ChecksumAlgorithm checksum() const { return description_.checksum; }
  const std::optional<GtidState>& previous() const { return previous_; }  // nullopt: the file does not say
  std::uint64_t end() const { return end_; }

  // Fills the fields of a Segment that come from the head; `carried_over` stands in for previous() when the file has
  // none.
  void describe(Segment& segment, const GtidState& carried_over) const;

 private:
  Status on_format_description(const EventHeader& header, Bytes event, std::uint64_t offset);

  FormatDescription description_;
  ByteBuffer description_event_;
  std::uint32_t created_at_ = 0;
  std::uint64_t end_ = kFirstEventOffset;
  std::optional<GtidState> previous_;
  bool described_ = false;
  bool complete_ = false;
};

}  // namespace binrelay
