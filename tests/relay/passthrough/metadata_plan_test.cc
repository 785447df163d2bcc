#include "relay/passthrough/metadata_plan.h"

#include <gtest/gtest.h>

namespace binrelay {
namespace {

class MetadataPlan : public testing::Test {
 protected:
  MetadataAsker asker(const std::string& database = "shop") { return {"cdc", "%", database, &allowed_, false}; }
  void allow(const std::vector<std::string>& entries) { allowed_ = std::move(AllowList::parse(entries)).value(); }
  std::string sql_of(std::string_view text, const std::string& database = "shop") {
    const auto planned = plan_metadata(text, asker(database));
    if (!planned) return "not passed";
    if (const auto* error = std::get_if<SqlError>(&*planned)) return std::to_string(error->code);
    return std::get<MetadataRequest>(*planned).sql;
  }
  bool shows(std::string_view text, const std::string& name) {
    const auto planned = plan_metadata(text, asker());
    return std::get<MetadataRequest>(*planned).shown({name});
  }

  AllowList allowed_;
};

TEST_F(MetadataPlan, LeavesOtherStatementsToTheRelay) {
  for (const char* text : {"SHOW BINARY LOGS", "SELECT 1", "SHOW VARIABLES", "SET NAMES utf8", "DELETE FROM t", ""})
    EXPECT_EQ(sql_of(text), "not passed") << text;
}

TEST_F(MetadataPlan, NamesTheSessionsDatabase) {
  EXPECT_EQ(sql_of("SHOW TABLES"), "SHOW TABLES FROM `shop`");
  EXPECT_EQ(sql_of("SHOW TABLES", ""), "1046");
  EXPECT_EQ(std::get<MetadataRequest>(*plan_metadata("SHOW TABLES", asker())).database, "shop");
}

TEST_F(MetadataPlan, TakesADatabaseThatCannotBeSentForNone) {
  for (const char* database : {"a\nb", "\xbf\x27", "`\x01"}) {
    EXPECT_EQ(sql_of("SHOW TABLES", database), "1046");
    EXPECT_EQ(sql_of("SELECT DATABASE() FROM information_schema.engines", database),
              "SELECT NULL AS `DATABASE()` FROM `information_schema`.`ENGINES` AS `engines`");
    EXPECT_EQ(std::get<MetadataRequest>(*plan_metadata("SHOW DATABASES", asker(database))).database,
              "information_schema");
  }
}

TEST_F(MetadataPlan, AsksNothingAboutWhatAnAccountMayNotSee) {
  allow({"shop.orders", "shop.c*"});
  EXPECT_EQ(sql_of("SHOW CREATE TABLE orders"), "SHOW CREATE TABLE `shop`.`orders`");
  EXPECT_EQ(sql_of("SHOW CREATE TABLE secret"), "1142");
  EXPECT_EQ(sql_of("DESC other.orders"), "1142");
  EXPECT_EQ(sql_of("SHOW TABLES FROM other"), "1044");
  EXPECT_EQ(sql_of("SHOW CREATE DATABASE other"), "1044");
  EXPECT_TRUE(shows("SHOW TABLES", "customers"));
  EXPECT_FALSE(shows("SHOW TABLES", "secret"));
  EXPECT_TRUE(shows("SHOW DATABASES", "shop"));
  EXPECT_FALSE(shows("SHOW DATABASES", "other"));
  // That a database exists is not to be learned from being in it.
  EXPECT_EQ(std::get<MetadataRequest>(*plan_metadata("SHOW DATABASES", asker("other"))).database, "information_schema");
}

TEST_F(MetadataPlan, BoundsInformationSchemaByTheAllowList) {
  allow({"shop.c*"});
  EXPECT_EQ(sql_of("SELECT table_name FROM information_schema.tables WHERE TRUE OR table_name = 'x'"),
            "SELECT `table_name` FROM `information_schema`.`TABLES` AS `tables` WHERE (TRUE OR `table_name` = 'x') AND "
            "((CONVERT(`tables`.`TABLE_SCHEMA` USING utf8mb4) COLLATE utf8mb4_bin = 'shop' AND "
            "CONVERT(`tables`.`TABLE_NAME` USING utf8mb4) COLLATE utf8mb4_bin LIKE 'c%') OR "
            "LOWER(CONVERT(`tables`.`TABLE_SCHEMA` USING utf8mb4)) COLLATE utf8mb4_bin = 'information_schema')");
  EXPECT_EQ(
      sql_of("SELECT constraint_name FROM information_schema.check_constraints"),
      "SELECT `constraint_name` FROM `information_schema`.`CHECK_CONSTRAINTS` AS `check_constraints` WHERE FALSE");
}

TEST_F(MetadataPlan, FindsADatabaseToUse) {
  EXPECT_EQ(database_to_use("use `a b`;"), "a b");
  EXPECT_FALSE(database_to_use("SHOW TABLES"));
  allow({"shop.*"});
  EXPECT_EQ(std::get<SqlError>(plan_database_search("other", asker())).code, 1044);
  EXPECT_EQ(std::get<MetadataRequest>(plan_database_search("shop", asker())).sql,
            "SELECT 1 FROM `information_schema`.`SCHEMATA` WHERE `SCHEMA_NAME` = 'shop'");
}

}  // namespace
}  // namespace binrelay
