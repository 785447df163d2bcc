#include "relay/upstream/upstream_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "storage/file/disk.h"
#include "tests/relay/upstream/scripted_source.h"

namespace binrelay {
namespace {

using Kind = SessionEnd::Kind;
using test::events_of;
using test::ScriptedSource;
using test::ServedFile;
using testing::HasSubstr;

class SilentObserver final : public SessionObserver {
 public:
  int identities = 0;
  int streams = 0;
  void on_identity_recorded() override { ++identities; }
  void on_streaming() override { ++streams; }
  void on_received() override {}
  std::optional<SourceIdentity> changed_identity() override { return std::exchange(changed, std::nullopt); }
  std::optional<SourceIdentity> changed;
  bool stopping() const override { return false; }
};

// A disk that takes its time to bring one file to stable storage.
class SlowDisk final : public DiskFaults {
 public:
  std::string slow_file;
  std::optional<Error> before(DiskStep step, const std::filesystem::path& path, std::size_t&) override {
    if (step == DiskStep::sync && path.filename() == slow_file) std::this_thread::sleep_for(kTime);
    return std::nullopt;
  }
  static constexpr std::chrono::milliseconds kTime{600};
};

// A log in a directory of its own, fed by sessions from a scripted source.
class UpstreamSessionTest : public testing::Test {
 protected:
  UpstreamSessionTest() {
    static int count = 0;
    directory_ = std::filesystem::temp_directory_path() /
                 ("binrelay-session-" + std::to_string(::getpid()) + "-" + std::to_string(++count));
    open();
  }
  ~UpstreamSessionTest() override {
    log_.reset();
    std::filesystem::remove_all(directory_);
  }

  void open() {
    StorageOptions options;
    options.directory = directory_;
    options.faults = &disk_;
    RecoveryReport report;
    auto opened = EventLog::open(options, &report);
    ASSERT_TRUE(opened.ok()) << opened.error().context;
    log_ = std::move(opened).value();
  }
  void reopen() {
    log_.reset();
    open();
  }
  SessionEnd run(const std::string& cut_short = "") {
    return UpstreamSession(*log_, source_, settings_, Endpoint{"db1", 3306}, observer_, semi_sync_, logger_)
        .run(cut_short);
  }
  std::string stored(const std::string& name) {
    EXPECT_TRUE(log_->sync().ok());
    return golden::read_file(directory_ / "segments" / "1" / name);
  }
  // The source's `count` first events of `sample`.
  static ServedFile beginning(const std::string& sample, const std::string& name, std::size_t count) {
    ServedFile file{name, golden::load(sample).content};
    const auto placed = events_of(file);
    if (count < placed.size()) file.content.resize(placed[count].offset);
    return file;
  }
  static ServedFile whole(const std::string& sample, const std::string& name) {
    return {name, golden::load(sample).content};
  }

