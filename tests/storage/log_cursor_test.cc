#include "storage/log_cursor.h"

#include <gmock/gmock.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "storage/segment/event_reader.h"
#include "tests/storage/log_bench.h"

namespace binrelay {
namespace {

using ::testing::HasSubstr;

class LogCursorTest : public LogBench {};

TEST_F(LogCursorTest, WalksOverSegments) {
  open();
  start_file("binlog.000001");
  append_transactions(3);
  append(source.rotate("binlog.000002"));
  const ByteBuffer first = sent_from_first_event();
  start_file("binlog.000002");
  append_transactions(2);
  ASSERT_OK(log->sync());
  const auto files = read_visible({SegmentNumber{1}, kFirstEventOffset});
  ASSERT_EQ(files.size(), 2u);
  EXPECT_EQ(files[0], (std::pair<std::string, ByteBuffer>("binlog.000001", first)));
  EXPECT_EQ(files[1], (std::pair<std::string, ByteBuffer>("binlog.000002", sent_from_first_event())));
}

TEST_F(LogCursorTest, PassesOverAFileOfWhichOnlyTheFormatDescriptionCame) {
  open();
  start_file("binlog.000001");
  append_transaction();
  ASSERT_OK(log->open_segment("binlog.000002"));
  source = samples::SampleBinlog();
  ASSERT_OK(log->append(source.format_description()));
  ASSERT_OK(log->open_segment("binlog.000003"));  // not even that came of this one
  start_file("binlog.000004");
  ASSERT_OK(log->sync());
  const auto files = read_visible({SegmentNumber{1}, kFirstEventOffset});
  ASSERT_EQ(files.size(), 3u);
  EXPECT_EQ(files[1].first, "binlog.000002");
  EXPECT_EQ(files[1].second.size() + 4, log->catalog()->segments()[1]->size);
  EXPECT_EQ(files[2].first, "binlog.000004");
  const std::uint64_t before = log->ends().visible.offset;
  reopen();
  EXPECT_EQ(log->catalog()->segments().size(), 3u);
  EXPECT_EQ(log->ends().visible.offset, before);
}

TEST_F(LogCursorTest, SkipsAGroupTheSourceNeverFinished) {
  open();
  start_file("binlog.000001");
  append_transaction();
  const ByteBuffer whole = sent_from_first_event();
  append_open_group();
  --transactions;
  start_file("binlog.000002");
  ASSERT_OK(log->sync());
  const auto files = read_visible({SegmentNumber{1}, kFirstEventOffset});
  ASSERT_EQ(files.size(), 2u);
  EXPECT_EQ(files[0].second, whole);
}

TEST_F(LogCursorTest, LargeEventsComeInPieces) {
  constexpr std::size_t kSmallBuffer = 4096;
  open();
  start_file("binlog.000001");
  append_transaction(50'000);
  append_transaction(4096 - 19 - 4 - 12);  // exactly the buffer
  append_transaction(4096 - 19 - 4 - 11);  // one byte more
  ASSERT_OK(log->sync());
  EXPECT_EQ(read_visible({SegmentNumber{1}, kFirstEventOffset}, kSmallBuffer)[0].second, sent_from_first_event());
}

TEST_F(LogCursorTest, NextPassesOverPiecesNobodyAskedFor) {
  open();
  start_file("binlog.000001");
  append_transaction(50'000);
  append_transaction();
  ASSERT_OK(log->sync());
  auto cursor = LogCursor::open(*log, {SegmentNumber{1}, kFirstEventOffset}, 4096);
  ASSERT_OK(cursor);
  int events = 0, partial = 0;
  for (;;) {
    CursorStep step = cursor->next();
    if (std::holds_alternative<AtVisibleEnd>(step)) break;
    if (std::holds_alternative<NeedsRead>(step)) {
      ASSERT_OK(cursor->read(ReadMode::may_block));
      continue;
    }
    const auto* event = std::get_if<CursorEvent>(&step);
    ASSERT_NE(event, nullptr);
    ++events;
    partial += !event->whole;
  }
  EXPECT_EQ(events, 12);
  EXPECT_EQ(partial, 1);
  EXPECT_EQ(cursor->position().offset, sent.size());
}

TEST_F(LogCursorTest, BeginsAtAnyEvent) {
  open();
  start_file("binlog.000001");
  append_transaction();
  const std::uint64_t second = sent.size();
  append_transaction();
  ASSERT_OK(log->sync());
  EXPECT_EQ(read_visible({SegmentNumber{1}, second})[0].second,
            ByteBuffer(sent.begin() + static_cast<std::ptrdiff_t>(second), sent.end()));
}

TEST_F(LogCursorTest, AnOffsetInsideAnEventIsAnErrorOfTheFirstNext) {
  open();
  start_file("binlog.000001");
  append_transactions(2);
  ASSERT_OK(log->sync());
  for (std::uint64_t offset : {std::uint64_t{5}, std::uint64_t{20}, sent.size() - 3}) {
    auto cursor = LogCursor::open(*log, {SegmentNumber{1}, offset});
    ASSERT_OK(cursor);
    CursorStep step = cursor->next();
    while (std::holds_alternative<NeedsRead>(step)) {
      ASSERT_OK(cursor->read(ReadMode::may_block));
      step = cursor->next();
    }
    EXPECT_TRUE(std::holds_alternative<Error>(step)) << offset;
  }
}

TEST_F(LogCursorTest, WhatDoesNotExistIsNotFound) {
  open();
  EXPECT_EQ(LogCursor::open(*log, {SegmentNumber{1}, 4}).error().code, Errc::not_found);
  start_file("binlog.000001");
  append_transaction();
  start_file("binlog.000002");
  ASSERT_OK(log->sync());
  EXPECT_EQ(LogCursor::open(*log, {SegmentNumber{3}, 4}).error().code, Errc::not_found);
  auto behind = LogCursor::open(*log, {SegmentNumber{1}, 1'000'000});
  ASSERT_OK(behind);
  const CursorStep step = behind->next();
  ASSERT_TRUE(std::holds_alternative<Error>(step));
  EXPECT_EQ(std::get<Error>(step).code, Errc::not_found);
  auto ahead = LogCursor::open(*log, {SegmentNumber{2}, 1'000'000});
  ASSERT_OK(ahead);
  EXPECT_TRUE(std::holds_alternative<AtVisibleEnd>(ahead->next()));
}

TEST_F(LogCursorTest, CachedReadsNeverFailWhatBlockingReadsFind) {
  open();
  start_file("binlog.000001");
  append_transactions(50, 2000);
  ASSERT_OK(log->sync());
  auto cursor = LogCursor::open(*log, {SegmentNumber{1}, kFirstEventOffset}, 8192);
  ASSERT_OK(cursor);
  ByteBuffer read;
  for (;;) {
    CursorStep step = cursor->next();
    if (std::holds_alternative<AtVisibleEnd>(step)) break;
    if (const auto* event = std::get_if<CursorEvent>(&step)) {
      read.insert(read.end(), event->bytes.begin(), event->bytes.end());
      continue;
    }
    ASSERT_TRUE(std::holds_alternative<NeedsRead>(step));
    const auto cached = cursor->read(ReadMode::cached_only);
    ASSERT_OK(cached);
    if (!*cached) ASSERT_OK(cursor->read(ReadMode::may_block));
  }
  EXPECT_EQ(read, sent_from_first_event());
}

// The reader follows the writer by the protocol the header describes: no move of `visible` may be missed, and no byte
// either.
TEST_F(LogCursorTest, FollowsAWriterWithoutMissingAWakeUp) {
  constexpr int kFiles = 4, kTransactions = 60;
  for (const ServeAfter serve_after : {ServeAfter::fsync, ServeAfter::write}) {
    options.directory = directory.path() / (serve_after == ServeAfter::fsync ? "fsync" : "write");
    options.serve_after = serve_after;
    transactions = 0;
    open();
    std::mutex mutex;
    std::condition_variable moved;
    std::uint64_t moves = 0;
    log->on_visible([&] {
      const std::lock_guard lock(mutex);
      ++moves;
      moved.notify_all();
    });
    start_file("binlog.000001");
    ASSERT_OK(log->sync());

    std::vector<ByteBuffer> read(1);
    std::thread reader([&] {
      auto cursor = LogCursor::open(*log, {SegmentNumber{1}, kFirstEventOffset}, 4096);
      std::uint64_t armed = 0;
      for (bool slept_check = false;;) {
        CursorStep step = cursor->next();
        if (auto* event = std::get_if<CursorEvent>(&step)) {
          read.back().insert(read.back().end(), event->bytes.begin(), event->bytes.end());
          if (!event->whole) read_pieces(*cursor, read.back());
          if (event->header.type == EventType::stop) return;
        } else if (std::holds_alternative<NeedsRead>(step)) {
          if (!cursor->read(ReadMode::may_block).ok()) return;
        } else if (std::holds_alternative<SegmentEnd>(step)) {
          read.emplace_back();
        } else if (std::holds_alternative<AtVisibleEnd>(step)) {
          std::unique_lock lock(mutex);
          if (slept_check) moved.wait(lock, [&] { return moves != armed; });
          armed = moves;
          slept_check = true;
          continue;
        } else {
          ADD_FAILURE() << std::get<Error>(step).context;
          return;
        }
        slept_check = false;
      }
    });

    std::vector<ByteBuffer> written;
    for (int file = 1; file <= kFiles; ++file) {
      for (int i = 0; i < kTransactions; ++i) {
        append_transaction(static_cast<std::size_t>(i % 7) * 1500);
        if (i % 3 != 0) EXPECT_OK(log->flush());
      }
      if (file == kFiles) append(source.stop());
      written.push_back(sent_from_first_event());
      if (file < kFiles) start_file("binlog.00000" + std::to_string(file + 1));
    }
    EXPECT_OK(log->flush());
    reader.join();
    EXPECT_EQ(read, written);
    close();
  }
}

// A sparse file stands for the bytes nobody wants to write in a test.
TEST(EventReaderTest, WalksPast4GiB) {
  TemporaryDirectory directory;
  constexpr std::uint64_t kBeyond = (1ull << 32) + 1000;
  samples::SampleBinlog source(Flavour::mysql, ChecksumAlgorithm::crc32, kBeyond);
  const std::vector<ByteBuffer> events{source.gtid(samples::mysql_gtid(1)), source.begin(), source.xid(1)};
  const auto file = Disk().create(directory.path() / "big");
  ASSERT_OK(file);
  std::uint64_t end = kBeyond;
  for (const ByteBuffer& event : events) {
    ASSERT_OK(file->write_at(end, event));
    end += event.size();
  }
  auto again = Disk().open_for_reading(directory.path() / "big");
  ASSERT_OK(again);
  EventReader reader(std::make_shared<const File>(std::move(*again)), kBeyond, end, 4096);
  for (const ByteBuffer& event : events) {
    ReadStep step = reader.next();
    if (std::holds_alternative<NeedsRead>(step)) {
      ASSERT_OK(reader.read(ReadMode::may_block));
      step = reader.next();
    }
    const auto* read = std::get_if<ReadEvent>(&step);
    ASSERT_NE(read, nullptr);
    EXPECT_TRUE(std::equal(read->bytes.begin(), read->bytes.end(), event.begin(), event.end()));
  }
  EXPECT_EQ(reader.offset(), end);
  EXPECT_TRUE(std::holds_alternative<AtLimit>(reader.next()));
}

}  // namespace
}  // namespace binrelay
