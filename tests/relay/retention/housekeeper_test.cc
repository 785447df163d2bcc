// Housekeeping with a clock of the test's own.
#include "relay/retention/housekeeper.h"

#include <gmock/gmock.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <filesystem>
#include <sstream>

#include "relay/commands/statement_answers.h"
#include "tests/storage/log_bench.h"

namespace binrelay {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr std::int64_t kBegin = 1'800'000'000;
constexpr std::int64_t kHour = 3600;

// A replica as the registry and the log see it.
struct Replica {
  std::uint32_t connection = 0;
  std::shared_ptr<ConnectionEntry::Progress> progress;
  std::optional<LogCursor> cursor;
};

class HousekeeperTest : public LogBench {
 protected:
  HousekeeperTest() {
    options.index_block_bytes = 0;
    open();
    logger_->set_pattern("%v");
  }
  ~HousekeeperTest() override {
    keeper_.reset();
    close();
  }

  void keep_house(RetentionConfig config) {
    keeper_.reset();
    keeper_ = std::make_unique<Housekeeper>(
        *log, registry_, config, options.directory, logger_,
        Housekeeper::World{[this] { return now_; }, [this]() -> std::optional<std::uint64_t> { return free_; }});
  }

  // --- the source, at the time it is ---
  void new_file() {
    const std::string name = "binlog." + std::to_string(++file_);
    if (file_ > kFirstFile) append(source.rotate(name));
    ASSERT_OK(log->open_segment(name));
    source = samples::SampleBinlog(flavour, checksum);
    source.at_time(static_cast<std::uint32_t>(now_));
    append(source.format_description());
    append(source.previous_gtids(samples::mysql_set(1, transactions)));
    write();
  }
  void write(std::size_t row_bytes = 1000) {
    source.at_time(static_cast<std::uint32_t>(now_));
    append_transaction(row_bytes);
    ASSERT_OK(log->sync());
  }
  // Files as the source closes them, `seconds` apart.
  void files(int count, std::int64_t seconds = 600) {
    for (int i = 0; i < count; ++i) {
      new_file();
      now_ += seconds;
    }
  }

  // --- consumers ---
  Replica connect(std::uint32_t server_id, std::uint64_t segment) {
    Replica replica;
    ConnectionEntry entry;
    entry.user = "replica";
    entry.host = "10.0.0." + std::to_string(server_id) + ":4000";
    replica.connection = registry_.enter(entry, [](EndReason) {});
    replica.progress = std::make_shared<ConnectionEntry::Progress>();
    replica.progress->needed = segment;
    registry_.begin_dump(replica.connection, flavour, ServerId{server_id}, "", true, replica.progress);
    auto cursor = LogCursor::open(*log, {SegmentNumber{segment}, 4});
    EXPECT_TRUE(cursor.ok()) << cursor.error().context;
    if (cursor.ok()) replica.cursor.emplace(std::move(*cursor));
    return replica;
  }
  // Up to the end of the segment it is in; false: at the end of the log.
  static bool read_one_segment(Replica& replica) {
    for (;;) {
      const CursorStep step = replica.cursor->next();
      EXPECT_FALSE(std::holds_alternative<Error>(step));
      if (std::holds_alternative<Error>(step) || std::holds_alternative<AtVisibleEnd>(step)) return false;
      if (std::holds_alternative<NeedsRead>(step)) EXPECT_OK(replica.cursor->read(ReadMode::may_block));
      if (!std::holds_alternative<SegmentEnd>(step)) continue;
      replica.progress->needed = raw(replica.cursor->segment().number);
      return true;
    }
  }
  void disconnect(Replica& replica) {
    replica.cursor.reset();
    registry_.leave(replica.connection);
  }

  std::uint64_t oldest() const { return raw(log->catalog()->oldest()->number); }
  std::uint64_t newest() const { return raw(log->catalog()->newest()->number); }
  std::string logged() {
    std::string text = out_.str();
    out_.str("");
    return text;
  }

