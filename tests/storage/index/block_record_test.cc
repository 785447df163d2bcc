// What a search reads of a block record is what the whole record says.
#include "storage/index/block_record.h"

#include <gtest/gtest.h>

#include "protocol/gtid/mysql_gtid_set.h"

namespace binrelay {
namespace {

BlockRecord record_with(std::string_view gtids) {
  BlockRecord record;
  record.segment = SegmentNumber{7};
  record.begin = 4096;
  record.end = 8192;
  record.added = *MysqlGtidSet::parse(gtids);
  record.first_timestamp = 1'700'000'100;
  record.last_timestamp = 1'700'000'200;
  record.tables = {{"shop", "orders", 3, 300}};
  return record;
}

TEST(BlockSpan, IsReadBehindAnyGtidState) {
  for (const std::string_view gtids : {"", "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5:7-9"}) {
    const BlockRecord record = record_with(gtids);
    const auto span = decode_block_span(encode_block_key(record.segment, record.begin), encode_block_value(record));
    ASSERT_TRUE(span.ok());
    EXPECT_EQ(span->segment, record.segment);
    EXPECT_EQ(span->begin, record.begin);
    EXPECT_EQ(span->end, record.end);
    EXPECT_EQ(span->last_timestamp, record.last_timestamp);
  }
}

TEST(BlockSpan, RefusesARecordThatEndsBeforeItsTimes) {
  const BlockRecord record = record_with("");
  const ByteBuffer key = encode_block_key(record.segment, record.begin), value = encode_block_value(record);
  const std::size_t times_end = 8 + 1 + 4 + 8 + 8;  // the end, flavour and length, an empty set, two timestamps
  for (std::size_t size = 0; size < times_end; ++size) {
    EXPECT_FALSE(decode_block_span(key, Bytes(value).first(size)).ok()) << size;
  }
  EXPECT_TRUE(decode_block_span(key, Bytes(value).first(times_end)).ok());
  EXPECT_FALSE(decode_block_span(Bytes(key).first(15), value).ok());
}

TEST(BlockSpan, RefusesABlockThatEndsWhereItBegins) {
  BlockRecord record = record_with("");
  record.end = record.begin;
  EXPECT_FALSE(decode_block_span(encode_block_key(record.segment, record.begin), encode_block_value(record)).ok());
}

TEST(FileSpan, IsTheSumOfItsBlocks) {
  std::vector<BlockRecord> blocks(3, record_with(""));
  blocks[1].last_timestamp += 5;  // times of transactions go back and forth
  blocks[2].end = 20'000;
  const FileSpan file = sum_up(blocks, 1'700'000'100, 1'700'000'201);
  EXPECT_EQ(file, (FileSpan{SegmentNumber{7}, 20'000, 1'700'000'205}));
  EXPECT_EQ(sum_up(blocks, 1'700'000'300, 0).last_timestamp, 1'700'000'300u);
  EXPECT_EQ(sum_up(blocks, 0, 1'700'000'300).last_timestamp, 1'700'000'300u) << "its ROTATE is as old";
  const ByteBuffer key = encode_file_key(file.segment), value = encode_file_value(file);
  EXPECT_EQ(decode_file_span(key, value).value(), file);
  for (std::size_t size = 0; size < key.size(); ++size)
    EXPECT_FALSE(decode_file_span(Bytes(key).first(size), value).ok()) << size;
  for (std::size_t size = 0; size < value.size(); ++size)
    EXPECT_FALSE(decode_file_span(key, Bytes(value).first(size)).ok()) << size;
  EXPECT_FALSE(decode_file_span(encode_block_key(file.segment, 4), value).ok());
}

TEST(FileSpan, SortsBehindAllBlocks) {
  const ByteBuffer file = encode_file_key(SegmentNumber{1}), next_file = encode_file_key(SegmentNumber{256});
  EXPECT_LT(encode_block_key(SegmentNumber{1ull << 60}, 1ull << 60), file);
  EXPECT_LT(file, next_file);
}

}  // namespace
}  // namespace binrelay
