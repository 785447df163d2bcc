// Rows that real servers have written: tests/golden, whose workload is known (tests/golden/record.py).
#include "protocol/row/row_images.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "protocol/row/row_count.h"
#include "protocol/sql/sql_tokens.h"
#include "tests/golden/golden_samples.h"
#include "tests/support/hex.h"

namespace binrelay {
namespace {

std::string text_of(const std::optional<ColumnValue>& value) {
  if (!value) return "-";
  if (const auto* number = std::get_if<std::int64_t>(&*value)) return std::to_string(*number);
  if (const auto* number = std::get_if<std::uint64_t>(&*value)) return std::to_string(*number);
  if (const auto* number = std::get_if<double>(&*value)) return std::to_string(*number);
  if (const auto* text = std::get_if<std::string>(&*value)) return *text;
  return "NULL";
}

std::string test_name(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '-' || c == '.'; }, '_');
  return name;
}

class EveryRowsSample : public testing::TestWithParam<std::string> {};

TEST_P(EveryRowsSample, IsDecodedToItsLastByte) {
  const golden::Sample sample = golden::load(GetParam());
  const ChecksumAlgorithm checksum = sample.format().checksum;
  std::map<std::uint64_t, TableColumns> tables;
  std::size_t rows = 0;
  for (const auto& event : sample.events()) {
    if (event.header.type == EventType::table_map) {
      auto table = decode_table_columns(event.bytes, checksum);
      ASSERT_TRUE(table.ok()) << table.error().context << " at " << event.offset;
      tables.insert_or_assign(table->table_id, std::move(*table));
    }
    if (!is_rows_event(event.header.type)) continue;
    const auto head = decode_rows_head(event.bytes, checksum);
    ASSERT_TRUE(head.ok());
    ASSERT_TRUE(tables.contains(head->table_id));
    const Status decoded =
        decode_row_images(event.bytes, checksum, tables.at(head->table_id), [&](RowChange) -> Status {
          ++rows;
          return Done{};
        });
    EXPECT_TRUE(decoded.ok()) << decoded.error().context << " at " << event.offset;
  }
  EXPECT_GT(rows, 0u);
}

// RowWidths skips what decode_row_images reads.
TEST_P(EveryRowsSample, HasAsManyRowsByItsWidths) {
  const golden::Sample sample = golden::load(GetParam());
  const ChecksumAlgorithm checksum = sample.format().checksum;
  std::map<std::uint64_t, TableColumns> tables;
  std::map<std::uint64_t, RowWidths> widths;
  for (const auto& event : sample.events()) {
    if (event.header.type == EventType::table_map) {
      auto table = decode_table_columns(event.bytes, checksum);
      auto width = RowWidths::of(event.bytes, checksum);
      ASSERT_TRUE(width.has_value()) << event.offset;
      widths.insert_or_assign(table->table_id, std::move(*width));
      tables.insert_or_assign(table->table_id, std::move(*table));
    }
    if (!is_rows_event(event.header.type)) continue;
    const std::uint64_t id = decode_rows_head(event.bytes, checksum)->table_id;
    std::uint64_t rows = 0;
    const Status decoded = decode_row_images(event.bytes, checksum, tables.at(id), [&](const RowChange&) -> Status {
      ++rows;
      return Done{};
    });
    const auto counted = widths.at(id).rows_in(event.bytes, checksum);
    const bool compressed = event.header.type >= EventType::mariadb_write_rows_compressed_v1;
    EXPECT_EQ(counted.has_value(), !compressed) << event.offset;
    const bool both = decoded.ok() && counted.has_value();
    EXPECT_EQ(counted.value_or(0), both ? rows : counted.value_or(0)) << event.offset;
  }
}

