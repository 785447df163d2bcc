#include "protocol/sql/metadata_statement.h"

#include <gtest/gtest.h>

namespace binrelay {
namespace {

std::string rendered(std::string_view text, std::string_view database = "") {
  const auto statement = parse_metadata_statement(text, database);
  if (!statement) return "refused";
  const std::string anew = render(*statement);
  const auto again = parse_metadata_statement(anew, "");
  EXPECT_TRUE(again && *again == *statement) << anew;
  return anew;
}

TEST(MetadataStatement, IsWrittenAnew) {
  EXPECT_EQ(rendered("show databases"), "SHOW DATABASES");
  EXPECT_EQ(rendered("show full columns from `d`.`t`"), "SHOW FULL COLUMNS FROM `d`.`t`");
  EXPECT_EQ(rendered("SHOW COLUMNS FROM t IN d LIKE 'a\\_b'"), "SHOW COLUMNS FROM `d`.`t` LIKE 'a\\\\_b'");
  EXPECT_EQ(rendered("show index from `d`.`t`;"), "SHOW INDEX FROM `d`.`t`");
  EXPECT_EQ(rendered("show /* x */ create table `a``b`", "d"), "SHOW CREATE TABLE `d`.`a``b`");
  EXPECT_EQ(rendered("SHOW TABLE STATUS LIKE 'it''s';", "d"), "SHOW TABLE STATUS FROM `d` LIKE 'it''s'");
  EXPECT_EQ(rendered("desc d.t"), "SHOW COLUMNS FROM `d`.`t`");
  EXPECT_EQ(rendered("describe d.t id"), "SHOW COLUMNS FROM `d`.`t` LIKE 'id'");
  EXPECT_EQ(rendered("show create table `库`.`订单`"), "SHOW CREATE TABLE `库`.`订单`");
  EXPECT_EQ(rendered("show full tables from `d` where Table_type = 'BASE TABLE'"),
            "SHOW FULL TABLES FROM `d` WHERE `Table_type` = 'BASE TABLE'");
  EXPECT_EQ(rendered("/*!40101 show */ engines"), "SHOW ENGINES");
}

TEST(MetadataStatement, IsRefusedWithAPartThatCannotBeRendered) {
  for (const std::string_view text :
       {"show create table t; drop table t", "show create table t /*!40101 , u */", "show tables where sleep(1)",
        "show create table `\xbf\x27`", "desc t into outfile 'x'", "show databases union select 1", "show columns t",
        "show tables from d like 'a\nb'", "show create table `\xc0\xa0`", "show tables where @x = 1",
        "show tables where (select 1)", "show create procedure p", "show grants", "show tables like 'a' where 1"})
    EXPECT_EQ(rendered(text, "d"), "refused") << text;
}

}  // namespace
}  // namespace binrelay