  static constexpr int kFirstFile = 100'001;
  int file_ = kFirstFile - 1;
  std::int64_t now_ = kBegin;
  std::uint64_t free_ = 1ull << 40;
  ReplicaRegistry registry_;
  std::ostringstream out_;
  std::shared_ptr<spdlog::logger> logger_ =
      std::make_shared<spdlog::logger>("", std::make_shared<spdlog::sinks::ostream_sink_mt>(out_));
  std::unique_ptr<Housekeeper> keeper_;
};

TEST_F(HousekeeperTest, WithoutRulesNothingIsRemoved) {
  keep_house({});
  files(3, 100 * kHour);
  keeper_->tick();
  EXPECT_EQ(oldest(), 1u);
  EXPECT_EQ(logged(), "");
}

TEST_F(HousekeeperTest, RemovesWhatHasExpiredAndSaysSo) {
  keep_house({.rules = {.expire_seconds = 1800}});
  files(4);  // closed 1800, 1200, 600 seconds ago
  keeper_->tick();
  EXPECT_EQ(oldest(), 2u);
  EXPECT_THAT(logged(), HasSubstr("purged 1 file, binlog.100001, "));
  now_ += 1200;
  keeper_->tick();
  EXPECT_EQ(oldest(), 4u);
  EXPECT_THAT(logged(), HasSubstr("purged 2 files, binlog.100002 to binlog.100003, "));
  now_ += 100 * kHour;
  keeper_->tick();
  EXPECT_EQ(oldest(), 4u) << "the file being written stays";
  EXPECT_EQ(keeper_->report().purged_files, 3u);
}

TEST_F(HousekeeperTest, AConnectedConsumerIsWaitedForHoweverLittleRoomThereIs) {
  files(5);
  Replica slow = connect(7, 2);
  free_ = 0;
  keep_house({.rules = {.min_free_bytes = 1'000'000}});
  keeper_->tick();
  EXPECT_EQ(oldest(), 2u);
  const std::string told = logged();
  EXPECT_THAT(told, HasSubstr("binlog.100002 and later files are kept beyond min_free_bytes = 1000000"));
  keeper_->tick();
  EXPECT_EQ(logged(), "") << "once is enough";
  while (read_one_segment(slow)) {
    keeper_->tick();
    EXPECT_EQ(oldest(), slow.progress->needed);
  }
  disconnect(slow);
}

TEST_F(HousekeeperTest, AConsumerThatHasGoneIsWaitedForAsLongAsConfigured) {
  files(5);
  Replica replica = connect(7, 3);
  disconnect(replica);
  keep_house({.rules = {.max_bytes = 1}, .purge_hold_seconds = 100});
  keeper_->tick();
  EXPECT_EQ(oldest(), 3u);
  EXPECT_THAT(logged(), HasSubstr("replica server_id 7 ('replica' from 10.0.0.7) has not been sent all of them"));
  EXPECT_THAT(keeper_->report().waited_for, SizeIs(1));
  EXPECT_EQ(keeper_->report().waited_for[0].seconds_left, 100);
  EXPECT_EQ(keeper_->report().waited_for[0].file, "binlog.100003");
  now_ += 99;
  keeper_->tick();
  EXPECT_EQ(oldest(), 3u);
  now_ += 1;
  keeper_->tick();
  EXPECT_EQ(oldest(), 5u);
}

TEST_F(HousekeeperTest, RemembersAcrossACrash) {
  using std::filesystem::copy_file, std::filesystem::copy_options;
  const auto written = options.directory / "consumers", aside = options.directory / "consumers.aside";
  const RetentionConfig config{.rules = {.max_bytes = 1}, .purge_hold_seconds = 100};
  files(3, 1);
  keep_house(config);
  keeper_->tick();
  Replica replica = connect(7, 3);
  keeper_->tick();
  copy_file(written, aside);
  files(3, 1);
  EXPECT_TRUE(read_one_segment(replica));
  keeper_->tick();
  EXPECT_EQ(oldest(), 4u);
  keeper_.reset();
  disconnect(replica);
  copy_file(aside, written, copy_options::overwrite_existing);  // the crash came before it was written again
  keep_house(config);
  keeper_->tick();
  EXPECT_EQ(oldest(), 4u) << "it was connected then";
  EXPECT_THAT(keeper_->report().waited_for, SizeIs(1));
}

TEST_F(HousekeeperTest, RemembersAcrossARestart) {
  files(5);
  const RetentionConfig config{.rules = {.max_bytes = 1}, .purge_hold_seconds = 100};
  keep_house(config);
  Replica replica = connect(7, 3);
  disconnect(replica);
  keeper_.reset();
  now_ += 50;
  keep_house(config);
  keeper_->tick();
  EXPECT_EQ(oldest(), 3u);
  now_ += 50;
  keeper_->tick();
  EXPECT_EQ(oldest(), 5u);
}

TEST_F(HousekeeperTest, AFullDiskIsNotWaitedWithAndItIsSaidUnderWhom) {
  files(5);
  Replica replica = connect(7, 2);
  disconnect(replica);
  const std::uint64_t size = log->catalog()->oldest()->size;
  free_ = 10 * size - 1;
  keep_house({.rules = {.min_free_bytes = 12 * size}, .purge_hold_seconds = 100});
  keeper_->tick();
  EXPECT_EQ(oldest(), 3u) << "as many as are needed";
  const std::string told = logged();
  EXPECT_THAT(told, HasSubstr(": min_free_bytes = "));
  EXPECT_THAT(told, HasSubstr("replica server_id 7 ('replica' from 10.0.0.7) had been sent the log up to "
                              "binlog.100002; what followed was purged because of min_free_bytes"));
  EXPECT_THAT(keeper_->report().waited_for, SizeIs(1));
  keeper_->tick();
  EXPECT_THAT(keeper_->report().waited_for, IsEmpty());
}

TEST_F(HousekeeperTest, APurgeStatementWaitsForConsumersToo) {
  files(5);
  keep_house({});
  Replica gone = connect(7, 3);
  disconnect(gone);
  auto reply = keeper_->purge(SegmentNumber{5}, "'root' at localhost");
  ASSERT_OK(reply);
  EXPECT_EQ(oldest(), 3u);
  EXPECT_THAT(logged(), HasSubstr("PURGE BINARY LOGS from 'root' at localhost"));
  ASSERT_TRUE(reply->needed_by.has_value());
  EXPECT_EQ(reply->needed_by->server_id, ServerId{7});
  Replica back = connect(7, 4);
  reply = keeper_->purge(SegmentNumber{5}, "'root' at localhost");
  ASSERT_OK(reply);
  EXPECT_EQ(reply->outcome.in_use, SegmentNumber{4});
  EXPECT_EQ(oldest(), 4u);
  disconnect(back);
}

// Twelve hours in a few seconds: a file every ten minutes, a transaction every minute, a look every ten seconds. One
// replica follows, one lags by up to two hours, one leaves for three and comes back, one leaves for good.
TEST_F(HousekeeperTest, TwelveHours) {
  constexpr std::int64_t kHold = 4 * kHour;
  keep_house({.rules = {.expire_seconds = kHour}, .purge_hold_seconds = kHold});
  new_file();
  Replica follower = connect(1, 1);
  Replica lagging = connect(2, 1);
  std::optional<Replica> leaving = connect(3, 1);
  std::optional<Replica> lost = connect(4, 1);
  std::uint64_t left_at_segment = 0, lost_at_segment = 0;
  std::uint64_t most_files = 0;

  const auto look = [&] {
    keeper_->tick();
    const auto catalog = log->catalog();
    for (const auto& segment : catalog->segments()) ASSERT_TRUE(std::filesystem::exists(segment->path));
    ASSERT_NE(catalog->find(lagging.cursor->segment().number), nullptr);
    ASSERT_NE(catalog->find(follower.cursor->segment().number), nullptr);
    for (const std::uint64_t needed : {left_at_segment, lost_at_segment})
      ASSERT_TRUE(needed == 0 || oldest() <= needed);
    // Whoever asks now for the oldest file on gets every transaction behind gtid_purged.
    ASSERT_EQ(log->before_log(), catalog->oldest()->previous);
    most_files = std::max<std::uint64_t>(most_files, catalog->segments().size());
  };

  for (std::int64_t elapsed = 10; elapsed <= 12 * kHour; elapsed += 10) {
    now_ = kBegin + elapsed;
    if (elapsed % 60 == 0) write(200);
    if (elapsed % 600 == 0) new_file();
    if (elapsed % 60 == 0) {
      while (read_one_segment(follower)) continue;
      if (leaving)
        while (read_one_segment(*leaving)) continue;
      if (lost)
        while (read_one_segment(*lost)) continue;
    }
    // The lagging one reads nothing for two hours, then everything.
    if (elapsed % (2 * kHour) == 0)
      while (read_one_segment(lagging)) continue;
    if (elapsed == 3 * kHour) {
      left_at_segment = leaving->progress->needed;
      disconnect(*leaving);
      leaving.reset();
    }
    if (elapsed == 6 * kHour) {
      leaving = connect(3, left_at_segment);  // what it needs is all there
      left_at_segment = 0;
    }
    if (elapsed == 5 * kHour) {
      lost_at_segment = lost->progress->needed;
      disconnect(*lost);
      lost.reset();
    }
    if (elapsed == 5 * kHour + kHold) lost_at_segment = 0;
    look();
    if (HasFatalFailure()) return;
  }
  EXPECT_EQ(newest(), 73u);
  EXPECT_LE(most_files, 4u * 6 + 8) << "the longest wait and the hour that is kept";
  EXPECT_GT(keeper_->report().purged_files, 40u);

  // Nobody is left to wait for but those who are here.
  while (read_one_segment(lagging)) continue;
  now_ += 10;
  keeper_->tick();
  EXPECT_GE(oldest() + 8, newest());
  for (Replica* replica : {&follower, &lagging, &*leaving}) disconnect(*replica);
}

}  // namespace
}  // namespace binrelay
