#include "protocol/sql/information_schema_query.h"

#include <gtest/gtest.h>

namespace binrelay {
namespace {

std::string no_bounds(RowSubject, const std::string&, const std::string&) { return {}; }

std::string query_rendered(std::string_view text, std::string_view database = "",
                           const MetadataBounds& bounds = no_bounds) {
  const auto query = parse_information_schema_query(text, database);
  return query ? render(*query, bounds) : "refused";
}

TEST(InformationSchemaQuery, IsWrittenAnew) {
  EXPECT_EQ(query_rendered("SELECT COLUMN_NAME, COLUMN_TYPE FROM information_schema.columns "
                           "WHERE table_schema='shop' AND table_name='orders' ORDER BY ORDINAL_POSITION"),
            "SELECT `COLUMN_NAME`, `COLUMN_TYPE` FROM `information_schema`.`COLUMNS` AS `columns` "
            "WHERE `table_schema` = 'shop' AND `table_name` = 'orders' ORDER BY `ORDINAL_POSITION`");
  EXPECT_EQ(query_rendered("select count(*) from tables", "information_schema"),
            "SELECT COUNT(*) AS `count(*)` FROM `information_schema`.`TABLES` AS `tables`");
  EXPECT_EQ(
      query_rendered("SELECT TABLES.TABLE_NAME, CCSA.CHARACTER_SET_NAME FROM INFORMATION_SCHEMA.TABLES JOIN "
                     "information_schema.COLLATION_CHARACTER_SET_APPLICABILITY AS CCSA ON TABLES.TABLE_COLLATION = "
                     "CCSA.COLLATION_NAME WHERE TABLE_SCHEMA = 'd'"),
      "SELECT `TABLES`.`TABLE_NAME`, `CCSA`.`CHARACTER_SET_NAME` FROM `information_schema`.`TABLES` AS `TABLES` "
      "JOIN `information_schema`.`COLLATION_CHARACTER_SET_APPLICABILITY` AS `CCSA` ON `TABLES`.`TABLE_COLLATION` "
      "= `CCSA`.`COLLATION_NAME` WHERE `TABLE_SCHEMA` = 'd'");
  EXPECT_EQ(
      query_rendered("SELECT schema_name AS s FROM information_schema.schemata WHERE schema_name NOT IN ('a','b') "
                     "LIMIT 5, 2"),
      "SELECT `schema_name` AS `s` FROM `information_schema`.`SCHEMATA` AS `schemata` WHERE `schema_name` NOT IN "
      "('a', 'b') LIMIT 2 OFFSET 5");
  EXPECT_EQ(query_rendered("SET STATEMENT max_statement_time=10 FOR SELECT 1 FROM information_schema.engines"),
            "SELECT 1 AS `1` FROM `information_schema`.`ENGINES` AS `engines`");
  EXPECT_EQ(query_rendered("SELECT * FROM information_schema.tables WHERE table_schema = DATABASE()", "shop"),
            "SELECT * FROM `information_schema`.`TABLES` AS `tables` WHERE `table_schema` = 'shop'");
}

TEST(InformationSchemaQuery, StaysWithinItsBoundsInEveryTable) {
  const auto bounds = [](RowSubject, const std::string& database, const std::string&) { return database + " = 'x'"; };
  EXPECT_EQ(
      query_rendered("SELECT a.TABLE_NAME FROM information_schema.tables a LEFT JOIN information_schema.columns b ON "
                     "a.TABLE_NAME = b.TABLE_NAME WHERE a.TABLE_NAME = 't' OR TRUE",
                     "", bounds),
      "SELECT `a`.`TABLE_NAME` FROM `information_schema`.`TABLES` AS `a` LEFT JOIN "
      "`information_schema`.`COLUMNS` AS `b` ON (`a`.`TABLE_NAME` = `b`.`TABLE_NAME`) AND (`b`.`TABLE_SCHEMA` = "
      "'x') WHERE (`a`.`TABLE_NAME` = 't' OR TRUE) AND (`a`.`TABLE_SCHEMA` = 'x')");
}

TEST(InformationSchemaQuery, IsRefusedWithAnythingElse) {
  for (const std::string_view text : {"SELECT * FROM mysql.user",
                                      "SELECT * FROM information_schema.processlist",
                                      "SELECT * FROM tables",
                                      "SELECT SLEEP(10) FROM information_schema.tables",
                                      "SELECT LOAD_FILE('/etc/passwd') FROM information_schema.tables",
                                      "SELECT * FROM information_schema.tables INTO OUTFILE '/tmp/x'",
                                      "SELECT * FROM information_schema.tables FOR UPDATE",
                                      "SELECT * FROM information_schema.tables LOCK IN SHARE MODE",
                                      "SELECT (SELECT 1) FROM information_schema.tables",
                                      "SELECT @@version FROM information_schema.tables",
                                      "SELECT @x := 1 FROM information_schema.tables",
                                      "SELECT 1 FROM information_schema.tables; DROP TABLE x",
                                      "SELECT * FROM information_schema.tables UNION SELECT * FROM mysql.user",
                                      "SELECT * FROM information_schema.tables JOIN mysql.user ON TRUE",
                                      "SELECT * FROM information_schema.tables PROCEDURE ANALYSE()",
                                      "SELECT * FROM (SELECT 1) a",
                                      "SELECT 1",
                                      "WITH a AS (SELECT 1) SELECT * FROM a",
                                      "SELECT mysql.user.User FROM information_schema.tables",
                                      "SELECT x'41' FROM information_schema.tables",
                                      "SELECT * FROM information_schema.tables WHERE table_name = _gbk 'a'",
                                      "SELECT * FROM information_schema.tables WHERE "
                                      "((((((((((((((((((((((((((((((((((((1))))))))))))))))))))))))))))))))))))"})
    EXPECT_EQ(query_rendered(text), "refused") << text;
}

}  // namespace
}  // namespace binrelay
