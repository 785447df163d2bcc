#include "storage/index/index_feed.h"

#include <gmock/gmock.h>

#include <thread>
#include <vector>

#include "storage/archive.h"
#include "storage/index/index_writer.h"
#include "storage/segment/segment_files.h"
#include "tests/storage/log_bench.h"

namespace binrelay {
namespace {

constexpr std::uint64_t kBlock = 2000;
constexpr LogPosition kEverything{SegmentNumber{UINT64_MAX}, 0};

// A segment, its records as a scan makes them, and a feed.
class IndexFeedTest : public LogBench {
 protected:
  void fill(int transactions_of_file = 60) {
    options.index_block_bytes = 0;
    open();
    start_file("binlog.000001");
    append_transactions(transactions_of_file);
    append(source.rotate("binlog.000002"));
    ASSERT_OK(log->sync());
    segment = log->catalog()->newest();
    scanned = records_from(kFirstEventOffset);
  }
  std::vector<BlockRecord> records_from(std::uint64_t from) {
    std::vector<BlockRecord> records;
    auto scan = scan_segment(*segment, from, log->appended_end());
    EXPECT_OK(make_block_records(*scan, *segment, from, true, kBlock, [&](const BlockRecord& record) -> Result<bool> {
      records.push_back(record);
      return true;
    }));
    return records;
  }
  // Every event from the start of the file, as the writer tells of them.
  void feed_file() {
    auto scan = scan_segment(*segment, kFirstEventOffset, log->appended_end());
    feed.begin_segment(segment->number, segment->flavour);
    for (;;) {
      const auto event = scan->next();
      ASSERT_OK(event);
      if (!*event) break;
      feed.on_event(**event, scan->boundary(), scan->end());
    }
    feed.end_segment(scan->last_boundary(), scan->boundary().in_group());
  }
  std::vector<BlockRecord> taken_from(std::uint64_t from, LogPosition durable = kEverything) {
    std::vector<BlockRecord> records;
    while (auto record = feed.take({segment->number, from}, durable)) {
      from = record->end;
      records.push_back(std::move(*record));
    }
    return records;
  }

  IndexFeed feed{kBlock};
  std::shared_ptr<const Segment> segment;
  std::vector<BlockRecord> scanned;
};

TEST_F(IndexFeedTest, GivesTheRecordsThatAScanMakes) {
  fill();
  ASSERT_GT(scanned.size(), 4u);
  feed_file();
  EXPECT_EQ(taken_from(kFirstEventOffset), scanned);
}

TEST_F(IndexFeedTest, GivesNothingThatIsNotDurable) {
  fill();
  feed_file();
  const LogPosition durable{segment->number, scanned[1].end};
  EXPECT_EQ(taken_from(kFirstEventOffset, durable), std::vector(scanned.begin(), scanned.begin() + 2));
  EXPECT_EQ(taken_from(scanned[1].end), std::vector(scanned.begin() + 2, scanned.end()));
}

TEST_F(IndexFeedTest, ForgetsWhatTheIndexHasAlready) {
  fill();
  feed_file();
  EXPECT_EQ(taken_from(scanned[2].begin), std::vector(scanned.begin() + 2, scanned.end()));
}

TEST_F(IndexFeedTest, GivesNothingBehindWhatIsMissing) {
  fill();
  feed.resume(*segment, scanned[1].begin, log->appended_end());
  EXPECT_THAT(taken_from(kFirstEventOffset), testing::IsEmpty());
  EXPECT_EQ(taken_from(scanned[1].begin).front(), scanned[1]);
}

TEST_F(IndexFeedTest, LeavesAFileThatEndsInsideAGroupToAScan) {
  fill();
  append_open_group();
  ASSERT_OK(log->sync());
  feed_file();
  EXPECT_EQ(taken_from(kFirstEventOffset), std::vector(scanned.begin(), scanned.end() - 1));
}

TEST_F(IndexFeedTest, ForgetsAllWhenTheLogIsCut) {
  fill();
  feed_file();
  feed.break_off();
  EXPECT_THAT(taken_from(kFirstEventOffset), testing::IsEmpty());
}

TEST_F(IndexFeedTest, GivesNoMoreThanTheIndexKeepsUpWith) {
  fill(20 * static_cast<int>(IndexFeed::kMostWaiting));
  ASSERT_GT(scanned.size(), IndexFeed::kMostWaiting + 2);
  feed_file();
  EXPECT_EQ(taken_from(kFirstEventOffset),
            std::vector(scanned.begin(), scanned.begin() + static_cast<std::ptrdiff_t>(IndexFeed::kMostWaiting)));
}

// The index that verify() compares with the files.
class FedIndex : public LogBench, public testing::WithParamInterface<Flavour> {};

TEST_P(FedIndex, IsThatOfTheFilesWhateverInterruptsIt) {
  flavour = GetParam();
  options.index_block_bytes = 500;
  open();
  start_file("binlog.000001");
  for (int file = 2; file < 6; ++file) {
    for (int i = 0; i < 4; ++i) {
      append_transactions(7 + i * file);
      ASSERT_OK(log->sync());
      reopen();
    }
    append_transactions(40);
    rotate_to("binlog.00000" + std::to_string(file));
  }
  append_transactions(9);
  reopen();
  const std::uint64_t whole_blocks_end = log->appended_end() - options.index_block_bytes - 400;
  while (log->counters().indexed_segment < 5 || log->counters().indexed_offset < whole_blocks_end) {
    ASSERT_FALSE(log->index_failure().has_value());
    std::this_thread::yield();
  }
  close();
  EXPECT_THAT(Archive::verify(options.directory, nullptr).findings, testing::IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Families, FedIndex, testing::Values(Flavour::mysql, Flavour::mariadb),
                         [](const auto& info) { return info.param == Flavour::mysql ? "MySql" : "MariaDb"; });

}  // namespace
}  // namespace binrelay
