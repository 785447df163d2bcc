// Nothing damaged is served: blocks of stored files are checked before their first byte goes out, and can be restored.
#include "storage/segment/segment_blocks.h"

#include <gtest/gtest.h>

#include <array>
#include <thread>

#include "storage/segment/segment_files.h"
#include "tests/storage/log_bench.h"

namespace binrelay {
namespace {

class SegmentBlocksTest : public LogBench {
 protected:
  SegmentBlocksTest() {
    options.digest_block_bytes = 4096;
    options.index_block_bytes = 0;
  }
  // Two files, the first sealed and of many blocks.
  void fill() {
    open();
    start_file("binlog.000001");
    append_transactions(60, 500);
    append(source.rotate("binlog.000002"));
    first = sent;
    start_file("binlog.000002");
    append_transaction();
    ASSERT_OK(log->sync());
  }
  // In place: the file may be the one that is written.
  void flip(std::uint64_t offset) {
    std::fstream file(segment_path("binlog.000001"), std::ios::binary | std::ios::in | std::ios::out);
    file.seekg(static_cast<std::streamoff>(offset));
    const char flipped = static_cast<char>(file.get() ^ 0x10);
    file.seekp(static_cast<std::streamoff>(offset));
    file.put(flipped);
  }
  std::shared_ptr<const Segment> segment() { return log->catalog()->find(SegmentNumber{1}); }

  // What a reader gets before it ends or is stopped by an error.
  struct Served {
    ByteBuffer bytes;
    std::optional<Error> error;
  };
  Served serve() {
    auto cursor = LogCursor::open(*log, {SegmentNumber{1}, kFirstEventOffset}, 4096);
    EXPECT_OK(cursor);
    return serve(*cursor);
  }
  static Served serve(LogCursor& cursor) {
    Served served;
    for (;;) {
      CursorStep step = cursor.next();
      if (auto* event = std::get_if<CursorEvent>(&step)) {
        served.bytes.insert(served.bytes.end(), event->bytes.begin(), event->bytes.end());
      } else if (std::holds_alternative<NeedsRead>(step)) {
        const auto read = cursor.read(ReadMode::may_block);
        if (!read.ok()) {
          served.error = read.error();
          return served;
        }
      } else {
        if (auto* error = std::get_if<Error>(&step)) served.error = *error;
        return served;
      }
    }
  }
  bool is_prefix_of_first(const ByteBuffer& bytes) const {
    return bytes.size() <= first.size() - 4 && std::equal(bytes.begin(), bytes.end(), first.begin() + 4);
  }

