#include "protocol/event/event_run.h"

#include <gtest/gtest.h>

#include <cstring>

#include "protocol/event/event_header.h"

namespace binrelay {
namespace {

constexpr std::uint64_t kBegin = 4'294'967'200;  // where the events begin: log_pos wraps behind it

class RunOfEvents {
 public:
  RunOfEvents& add(EventType type, std::uint32_t size, std::uint32_t timestamp = 7) {
    const std::size_t at = bytes_.size();
    bytes_.resize(at + size);
    const auto log_pos = static_cast<std::uint32_t>(kBegin + at + size);
    std::memcpy(&bytes_[at], &timestamp, sizeof timestamp);
    bytes_[at + 4] = static_cast<std::byte>(type);
    std::memcpy(&bytes_[at + kEventSizeOffset], &size, sizeof size);
    std::memcpy(&bytes_[at + kLogPosOffset], &log_pos, sizeof log_pos);
    return *this;
  }
  ByteBuffer& bytes() { return bytes_; }

 private:
  ByteBuffer bytes_;
};

RunOfEvents three_events() {
  return RunOfEvents().add(EventType::query, 60, 10).add(EventType::write_rows, 90, 11).add(EventType::xid, 31, 0);
}

EventRun run_of(Bytes bytes, std::size_t most = SIZE_MAX) {
  return find_run(bytes, kBegin, EventTypeSet::of_groups(), most);
}

TEST(EventRun, TakesAllThatIsThere) {
  RunOfEvents events = three_events();
  const EventRun run = run_of(events.bytes());
  EXPECT_EQ(run.count, 3u);
  EXPECT_EQ(run.bytes.size(), 181u);
  EXPECT_EQ(run.last_timestamp, 11u);
}

TEST(EventRun, EndsBeforeAnEventThatIsCutOff) {
  RunOfEvents events = three_events();
  for (std::size_t size = 0; size <= events.bytes().size(); ++size) {
    const std::size_t whole = size < 60 ? 0 : size < 150 ? 1 : size < 181 ? 2 : 3;
    EXPECT_EQ(run_of(Bytes(events.bytes()).first(size)).count, whole) << size;
  }
}

TEST(EventRun, IsNoLongerThanAsked) {
  RunOfEvents events = three_events();
  EXPECT_EQ(run_of(events.bytes(), 150).count, 2u);
  EXPECT_EQ(run_of(events.bytes(), 149).count, 1u);
  EXPECT_EQ(run_of(events.bytes(), 0).count, 0u);
}

TEST(EventRun, EndsBeforeOtherTypes) {
  for (const EventType type : {EventType::rotate, EventType::format_description, EventType::previous_gtids,
                               EventType::stop, EventType::mariadb_gtid_list, static_cast<EventType>(200)}) {
    RunOfEvents events;
    events.add(EventType::xid, 31).add(type, 50).add(EventType::query, 60);
    EXPECT_EQ(run_of(events.bytes()).count, 1u) << event_type_name(type);
  }
}

TEST(EventRun, EndsBeforeWhatDoesNotAddUp) {
  RunOfEvents wrong_place = three_events();
  wrong_place.bytes()[60 + kLogPosOffset] ^= std::byte{1};
  EXPECT_EQ(run_of(wrong_place.bytes()).count, 1u);

  RunOfEvents no_place = three_events();  // MariaDB >= 11.4
  std::memset(&no_place.bytes()[60 + kLogPosOffset], 0, 4);
  EXPECT_EQ(run_of(no_place.bytes()).count, 3u);

  RunOfEvents too_small = three_events();
  std::memset(&too_small.bytes()[60 + kEventSizeOffset], 0, 4);
  EXPECT_EQ(run_of(too_small.bytes()).count, 1u);
}

}  // namespace
}  // namespace binrelay
