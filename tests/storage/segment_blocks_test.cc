// Nothing damaged is served: blocks of stored files are checked before their first byte goes out, and can be restored.
#include "storage/segment/segment_blocks.h"

#include <gtest/gtest.h>

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
  void flip(std::uint64_t offset) {
    ByteBuffer content = read_file(segment_path("binlog.000001"));
    content[offset] ^= std::byte{0x10};
    write_file(segment_path("binlog.000001"), content);
  }
  std::shared_ptr<const Segment> segment() { return log->catalog()->find(SegmentNumber{1}); }

  // What a reader gets before it ends or is stopped by an error.
  struct Served {
    ByteBuffer bytes;
    std::optional<Error> error;
  };
  Served serve() {
    Served served;
    auto cursor = LogCursor::open(*log, {SegmentNumber{1}, kFirstEventOffset}, 4096);
    EXPECT_OK(cursor);
    for (;;) {
      CursorStep step = cursor->next();
      if (auto* event = std::get_if<CursorEvent>(&step)) {
        served.bytes.insert(served.bytes.end(), event->bytes.begin(), event->bytes.end());
      } else if (std::holds_alternative<NeedsRead>(step)) {
        const auto read = cursor->read(ReadMode::may_block);
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