TEST_P(EveryRowsSample, IsRefusedWhenItIsCutAnywhere) {
  const golden::Sample sample = golden::load(GetParam());
  const ChecksumAlgorithm checksum = sample.format().checksum;
  std::map<std::uint64_t, TableColumns> tables;
  for (const auto& event : sample.events()) {
    if (event.header.type == EventType::table_map) {
      auto table = decode_table_columns(event.bytes, checksum);
      tables.insert_or_assign(table->table_id, std::move(*table));
    }
    if (!is_rows_event(event.header.type) || event.bytes.size() > 4096) continue;
    const auto& table = tables.at(decode_rows_head(event.bytes, checksum)->table_id);
    for (std::size_t size = 0; size < event.bytes.size(); ++size) {  // no crash, nothing read outside
      (void)decode_row_images(event.bytes.first(size), checksum, table, [](RowChange) -> Status { return Done{}; });
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Rows, EveryRowsSample,
                         testing::Values("mysql-9.7-row", "mariadb-10.11-row", "mariadb-10.11-compressed",
                                         "mariadb-11.8-row"),
                         test_name);

// As tests/golden/record.py asks the server: text and bytes in hex.
bool is_asked_in_hex(ColumnKind kind) {
  switch (kind) {
    case ColumnKind::varchar:
    case ColumnKind::string:
    case ColumnKind::blob:
    case ColumnKind::geometry:
    case ColumnKind::vector:
    case ColumnKind::mariadb_compressed_varchar:
    case ColumnKind::mariadb_compressed_blob:
      return true;
    default:
      return false;
  }
}

void expect_as_shown(const ColumnLayout& column, const std::optional<ColumnValue>& value, const std::string& shown) {
  if (value && std::holds_alternative<double>(*value)) {
    EXPECT_EQ(std::get<double>(*value), std::stod(shown));
  } else if (value && std::holds_alternative<std::string>(*value) && is_asked_in_hex(column.kind)) {
    std::string text = to_upper(hex(as_bytes(std::get<std::string>(*value))));
    // The binlog leaves out what BINARY is filled up with.
    if (column.kind == ColumnKind::string && shown.size() > text.size()) text.resize(shown.size(), '0');
    EXPECT_EQ(text, shown);
  } else {
    EXPECT_EQ(text_of(value), shown);
  }
}

class EveryTypesSample : public testing::TestWithParam<std::string> {};

TEST_P(EveryTypesSample, SaysWhatTheServerSaysOfItsRows) {
  const golden::Sample sample = golden::load(GetParam());
  const ChecksumAlgorithm checksum = sample.format().checksum;
  std::istringstream shown(golden::read_file(std::filesystem::path(BINRELAY_GOLDEN) / (GetParam() + ".rows")));
  std::optional<TableColumns> table;
  for (const auto& event : sample.events()) {
    if (event.header.type == EventType::table_map) {
      auto decoded = decode_table_columns(event.bytes, checksum);
      ASSERT_TRUE(decoded.ok()) << decoded.error().context;
      table = std::move(*decoded);
      // MariaDB does not tell unless binlog_row_metadata says so.
      if (sample.format().flavour == Flavour::mariadb) {
        for (const std::size_t number : {2, 4, 6, 8, 10}) table->columns[number].is_unsigned = true;
      }
    }
    if (!is_rows_event(event.header.type)) continue;
    const Status decoded = decode_row_images(event.bytes, checksum, *table, [&](RowChange change) -> Status {
      std::string line;
      EXPECT_TRUE(std::getline(shown, line));
      std::istringstream values(line);
      for (std::size_t i = 1; i < change.after.size(); ++i) {
        std::string value;
        std::getline(values, value, '\t');
        SCOPED_TRACE("column " + std::to_string(i - 1));
        expect_as_shown(table->columns[i], change.after[i], value);
      }
      return Done{};
    });
    EXPECT_TRUE(decoded.ok()) << decoded.error().context;
  }
  std::string left;
  EXPECT_FALSE(std::getline(shown, left));
}

INSTANTIATE_TEST_SUITE_P(Types, EveryTypesSample,
                         testing::Values("mysql-9.7-types", "mariadb-10.11-types", "mariadb-11.8-types"), test_name);

std::string refusal(ColumnKind kind, std::uint16_t size, std::string_view bytes) {
  ColumnLayout column;
  column.kind = kind;
  column.size = size;
  ByteReader in(as_bytes(bytes));
  const auto value = decode_column_value(in, column);
  return value.ok() ? "" : value.error().context;
}

TEST(ColumnValue, OfALayoutNoServerHasIsRefused) {
  constexpr std::string_view kBytes = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff";
  EXPECT_NE(refusal(ColumnKind::bit, 9, kBytes), "");
  EXPECT_NE(refusal(ColumnKind::new_decimal, 0, kBytes), "");
  EXPECT_NE(refusal(ColumnKind::new_decimal, 66 << 8, kBytes), "");
  EXPECT_NE(refusal(ColumnKind::new_decimal, 1 << 8 | 2, kBytes), "");
  EXPECT_NE(refusal(ColumnKind::new_decimal, 1 << 8, kBytes), "");  // a group of one digit with more than 9 in it
  EXPECT_NE(refusal(ColumnKind::timestamp2, 7, kBytes), "");
  EXPECT_NE(refusal(ColumnKind::datetime2, 7, kBytes), "");
  EXPECT_NE(refusal(ColumnKind::time2, 7, kBytes), "");
  EXPECT_NE(refusal(ColumnKind::blob, 5, kBytes), "");
  EXPECT_NE(refusal(ColumnKind::enum_, 3, kBytes), "");
  EXPECT_NE(refusal(ColumnKind::set, 9, kBytes), "");
  EXPECT_NE(refusal(ColumnKind::varchar, 10,
                    "\x05"
                    "abc"),
            "");
  EXPECT_NE(refusal(ColumnKind::mariadb_compressed_varchar, 10,
                    "\x02\x90"
                    "a"),
            "");
}

// UPDATE t SET a = JSON_REMOVE(JSON_SET(a, '$.x', 'new', '$.n', 7), '$.y[1]'), c = 'e' on MySQL 9.7.
TEST(JsonDifferences, AreThoseThatTheSourceHasWritten) {
  const ByteBuffer map = bytes_of_hex(
      "1f0a096b1365000000340000004104000000006d000000000001000164000174000403f5f50f04040428000e0101000203fcff00");
  const ByteBuffer event = bytes_of_hex(
      "1f0a096b2765000000ab000000ec04000000006d00000000001100020004ffff00010000003e0000000003003d00190001001a0001001b00"
      "0100"
      "050100021c000c290078797a03000d00050100050200050300136c6f6e672074657874206c6f6e6720746578741100000000010010000b00"
      "0100"
      "0c0c006b036f6c640163010300010000001c0000000003242e78050c036e65770103242e6e030507000206242e795b315d000000000165");
  const auto table = decode_table_columns(map, ChecksumAlgorithm::none);
  ASSERT_TRUE(table.ok());
  std::vector<RowChange> changes;
  const Status decoded = decode_row_images(event, ChecksumAlgorithm::none, *table, [&](RowChange change) -> Status {
    changes.push_back(std::move(change));
    return Done{};
  });
  ASSERT_TRUE(decoded.ok()) << decoded.error().context;
  ASSERT_EQ(changes.size(), 1u);
  using enum JsonDifference::Operation;
  const JsonDifferences expected{
      {replace, "$.x", "\x0c\x03new"}, {insert, "$.n", std::string("\x05\x07\0", 3)}, {remove, "$.y[1]", ""}};
  EXPECT_EQ(std::get<JsonDifferences>(*changes[0].after[1]), expected);
  EXPECT_EQ(std::get<JsonDifferences>(*changes[0].after[2]), JsonDifferences()) << "it stayed as it was";
  EXPECT_EQ(text_of(changes[0].after[3]), "e");

  ByteReader unknown(as_bytes(std::string_view("\x05\0\0\0\x03\x01$\x01x", 9)));
  EXPECT_EQ(decode_json_differences(unknown).error().code, Errc::malformed);
}

}  // namespace
}  // namespace binrelay
