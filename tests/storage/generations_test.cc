// A log that goes on with the files of another source.
#include <gmock/gmock.h>

#include "storage/archive.h"
#include "storage/event_log.h"
#include "tests/storage/log_bench.h"

namespace binrelay {
namespace {

using ::testing::HasSubstr;

class GenerationsTest : public LogBench {
 protected:
  GenerationsTest() { use_dying_disk(); }
  ~GenerationsTest() override { close(); }

  // What the log holds when another source takes over.
  void fill(int count) {
    open();
    start_file("binlog.000001");
    append_transactions(count);
    ASSERT_OK(log->sync());
  }
  // The file of another source, which begins behind `before` transactions.
  void take_over(const std::string& name, std::uint64_t before,
                 std::optional<SeriesBegin::NewHistory> history = std::nullopt) {
    SourceIdentity identity;
    identity.flavour = flavour;
    identity.server_id = ServerId{2};
    const GtidState skip = history ? empty_state(flavour) : log->executed();
    ASSERT_OK(log->open_segment(name, SeriesBegin{identity, skip, history}));
    transactions = before;
    source = samples::SampleBinlog(flavour, checksum);
    append(source.format_description());
    append(head());
  }
  ByteBuffer head() {
    if (flavour == Flavour::mysql) return source.previous_gtids(samples::mysql_set(1, transactions));
    return source.gtid_list(transactions == 0 ? std::vector<MariadbGtid>{}
                                              : std::vector<MariadbGtid>{{0, 1, transactions}});
  }
  std::vector<std::string> served_names() const {
    std::vector<std::string> names;
    const auto catalog = log->catalog();  // a temporary would not outlive the loop
    for (const auto& segment : catalog->segments()) names.push_back(segment->served_name);
    return names;
  }
  std::string verified() {
    close();
    const VerifyReport found = Archive::verify(options.directory, nullptr);
    open();
    return found.findings.empty() ? "" : found.findings.front().file + ": " + found.findings.front().problem;
  }
};

TEST_F(GenerationsTest, AnotherSourceGoesOnUnderTheSameSeriesOfNames) {
  fill(5);
  take_over("other-bin.000042", 3);
  append_transactions(4);  // 4 and 5 once more, 6 and 7
  append(source.rotate("other-bin.000043"));
  ASSERT_OK(log->open_segment("other-bin.000043"));
  source = samples::SampleBinlog(flavour, checksum);
  append(source.format_description());
  ASSERT_OK(log->sync());
  for (int opens = 0; opens < 2; ++opens) {
    EXPECT_EQ(served_names().front(), "binlog.000001");
    EXPECT_EQ(served_names()[1], "binlog.000002");
    EXPECT_EQ(log->executed(), GtidState(samples::mysql_set(1, 7)));
    const auto second = log->catalog()->segments()[1];
    EXPECT_EQ(second->listed, GtidState(samples::mysql_set(1, 3)));
    EXPECT_EQ(second->previous, GtidState(samples::mysql_set(1, 5))) << "who has less begins in the file before";
    EXPECT_TRUE(second->series->skips(samples::mysql_gtid(5)));
    EXPECT_FALSE(second->series->skips(samples::mysql_gtid(6)));
    EXPECT_EQ(second->series->names.of("other-bin.000043"), "binlog.000003");
    EXPECT_EQ(log->source()->server_id, ServerId{2});
    reopen();
  }
}

TEST_F(GenerationsTest, AFileOfTheSameNameIsAnotherFile) {
  fill(2);
  take_over("binlog.000001", 0);
  append_transactions(3);
  ASSERT_OK(log->sync());
  EXPECT_THAT(served_names(), testing::ElementsAre("binlog.000001", "binlog.000002"));
  EXPECT_EQ(log->executed(), GtidState(samples::mysql_set(1, 3)));
  EXPECT_EQ(verified(), "");
}

TEST_F(GenerationsTest, AHalfGroupOfTheSourceThatWentAwayIsKeptAndNeverVisible) {
  fill(2);
  const std::uint64_t boundary = log->ends().visible.offset;
  append_open_group();
  ASSERT_OK(log->flush());
  const std::uint64_t end = log->appended_end();
  ASSERT_OK(log->sync());
  take_over("other-bin.000001", 2);
  append_transaction();  // the same one, whole
  ASSERT_OK(log->sync());
  const auto first = log->catalog()->oldest();
  EXPECT_EQ(first->size, end);
  EXPECT_EQ(first->last_boundary, boundary);
  EXPECT_EQ(log->executed(), GtidState(samples::mysql_set(1, 3)));
  EXPECT_EQ(verified(), "");
}

TEST_F(GenerationsTest, AFileThatPresumesMoreThanTheLogHoldsIsAGap) {
  fill(3);
  ASSERT_OK(log->open_segment("other-bin.000001", SeriesBegin{{}, log->executed(), std::nullopt}));
  source = samples::SampleBinlog(flavour, checksum);
  append(source.format_description());
  const Status refused = log->append(source.previous_gtids(samples::mysql_set(1, 4)));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Errc::conflict);
  EXPECT_THAT(refused.error().context, HasSubstr(":4, which the log does not have"));
}

TEST_F(GenerationsTest, AMariadbPositionDoesNotGoBack) {
  flavour = Flavour::mariadb;
  fill(5);
  take_over("other-bin.000001", 2);
  append_transactions(2);
  ASSERT_OK(log->sync());
  for (int opens = 0; opens < 2; ++opens) {
    EXPECT_EQ(to_text(log->executed()), "0-1-5");
    EXPECT_EQ(to_text(log->catalog()->newest()->previous), "0-1-5");
    reopen();
  }
  append_transactions(2);
  ASSERT_OK(log->sync());
  EXPECT_EQ(to_text(log->executed()), "0-1-6");
  EXPECT_EQ(verified(), "");
}

TEST_F(GenerationsTest, ANewHistoryBeginsWithNothing) {
  fill(5);
  take_over("binlog.000001", 0, SeriesBegin::NewHistory{"reset", samples::mysql_set(4, 5)});
  append_transactions(2);
  ASSERT_OK(log->sync());
  for (int opens = 0; opens < 2; ++opens) {
    EXPECT_EQ(log->executed(), GtidState(samples::mysql_set(1, 2)));
    EXPECT_EQ(log->abandoned(), GtidState(samples::mysql_set(4, 5)));
    EXPECT_TRUE(is_empty(log->before_log()));
    EXPECT_EQ(log->catalog()->oldest()->series->history, 1u);
    EXPECT_EQ(log->catalog()->history_begin()->served_name, "binlog.000002");
    reopen();
  }
  EXPECT_EQ(verified(), "");
}

// Which of the two a failed sync of the journal leaves, the disk decides.
TEST_F(GenerationsTest, ACrashWhileASeriesBeginsLeavesTheOldOneOrTheNew) {
  for (long steps = 0; steps < 12; ++steps) {
    fill(3);
    disk->dies_after(steps);
    const Status begun = log->open_segment("other-bin.000001", SeriesBegin{{}, log->executed(), std::nullopt});
    crash();
    open();
    EXPECT_EQ(log->executed(), GtidState(samples::mysql_set(1, 3)));
    const std::string file = log->resume_point()->segment->source_name;
    EXPECT_EQ(log->source().has_value(), file == "other-bin.000001") << steps;
    if (begun.ok()) {
      EXPECT_EQ(file, "other-bin.000001") << steps;
    }
    EXPECT_EQ(verified(), "") << steps;
    close();
    std::filesystem::remove_all(options.directory);
    transactions = 0;
  }
}

}  // namespace
}  // namespace binrelay
