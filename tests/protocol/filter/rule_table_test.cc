#include "protocol/filter/rule_table.h"

#include <gtest/gtest.h>

namespace binrelay {
namespace {

TableColumns table_of(std::vector<ColumnKind> kinds) {
  TableColumns table;
  for (const ColumnKind kind : kinds) {
    ColumnLayout column;
    column.kind = kind;
    table.columns.push_back(column);
  }
  return table;
}

const std::vector<DescribedColumn> kReordered{{"tb_name", "varchar", "latin1"},
                                              {"owner", "varchar", "utf8mb4"},
                                              {"ID", "int", ""},
                                              {"monitor_delete", "bit", ""},
                                              {"db_name", "varchar", "gbk"}};
TableColumns reordered() {
  return table_of({ColumnKind::varchar, ColumnKind::varchar, ColumnKind::long_, ColumnKind::bit, ColumnKind::varchar});
}

TEST(RuleTableTest, ColumnsAreFoundByNameInAnyOrder) {
  const auto columns = RuleColumns::match(reordered(), kReordered);
  ASSERT_TRUE(columns.ok());
  const RuleValues values = columns->read(
      {std::string("caf\xe9"), std::string("x"), std::int64_t{-1}, std::uint64_t{1}, std::string("shop")});
  EXPECT_TRUE(values.complete());
  EXPECT_EQ(values.id, 0xffffffffu);  // without metadata the sign is not known
  EXPECT_EQ(values.tb_name, "caf\xc3\xa9");
  EXPECT_EQ(values.db_name, "shop");
  EXPECT_EQ(values.monitor_delete, true);
  EXPECT_EQ(values.monitor_insert, false);  // there is no such column
}

TEST(RuleTableTest, APartOfAnImageChangesThatPart) {
  const auto columns = RuleColumns::match(reordered(), kReordered);
  ASSERT_TRUE(columns.ok());
  const RuleValues values = columns->read({std::nullopt, std::nullopt, std::nullopt, std::uint64_t{0}, std::nullopt});
  EXPECT_FALSE(values.complete());
  const FilterRule before{7, "shop", "orders", false, false, true};
  const FilterRule after{7, "shop", "orders", false, false, false};
  EXPECT_EQ(values.over(before), after);
}

TEST(RuleTableTest, ANameOfAnUnknownCharacterSetIsSaid) {
  const auto columns = RuleColumns::match(reordered(), kReordered);
  ASSERT_TRUE(columns.ok());
  EXPECT_TRUE(columns->read({std::string("t"), SqlNull{}, std::int64_t{1}, std::uint64_t{1}, std::string("\xd6\xd0")})
                  .unreadable);
}

TEST(RuleTableTest, OtherColumnsThanDescribedAreNotGuessed) {
  EXPECT_EQ(RuleColumns::match(table_of({ColumnKind::varchar}), kReordered).error().code, Errc::conflict);
  TableColumns other = reordered();
  other.columns[2].kind = ColumnKind::varchar;
  EXPECT_EQ(RuleColumns::match(other, kReordered).error().code, Errc::conflict);
  EXPECT_EQ(RuleColumns::match(table_of({ColumnKind::long_}), {{"id", "int", ""}}).error().code, Errc::not_found);
}

TEST(RuleTableTest, TextsBecomeUtf8) {
  EXPECT_EQ(to_utf8(std::string_view("\x4e\x2d", 2), "utf16"), "\xe4\xb8\xad");
  EXPECT_EQ(to_utf8(std::string_view("\0\0\x4e\x2d", 4), "utf32"), "\xe4\xb8\xad");
  EXPECT_EQ(to_utf8("\x80", "latin1"), "\xe2\x82\xac");
  EXPECT_EQ(to_utf8("abc", "gbk"), "abc");
  EXPECT_EQ(to_utf8("\xd6\xd0", "gbk"), std::nullopt);
  EXPECT_EQ(to_utf8("x", "utf16"), std::nullopt);
}

}  // namespace
}  // namespace binrelay