  std::filesystem::path directory_;
  SlowDisk disk_;
  std::unique_ptr<EventLog> log_;
  ScriptedSource source_;
  UpstreamSettings settings_;
  SilentObserver observer_;
  SemiSync semi_sync_{true, SlowDisk::kTime - std::chrono::milliseconds(100)};
  spdlog::logger logger_{"test", std::make_shared<spdlog::sinks::null_sink_mt>()};
};

const char* const kMysqlSample = "mysql-9.7-row";

TEST_F(UpstreamSessionTest, AnEmptyLogIsFilledFromTheOldestFile) {
  source_.files = {whole(kMysqlSample, "b.000007")};
  const SessionEnd end = run();
  EXPECT_EQ(end.kind, Kind::lost) << end.reason;
  EXPECT_TRUE(end.streamed);
  EXPECT_TRUE(end.progressed);
  EXPECT_EQ(observer_.identities, 1);
  EXPECT_EQ(observer_.streams, 1);
  EXPECT_EQ(source_.dumps.back().file, "b.000007");
  EXPECT_EQ(stored("b.000007"), source_.files[0].content);
  EXPECT_EQ(log_->ends().visible.offset, source_.files[0].content.size());
}

TEST_F(UpstreamSessionTest, AcknowledgesTheEndsOfTransactions) {
  source_.files = {whole(kMysqlSample, "b.000007")};
  source_.knows_semi_sync = true;
  EXPECT_EQ(run().kind, Kind::lost);
  std::uint64_t last = 0;
  for (const auto& event : events_of(source_.files[0])) {
    if (event.header.type == EventType::xid) last = event.offset + event.header.size;
  }
  ASSERT_FALSE(source_.acknowledged.empty());
  EXPECT_EQ(source_.acknowledged.back(), std::pair(std::string("b.000007"), last));
  EXPECT_GE(log_->ends().durable.offset, last);
  EXPECT_FALSE(semi_sync_.report().active) << "the session is over";
}

// What the source's commits wait for behind it.
TEST_F(UpstreamSessionTest, AFileThatIsBegunTooSlowlyEndsTheOffer) {
  source_.files = {whole(kMysqlSample, "b.000001")};
  source_.knows_semi_sync = true;
  source_.asks_after_xid = false;
  source_.tamper = [&](std::vector<ByteBuffer>& events) {
    events.push_back(build_fake_rotate(test::kSourceId, "b.000002", 4, ChecksumAlgorithm::crc32));
    events.push_back(events[1]);
  };
  disk_.slow_file = "b.000002";
  const SessionEnd end = run();
  EXPECT_EQ(end.kind, Kind::again) << end.reason;
  EXPECT_EQ(semi_sync_.report().withdrawn, 1u);
}

TEST_F(UpstreamSessionTest, ASourceFarAheadIsNotOfferedAcknowledgements) {
  source_.files = {whole(kMysqlSample, "b.000007")};
  source_.knows_semi_sync = true;
  source_.reported_size = SemiSync::kNearEnd + 1000;
  EXPECT_EQ(run().kind, Kind::lost);
  EXPECT_FALSE(source_.dumps.back().semi_sync);
  EXPECT_TRUE(source_.acknowledged.empty());
}

TEST_F(UpstreamSessionTest, ASourceWithoutSemiSyncIsFollowedAllTheSame) {
  source_.files = {whole(kMysqlSample, "b.000007")};
  EXPECT_EQ(run().kind, Kind::lost);
  EXPECT_TRUE(source_.dumps.back().semi_sync);
  EXPECT_EQ(stored("b.000007"), source_.files[0].content);
}

TEST_F(UpstreamSessionTest, GoesOnAtTheStartOfTheLastGroupAndStoresOnlyTheRest) {
  const std::size_t all = events_of(whole(kMysqlSample, "")).size();
  for (std::size_t count = 1; count <= all; ++count) {
    source_.files = {beginning(kMysqlSample, "b.000001", count)};
    const SessionEnd end = run();
    ASSERT_EQ(end.kind, Kind::lost) << end.reason;
    if (count % 3 == 0) reopen();
    ASSERT_EQ(stored("b.000001"), source_.files[0].content);
  }
  EXPECT_EQ(observer_.identities, 1);
  EXPECT_GT(source_.dumps.back().position, 4u);
  EXPECT_FALSE(run().progressed);
}

TEST_F(UpstreamSessionTest, ADamagedEventIsNotStoredAndFetchedAgain) {
  source_.files = {whole(kMysqlSample, "b.000001")};
  source_.tamper = [](std::vector<ByteBuffer>& events) { events[9][30] ^= std::byte{4}; };
  SessionEnd end = run();
  EXPECT_EQ(end.kind, Kind::bad_event);
  const auto placed = events_of(source_.files[0]);
  EXPECT_EQ(end.place, "b.000001:" + std::to_string(placed[8].offset));
  EXPECT_EQ(stored("b.000001"), source_.files[0].content.substr(0, placed[8].offset));
  source_.tamper = nullptr;
  end = run();
  EXPECT_EQ(end.kind, Kind::lost);
  EXPECT_EQ(stored("b.000001"), source_.files[0].content);
}

TEST_F(UpstreamSessionTest, OtherBytesOfAStoredGroupAreRefused) {
  source_.files = {whole(kMysqlSample, "b.000001")};
  run();
  // The same file with another last group: as after a restore and new transactions.
  const auto placed = events_of(source_.files[0]);
  source_.tamper = [&](std::vector<ByteBuffer>& events) {
    ByteBuffer& event = events[2];
    event[kEventHeaderSize + 10] ^= std::byte{1};
    rewrite_event_checksum(event);
  };
  const SessionEnd end = run();
  EXPECT_EQ(end.kind, Kind::refused);
  EXPECT_THAT(end.reason, HasSubstr("b.000001 differs from the stored one at"));
  EXPECT_EQ(stored("b.000001"), source_.files[0].content);
}

TEST_F(UpstreamSessionTest, AnotherServerIsRefusedAndNothingOfItStored) {
  source_.files = {whole(kMysqlSample, "b.000001")};
  run();
  source_.variables["server_uuid"] = "e82d0442-e68f-11f1-be79-02fc00000002";
  source_.files.push_back(whole(kMysqlSample, "b.000002"));
  const SessionEnd end = run();
  EXPECT_EQ(end.kind, Kind::refused);
  EXPECT_EQ(source_.dumps.size(), 1u);
  EXPECT_EQ(observer_.identities, 1);
}

TEST_F(UpstreamSessionTest, AnotherServerThatHasEverythingTakesOver) {
  source_.files = {whole(kMysqlSample, "b.000001")};
  run();
  ASSERT_TRUE(log_->sync().ok());
  const GtidState held = log_->executed();
  source_.variables["server_uuid"] = "e82d0442-e68f-11f1-be79-02fc00000002";
  source_.executed = to_text(held);
  source_.found_by_gtid = "other.000009";
  source_.files = {whole(kMysqlSample, "other.000009")};
  const SessionEnd end = run();
  EXPECT_EQ(end.kind, Kind::lost) << end.reason;
  ASSERT_TRUE(log_->sync().ok());
  EXPECT_EQ(observer_.identities, 2);
  EXPECT_EQ(golden::read_file(directory_ / "segments" / "2" / "other.000009"), source_.files[0].content);
  EXPECT_EQ(log_->catalog()->newest()->served_name, "b.000002");
  EXPECT_EQ(log_->executed(), held);
  EXPECT_EQ(run().kind, Kind::lost) << "it is the source now";
  EXPECT_EQ(log_->catalog()->segments().size(), 2u);
}

TEST_F(UpstreamSessionTest, AnotherServerThatHasPurgedWhatFollowsIsRefusedWithAWayOut) {
  source_.files = {whole(kMysqlSample, "b.000001")};
  run();
  ASSERT_TRUE(log_->sync().ok());
  source_.variables["server_uuid"] = "e82d0442-e68f-11f1-be79-02fc00000002";
  source_.executed = to_text(log_->executed());
  source_.files.clear();
  source_.files.push_back({"other.000009", ""});
  source_.found_by_gtid = "nothing";
  source_.end_number = 1236;
  source_.end_text = "Cannot replicate because the source purged required binary logs. Replicate the missing";
  const SessionEnd end = run();
  EXPECT_EQ(end.kind, Kind::refused);
  EXPECT_THAT(end.reason, HasSubstr("`binrelay switch-source`"));
  EXPECT_THAT(end.reason, testing::Not(HasSubstr("source.start")));
}

TEST_F(UpstreamSessionTest, AnOrderOfTheOperatorBeginsANewHistory) {
  settings_.data_directory = directory_;
  source_.files = {whole(kMysqlSample, "b.000001")};
  run();
  ASSERT_TRUE(log_->sync().ok());
  const SwitchOrder order{1, "e82d0442-e68f-11f1-be79-02fc00000002", log_->executed()};
  ASSERT_TRUE(write_switch_order(directory_, order).ok());
  EXPECT_EQ(run().kind, Kind::lost) << "the order is about another server";
  source_.variables["server_uuid"] = order.server;
  const SessionEnd end = run();
  EXPECT_EQ(end.kind, Kind::lost) << end.reason;
  EXPECT_EQ(log_->catalog()->newest()->series->history, 2u);
  EXPECT_EQ(log_->abandoned(), order.lost);
  EXPECT_FALSE(read_switch_order(directory_)->has_value());
}

TEST_F(UpstreamSessionTest, AChangedVariableIsRecorded) {
  source_.files = {whole(kMysqlSample, "b.000001")};
  run();
  source_.variables["binlog_format"] = "MIXED";
  source_.variables["gtid_purged"] = "e82d0442-e68f-11f1-be79-02fc00000001:1-3";
  run();
  EXPECT_EQ(observer_.identities, 2);
  EXPECT_EQ(log_->source()->variables.at("binlog_format"), "MIXED");
  EXPECT_EQ(log_->source()->gtid_purged_at_start, "") << "that of the time the log began";
}

TEST_F(UpstreamSessionTest, AVariableThatChangesMeanwhileIsRecorded) {
  source_.files = {beginning(kMysqlSample, "b.000001", 8)};
  run();
  observer_.changed = log_->source();
  observer_.changed->gtid_mode = "ON_PERMISSIVE";
  observer_.changed->gtid_purged_at_start = "e82d0442-e68f-11f1-be79-02fc00000001:1-3";
  source_.files = {whole(kMysqlSample, "b.000001")};
  run();
  EXPECT_EQ(observer_.identities, 2);
  EXPECT_EQ(log_->source()->gtid_mode, "ON_PERMISSIVE");
  EXPECT_EQ(log_->source()->gtid_purged_at_start, "") << "that of the time the log began";

  observer_.changed = log_->source();
  observer_.changed->server_uuid.bytes[0] ^= 1;
  run();
  EXPECT_EQ(log_->source()->server_uuid, parse_uuid(source_.variables["server_uuid"]).value()) << "another server's";
}

class MariadbSessionTest : public UpstreamSessionTest {
 protected:
  MariadbSessionTest() { source_.version = "10.11.19-MariaDB"; }
};

const char* const kMariadbSample = "mariadb-10.11-row";

TEST_F(MariadbSessionTest, AGroupLeftOpenByACrashKeepsItsBytesAndIsNotVisible) {
  ServedFile crashed = whole(kMariadbSample, "b.000001");
  const auto placed = events_of(crashed);
  std::size_t rows = 0;
  while (placed[rows].header.type != EventType::write_rows_v1) ++rows;
  std::size_t begin = rows;
  while (placed[begin].header.type != EventType::mariadb_gtid) --begin;
  const std::uint64_t group_begin = placed[begin].offset;
  crashed.content.resize(placed[rows + 1].offset);
  source_.files = {crashed};
  EXPECT_EQ(run().kind, Kind::lost);
  EXPECT_EQ(stored("b.000001"), crashed.content);
  EXPECT_EQ(log_->ends().visible.offset, group_begin);
  EXPECT_EQ(run().kind, Kind::lost) << "resumed inside the open group";
  EXPECT_EQ(stored("b.000001"), crashed.content);
}

TEST_F(MariadbSessionTest, AFileCutShortEndsTheSegmentAndTheNextFollows) {
  source_.files = {whole(kMariadbSample, "b.000001")};
  source_.end_number = 1236;
  source_.end_text = "binlog truncated in the middle of event; consider out of disk space on master";
  const SessionEnd end = run();
  EXPECT_EQ(end.kind, Kind::cut_short);
  EXPECT_EQ(end.place, "b.000001");
  source_.files.push_back(whole(kMariadbSample, "b.000002"));
  (void)run("b.000001");
  EXPECT_EQ(source_.dumps.back().file, "b.000002");
  EXPECT_EQ(source_.dumps.back().position, 4u);
}

TEST_F(UpstreamSessionTest, AFileThatBeginsAgainIsRefused) {
  source_.files = {whole(kMysqlSample, "b.000001")};
  source_.tamper = [&](std::vector<ByteBuffer>& events) {
    events.push_back(build_fake_rotate(test::kSourceId, "b.000002", 4, ChecksumAlgorithm::crc32));
    events.push_back(events[1]);
    events.push_back(build_fake_rotate(test::kSourceId, "b.000001", 4, ChecksumAlgorithm::crc32));
  };
  const SessionEnd end = run();
  EXPECT_EQ(end.kind, Kind::refused);
  EXPECT_THAT(end.reason, HasSubstr("begins b.000001 again"));
}

TEST_F(UpstreamSessionTest, ErrorsOfTheSourceAreSortedByWhoCanHelp) {
  source_.files = {whole(kMysqlSample, "b.000001")};
  source_.end_number = 1236;
  source_.end_text = "could not find next log; the first event 'b.000001' at 4";
  EXPECT_EQ(run().kind, Kind::lost);
  source_.end_text = "Could not find first log file name in binary log index file";
  EXPECT_EQ(run().kind, Kind::refused);
  source_.refuse_statement = "SHOW BINARY LOGS";
  EXPECT_EQ(run().kind, Kind::refused);
}

TEST_F(UpstreamSessionTest, WhatDoesNotFitIntoTheDirectoryIsNotBegun) {
  settings_.data_directory = directory_;
  source_.files = {whole(kMysqlSample, "b.000001")};
  source_.reported_size = 1ull << 60;
  const SessionEnd end = run();
  EXPECT_EQ(end.kind, Kind::refused);
  EXPECT_THAT(end.reason, HasSubstr("start = \"now\""));
  EXPECT_TRUE(source_.dumps.empty());
}

// What lies ready in packets is not handed out event by event.
class ReadAhead : public UpstreamSessionTest, public testing::WithParamInterface<std::string> {
 protected:
  ReadAhead() {
    source_.files = {whole(GetParam(), "b.000007")};
    if (GetParam().starts_with("mariadb")) {
      source_.version = "10.11.14-MariaDB-log";
      source_.variables.erase("server_uuid");
    }
  }
};

TEST_P(ReadAhead, IsStoredAsWhatComesOneByOne) {
  source_.reads_ahead = 5;
  const SessionEnd end = run();
  EXPECT_EQ(end.kind, Kind::lost) << end.reason;
  EXPECT_EQ(stored("b.000007"), source_.files[0].content);
  EXPECT_GT(source_.passed_over, 0u);
}

TEST_P(ReadAhead, GoesOnBehindWhatIsStoredAlready) {
  const std::string whole_file = source_.files[0].content;
  const auto events = events_of(source_.files[0]);
  source_.reads_ahead = 1000;
  for (std::size_t count = 3; count < events.size(); count += 7) {
    source_.files[0].content = whole_file.substr(0, events[count].offset);
    run();
    ASSERT_EQ(stored("b.000007"), source_.files[0].content);
    if (count % 2 == 0) reopen();
  }
  source_.files[0].content = whole_file;
  run();
  EXPECT_EQ(stored("b.000007"), whole_file);
}

TEST_P(ReadAhead, NamesTheSameDamagedEvent) {
  const auto events = events_of(source_.files[0]);
  const std::size_t damaged = events.size() / 2;
  source_.tamper = [&](std::vector<ByteBuffer>& dumped) { dumped[damaged + 1][kFlagsOffset] ^= std::byte{4}; };
  source_.reads_ahead = 1000;
  const SessionEnd end = run();
  if (golden::load(GetParam()).format().checksum == ChecksumAlgorithm::none) return;
  EXPECT_EQ(end.kind, Kind::bad_event) << end.reason;
  EXPECT_EQ(end.place, "b.000007:" + std::to_string(events[damaged].offset));
  EXPECT_EQ(stored("b.000007"), source_.files[0].content.substr(0, events[damaged].offset));
}

INSTANTIATE_TEST_SUITE_P(RealServers, ReadAhead, testing::ValuesIn(golden::sample_names()), [](const auto& info) {
  std::string name = info.param;
  for (char& c : name) c = c == '-' || c == '.' ? '_' : c;
  return name;
});

}  // namespace
}  // namespace binrelay