  ByteBuffer first;  // the sealed file as the source wrote it
};

TEST_F(SegmentBlocksTest, DamageIsFoundBeforeItIsServedAndCanBeRestored) {
  for (const bool reopened : {false, true}) {
    close();
    std::filesystem::remove_all(options.directory);
    transactions = 0;
    fill();
    if (reopened) reopen();
    const std::uint64_t offset = 3 * 4096 + 17;
    flip(offset);
    const Served served = serve();
    ASSERT_TRUE(served.error.has_value());
    EXPECT_EQ(served.error->code, Errc::checksum);
    EXPECT_NE(served.error->context.find("binlog.000001"), std::string::npos) << served.error->context;
    EXPECT_NE(served.error->context.find("12288 to 16384"), std::string::npos) << served.error->context;
    EXPECT_TRUE(is_prefix_of_first(served.bytes));
    EXPECT_LE(served.bytes.size(), offset);

    ASSERT_EQ(segment()->blocks->first_damaged(), 3u);
    const Bytes good = Bytes(first).subspan(3 * 4096, 4096);
    EXPECT_EQ(log->restore_block(*segment(), 3, Bytes(first).subspan(2 * 4096, 4096)).error().code, Errc::checksum);
    ASSERT_OK(log->restore_block(*segment(), 3, good));
    EXPECT_EQ(segment()->blocks->first_damaged(), std::nullopt);
    EXPECT_EQ(read_file(segment_path("binlog.000001")), first);
    EXPECT_FALSE(serve().error.has_value());
  }
}

TEST_F(SegmentBlocksTest, WhatRotsAfterItWasReadIsFoundWhenItComesFromTheDiskAgain) {
  fill();
  EXPECT_FALSE(serve().error.has_value());
  flip(3 * 4096 + 17);
  const File file = *Disk().open_for_writing(segment_path("binlog.000001"));
  ASSERT_OK(file.sync());
  file.forget_cached(0, first.size());
  std::array<std::byte, 1> byte{};
  if (*file.read_cached_at(6 * 4096, byte)) GTEST_SKIP() << "this file system keeps its pages";
  const Served served = serve();
  ASSERT_TRUE(served.error.has_value());
  EXPECT_EQ(served.error->code, Errc::checksum);
  EXPECT_TRUE(is_prefix_of_first(served.bytes));
}

TEST_F(SegmentBlocksTest, TheEndOfALargeEventIsKnownToBeDamagedAtItsBegin) {
  open();
  start_file("binlog.000001");
  append_transaction(40'000);
  ASSERT_OK(log->sync());
  rotate_to("binlog.000002");
  const auto damage_at_begin = [&] {
    auto cursor = LogCursor::open(*log, {SegmentNumber{1}, kFirstEventOffset}, 4096);
    for (CursorStep step = cursor->next();; step = cursor->next()) {
      if (const auto* event = std::get_if<CursorEvent>(&step); event && !event->whole)
        return cursor->known_damage(*event);
      if (std::holds_alternative<NeedsRead>(step)) EXPECT_OK(cursor->read(ReadMode::may_block));
      if (std::holds_alternative<Error>(step)) return std::optional(std::get<Error>(step));
    }
  };
  EXPECT_FALSE(damage_at_begin());
  flip(9 * 4096 + 5);
  ASSERT_OK(log->check_block(*segment(), 9));
  EXPECT_EQ(damage_at_begin()->code, Errc::checksum);
  segment()->blocks->set_lost(9, true);
  EXPECT_EQ(damage_at_begin()->code, Errc::not_found);
}

TEST_F(SegmentBlocksTest, WhatTheDiskCannotReadIsDamaged) {
  SegmentBlocks blocks(4096, 4096, {0});
  const File unreadable = *Disk().open_for_reading("/");  // of a directory nothing is read
  std::array<std::byte, 1> byte{};
  ASSERT_EQ(unreadable.read_at(0, byte).error().code, Errc::io);
  const auto checked = blocks.check(unreadable, 0, 4096, ReadMode::may_block);
  ASSERT_FALSE(checked.ok());
  EXPECT_EQ(checked.error().code, Errc::checksum);
  EXPECT_EQ(blocks.first_damaged(), 0u);
}

// Every byte of the file, one flipped bit at a time.
TEST_F(SegmentBlocksTest, NoFlippedByteIsEverServed) {
  fill();
  for (std::uint64_t offset = 0; offset < first.size(); offset += 37 * kThinning) {
    reopen();
    ASSERT_NE(log, nullptr);
    flip(offset);
    const Served served = serve();
    ASSERT_TRUE(served.error.has_value()) << offset;
    ASSERT_TRUE(is_prefix_of_first(served.bytes)) << offset;
    flip(offset);
  }
}

TEST_F(SegmentBlocksTest, AZeroedPageAndACutFileAreDamage) {
  fill();
  ByteBuffer zeroed = first;
  std::fill_n(zeroed.begin() + 8192, 4096, std::byte{0});
  write_file(segment_path("binlog.000001"), zeroed);
  EXPECT_EQ(serve().error->code, Errc::checksum);

  write_file(segment_path("binlog.000001"), first);
  reopen();
  write_file(segment_path("binlog.000001"), Bytes(first).first(10'000));
  EXPECT_EQ(serve().error->code, Errc::checksum);
}

// A mark comes every 64 MiB: what is before it is checked while the file is still written.
TEST_F(SegmentBlocksTest, TheFileBeingWrittenIsCheckedUpToItsLastMark) {
  constexpr std::uint64_t kMarkEveryBytes = 64u << 20, kBad = 10u << 20;
  const auto write_past = [&](std::uint64_t end) {
    while (sent.size() < end) {
      append_transactions(100, 3000);
      ASSERT_OK(log->sync());
    }
  };
  open();
  start_file("binlog.000001");
  append_transaction();
  ASSERT_OK(log->sync());
  auto follower = LogCursor::open(*log, {SegmentNumber{1}, kFirstEventOffset}, 4096);
  ASSERT_OK(follower);
  EXPECT_FALSE(serve(*follower).error.has_value());  // in the middle of the file when the mark comes
  write_past(kMarkEveryBytes / 2);
  EXPECT_EQ(segment()->blocks->count(), 0u);
  write_past(kMarkEveryBytes + (1u << 20));
  const auto blocks = segment()->blocks;
  const std::uint64_t marked = blocks->count();
  ASSERT_GE(marked, kMarkEveryBytes / 4096);

  flip(kBad);
  for (LogCursor* cursor : {static_cast<LogCursor*>(nullptr), &*follower}) {
    const Served served = cursor == nullptr ? serve() : serve(*cursor);
    ASSERT_TRUE(served.error.has_value());
    EXPECT_EQ(served.error->code, Errc::checksum);
    EXPECT_LE(served.bytes.size(), kBad);
  }
  const std::uint64_t bad = kBad / 4096;
  EXPECT_EQ(blocks->first_damaged(), bad);
  write_past(2 * kMarkEveryBytes + (2u << 20));
  EXPECT_EQ(segment()->blocks, blocks);
  EXPECT_GT(blocks->count(), marked);
  EXPECT_EQ(blocks->state(0), SegmentBlocks::State::sound);  // the next mark forgets nothing
  EXPECT_EQ(blocks->first_damaged(), bad);
  ASSERT_OK(log->restore_block(*segment(), bad, Bytes(sent).subspan(kBad, 4096)));

  rotate_to("binlog.000002");
  EXPECT_EQ(segment()->blocks, blocks);
  EXPECT_EQ(blocks->state(bad), SegmentBlocks::State::sound);
  EXPECT_EQ(blocks->count(), (segment()->size + 4095) / 4096);
  EXPECT_FALSE(serve().error.has_value());
  EXPECT_FALSE(serve(*follower).error.has_value());
}

TEST_F(SegmentBlocksTest, ReadersAreUnderWayWhileTheBlocksGrow) {
  open();
  start_file("binlog.000001");
  ASSERT_OK(log->sync());
  std::atomic<bool> over{false};
  std::thread reader([&] {
    while (!over) EXPECT_FALSE(serve().error.has_value());
  });
  for (int round = 0; round < 130; ++round) {
    append_transaction(1u << 20);
    ASSERT_OK(log->sync());
  }
  rotate_to("binlog.000002");
  over = true;
  reader.join();
  EXPECT_EQ(segment()->blocks->count(), (segment()->size + 4095) / 4096);
}

TEST_F(SegmentBlocksTest, KnowsTheEventAByteBelongsTo) {
  fill();
  std::vector<std::uint64_t> begins;
  auto cursor = LogCursor::open(*log, {SegmentNumber{1}, kFirstEventOffset});
  for (;;) {
    CursorStep step = cursor->next();
    if (auto* event = std::get_if<CursorEvent>(&step)) {
      if (event->position.segment != SegmentNumber{1}) break;
      begins.push_back(event->position.offset);
    } else if (std::holds_alternative<NeedsRead>(step)) {
      ASSERT_OK(cursor->read(ReadMode::may_block));
    } else if (!std::holds_alternative<SegmentEnd>(step)) {
      break;
    }
  }
  for (std::uint64_t offset = 0; offset < first.size(); offset += 101) {
    const auto holder = std::upper_bound(begins.begin(), begins.end(), offset);
    const std::uint64_t expected = holder == begins.begin() ? kFirstEventOffset : *(holder - 1);
    const auto found = event_that_holds(segment()->path, offset);
    ASSERT_OK(found);
    EXPECT_EQ(*found, expected) << offset;
  }
}

}  // namespace
}  // namespace binrelay
