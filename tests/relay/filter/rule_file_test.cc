#include "relay/filter/rule_file.h"

#include <gtest/gtest.h>

namespace binrelay {
namespace {

constexpr const char* kHeader = "id,db_name,tb_name,monitor_insert,monitor_update,monitor_delete\n";

TEST(RuleFile, ColumnsStandInAnyOrderAmongOthers) {
  const auto rules = parse_rules(
      "# rules of the blog\n"
      "tb_name, db_name, create_time, monitor_delete, monitor_update, monitor_insert, id\n"
      "blog_article, baker_blog_blog, 2026-01-01, 0, 1, 1, 2\n"
      "\n"
      "\"a,\"\"b\", shop, x, 1, 0, 0, 3\r\n");
  ASSERT_TRUE(rules.ok()) << rules.error().context;
  EXPECT_EQ(*rules, (std::vector<FilterRule>{{2, "baker_blog_blog", "blog_article", true, true, false},
                                             {3, "shop", "a,\"b", false, false, true}}));
}

TEST(RuleFile, WhatIsWrongIsNamedWithItsLine) {
  const auto error = [](const std::string& text) { return parse_rules(text).error().context; };
  EXPECT_EQ(error(""), "no line names the columns");
  EXPECT_EQ(error("id,db_name\n"), "line 1: the first line does not name the column tb_name");
  EXPECT_EQ(error(std::string(kHeader) + "1,a,b,1,1\n"), "line 2: fewer fields than the first line names");
  EXPECT_EQ(error(std::string(kHeader) + "x,a,b,1,1,1\n"), "line 2: 'x' is no id");
  EXPECT_EQ(error(std::string(kHeader) + "1,a,b,1,yes,1\n"), "line 2: a flag is neither 0 nor 1");
}

}  // namespace
}  // namespace binrelay
