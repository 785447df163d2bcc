#include "relay/commands/statement_answers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "relay/commands/replica_status.h"
#include "relay/commands/system_variables.h"
#include "tests/relay/dump/sample_log.h"

namespace binrelay {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;
using testing::Not;
using testing::SizeIs;

using Row = std::vector<std::optional<std::string>>;

class AnswersTest : public testing::Test {
 protected:
  explicit AnswersTest(Flavour flavour) : log(flavour) {
    session.user = "repl";
    session.peer_host = "10.0.0.9";
    session.peer_port = 40000;
    session.local_port = 3307;
    session.connection_id = 12;
  }

  Answer ask(const std::string& statement) {
    RelayView relay = log.view();
    relay.upstream = upstream;
    return answer_query(statement, relay, session);
  }
  ResultSet rows(const std::string& statement) {
    Answer answer = ask(statement);
    auto* result = std::get_if<ResultSet>(&answer);
    const auto* error = std::get_if<SqlError>(&answer);
    EXPECT_NE(result, nullptr) << statement << ": " << (error ? error->text : "no result set");
    return result ? *result : ResultSet{};
  }
  // The one value of a statement; "NULL" for NULL.
  std::string value(const std::string& statement) {
    const ResultSet result = rows(statement);
    EXPECT_THAT(result.rows, SizeIs(1)) << statement;
    if (result.rows.size() != 1 || result.rows[0].empty()) return "(none)";
    return result.rows[0][0].value_or("NULL");
  }
  // The value SHOW VARIABLES LIKE 'name' prints; "(none)" without a row.
  std::string shown(const std::string& name) {
    const ResultSet result = rows("SHOW GLOBAL VARIABLES LIKE '" + name + "'");
    return result.rows.empty() ? "(none)" : result.rows.at(0).at(1).value_or("NULL");
  }
  SqlError error(const std::string& statement) {
    Answer answer = ask(statement);
    auto* found = std::get_if<SqlError>(&answer);
    EXPECT_NE(found, nullptr) << statement;
    return found ? *found : SqlError{};
  }
  void ok(const std::string& statement) {
    const Answer answer = ask(statement);
    const auto* found = std::get_if<SqlError>(&answer);
    EXPECT_TRUE(std::holds_alternative<OkAnswer>(answer)) << statement << ": " << (found ? found->text : "not an OK");
  }
  std::vector<std::string> columns(const std::string& statement) {
    std::vector<std::string> names;
    for (const Column& column : rows(statement).columns) names.push_back(column.name);
    return names;
  }

  SampleLog log;
  SessionState session;
  std::function<ReplicaStatus()> upstream;
};

class MysqlAnswers : public AnswersTest {
 protected:
  MysqlAnswers() : AnswersTest(Flavour::mysql) {
    log.open_file("binlog.000001");
    log.commit(kSourceUuid, 1);
    log.open_file("binlog.000002");
    log.commit(kSourceUuid, 2);
    log.commit(kOtherUuid, 7);
    log.sync();
  }
};

class MariadbAnswers : public AnswersTest {
 protected:
  MariadbAnswers() : AnswersTest(Flavour::mariadb) {
    log.open_file("mariadb-bin.000001");
    log.commit(MariadbGtid{0, 1, 1});
    second = log.commit(MariadbGtid{5, 2, 9});
    log.open_file("mariadb-bin.000002");
    third = log.commit(MariadbGtid{0, 1, 2});
    log.sync();
  }
  std::uint64_t second = 0, third = 0;
};

// --- what replicas say, in their order ---

TEST_F(MysqlAnswers, AReplicaWhoseSessionWasLostIsMadeToConnectAgain) {
  EXPECT_EQ(error("SELECT @source_binlog_checksum").code, 1053);
  ok("SET @source_binlog_checksum = NULL");
  EXPECT_EQ(rows("SELECT @source_binlog_checksum").rows.front().front(), std::nullopt);
  EXPECT_EQ(rows("SELECT @master_heartbeat_period").rows.front().front(), std::nullopt);
}

TEST_F(MysqlAnswers, AReplicaOf97GetsThrough) {
  EXPECT_THAT(value("SELECT UNIX_TIMESTAMP()"), MatchesRegex("[0-9]+"));
  EXPECT_EQ(value("SELECT @@GLOBAL.SERVER_ID"), "7");
  ok("SET @master_heartbeat_period = 30000001024, @source_heartbeat_period = 30000001024");
  ok("SET @master_binlog_checksum = @@global.binlog_checksum, @source_binlog_checksum = @@global.binlog_checksum");
  EXPECT_EQ(value("SELECT @source_binlog_checksum"), "CRC32");
  EXPECT_EQ(value("SELECT @@GLOBAL.GTID_MODE"), "ON");
  EXPECT_EQ(value("SELECT @@GLOBAL.SERVER_UUID"), kSourceUuid);
  ok("SET @slave_uuid = 'u', @replica_uuid = 'u'");
  EXPECT_EQ(error("SELECT @@global.rpl_semi_sync_source_enabled").code, 1193);
  EXPECT_EQ(error("SELECT @@global.rpl_semi_sync_master_enabled").code, 1193);
  EXPECT_EQ(session.user_variables["source_heartbeat_period"], "30000001024");
  EXPECT_EQ(session.user_variables["replica_uuid"], "u");
}

TEST_F(MysqlAnswers, AReplicaOf57GetsThrough) {
  ok("SET @master_heartbeat_period= 30000001024");
  ok("SET @master_binlog_checksum= @@global.binlog_checksum");
  EXPECT_EQ(value("SELECT @master_binlog_checksum"), "CRC32");
  ok("SET @slave_uuid= 'u'");
}

TEST_F(MariadbAnswers, AReplicaGetsThrough) {
  EXPECT_THAT(value("SELECT UNIX_TIMESTAMP()"), MatchesRegex("[0-9]+"));
  EXPECT_THAT(rows("SHOW VARIABLES LIKE 'SERVER_ID'").rows, ElementsAre(Row{"server_id", "7"}));
  ok("SET @master_heartbeat_period= 30000001024");
  ok("SET @master_binlog_checksum= @@global.binlog_checksum");
  EXPECT_EQ(value("SELECT @master_binlog_checksum"), "CRC32");
  ok("SET skip_replication=1");
  ok("SET @mariadb_slave_capability=4");
  EXPECT_EQ(value("SELECT @@GLOBAL.gtid_domain_id"), "0");
  ok("SET @slave_connect_state='0-1-1,5-2-9'");
  ok("SET @slave_gtid_strict_mode=0");
  ok("SET @slave_gtid_ignore_duplicates=0");
  EXPECT_THAT(rows("SHOW VARIABLES LIKE 'rpl_semi_sync_master_enabled'").rows, IsEmpty());
  EXPECT_EQ(session.session_variables["skip_replication"], "ON");
  EXPECT_EQ(session.user_variables["mariadb_slave_capability"], "4");
  EXPECT_EQ(session.user_variables["slave_connect_state"], "0-1-1,5-2-9");
}

TEST_F(MysqlAnswers, ToolsGetThrough) {
  // mysqlbinlog, mysql, go-mysql, python, the Java client
  EXPECT_EQ(value("SELECT VERSION()"), "9.7.4");
  ok("SET @master_binlog_checksum = 'NONE', @source_binlog_checksum = 'NONE'");
  EXPECT_THAT(value("select @@version_comment limit 1"), HasSubstr("binrelay"));
  EXPECT_EQ(error("select $$").code, 1064);
  EXPECT_THAT(rows("SHOW GLOBAL VARIABLES LIKE 'BINLOG_CHECKSUM'").rows, ElementsAre(Row{"binlog_checksum", "CRC32"}));
  ok("SET NAMES utf8mb4");
  ok("SET AUTOCOMMIT = 1");
  EXPECT_THAT(
      rows("SHOW VARIABLES WHERE Variable_name IN ('rpl_semi_sync_master_enabled', 'rpl_semi_sync_source_enabled')")
          .rows,
      IsEmpty());
  ok("set @master_heartbeat_period=30*1000000000");
  EXPECT_EQ(session.user_variables["master_heartbeat_period"], "30000000000");
  EXPECT_EQ(value("select @@server_id"), "7");
  EXPECT_EQ(value("SELECT 1"), "1");
  ok("SET @slave_uuid = uuid()");
  EXPECT_THAT(*session.user_variables["slave_uuid"], SizeIs(36));
}

TEST_F(MysqlAnswers, ConnectorJGetsItsVariablesInOrder) {
  const ResultSet result = rows(
      "/* mysql-connector-j-9.1.0 */SELECT  @@session.auto_increment_increment AS auto_increment_increment, "
      "@@character_set_client AS "
      "character_set_client, @@character_set_connection AS character_set_connection, @@character_set_results AS "
      "character_set_results, "
      "@@character_set_server AS character_set_server, @@collation_server AS collation_server, @@collation_connection "
      "AS "
      "collation_connection, @@init_connect AS init_connect, @@interactive_timeout AS interactive_timeout, @@license "
      "AS license, "
      "@@lower_case_table_names AS lower_case_table_names, @@max_allowed_packet AS max_allowed_packet, "
      "@@net_write_timeout AS "
      "net_write_timeout, @@performance_schema AS performance_schema, @@sql_mode AS sql_mode, @@system_time_zone AS "
      "system_time_zone, "
      "@@time_zone AS time_zone, @@transaction_isolation AS transaction_isolation, @@wait_timeout AS wait_timeout");
  ASSERT_THAT(result.columns, SizeIs(19));
  EXPECT_EQ(result.columns[0].name, "auto_increment_increment");
  EXPECT_EQ(result.columns[18].name, "wait_timeout");
  for (const auto& each : result.rows.at(0)) EXPECT_TRUE(each.has_value());
}

// --- identity ---

TEST_F(MysqlAnswers, ShowsItselfAsTheSourceButForItsPortAndComment) {
  log.change_source([](SourceIdentity& source) { source.variables["hostname"] = "db1"; });
  EXPECT_EQ(value("SELECT @@version"), "9.7.4");
  EXPECT_EQ(value("SELECT @@global.hostname"), "db1");
  EXPECT_EQ(value("SELECT @@global.port"), "3307");
  EXPECT_EQ(value("SELECT @@global.lower_case_table_names"), "0");
}

TEST_F(MysqlAnswers, KnowsItsFlavoursVariablesOnly) {
  for (const char* name :
       {"gtid_binlog_pos", "gtid_domain_id", "gtid_slave_pos", "skip_replication", "extra_port", "nosuchvar"}) {
    const SqlError unknown = error("SELECT @@global." + std::string(name));
    EXPECT_EQ(unknown.code, 1193);
    EXPECT_EQ(unknown.text, "Unknown system variable '" + std::string(name) + "'");
    EXPECT_EQ(shown(name), "(none)");
    EXPECT_EQ(error("SET " + std::string(name) + " = 1").code, 1193);
  }
}

TEST_F(MariadbAnswers, KnowsItsFlavoursVariablesOnly) {
  for (const char* name :
       {"server_uuid", "gtid_mode", "gtid_executed", "gtid_purged", "super_read_only", "log_replica_updates"}) {
    EXPECT_EQ(error("SELECT @@global." + std::string(name)).code, 1193);
    EXPECT_EQ(shown(name), "(none)");
  }
  EXPECT_EQ(value("SELECT @@version"), "10.11.19-MariaDB-log");
}

TEST_F(MysqlAnswers, HidesWhatWouldSwitchClientsToAnotherProtocol) {
  log.change_source([](SourceIdentity& source) {
    source.variables["rpl_semi_sync_source_enabled"] = "ON";
    source.variables["wsrep_on"] = "OFF";
    source.variables["rds_version"] = "1";
  });
  for (const char* pattern : {"rpl_semi_sync_%", "wsrep_%", "rds\\_%", "polarx\\_%", "maxscale%"}) {
    EXPECT_THAT(rows("SHOW VARIABLES LIKE '" + std::string(pattern) + "'").rows, IsEmpty()) << pattern;
  }
  EXPECT_EQ(error("SELECT @@global.rpl_semi_sync_source_enabled").code, 1193);
}

// --- values ---

TEST_F(MysqlAnswers, PrintsSwitchesAsWordsInShowAndAsNumbersInSelect) {
  for (const char* name : {"log_bin", "log_replica_updates", "log_slave_updates", "read_only", "autocommit"}) {
    EXPECT_EQ(value("SELECT @@" + std::string(name)), "1") << name;
    EXPECT_EQ(shown(name), "ON") << name;
  }
  EXPECT_EQ(value("SELECT @@gtid_mode"), "ON");
  EXPECT_EQ(value("SELECT @@enforce_gtid_consistency"), "OFF");
  EXPECT_EQ(rows("SELECT @@log_bin").columns[0].type, ColumnType::longlong);
  EXPECT_EQ(rows("SELECT @@gtid_mode").columns[0].type, ColumnType::var_string);
}

TEST_F(MysqlAnswers, TakesWhatTheSourceSaysBeforeItsOwnDefaults) {
  EXPECT_EQ(shown("binlog_row_image"), "FULL");
  log.change_source([](SourceIdentity& source) {
    source.variables["binlog_row_image"] = "MINIMAL";
    source.variables["binlog_group_commit_sync_delay"] = "10";
    source.variables["binlog_direct_non_transactional_updates"] = "OFF";
    source.variables["read_only"] = "OFF";
  });
  EXPECT_EQ(shown("binlog_row_image"), "MINIMAL");
  EXPECT_EQ(value("SELECT @@binlog_group_commit_sync_delay"), "10");
  EXPECT_EQ(value("SELECT @@binlog_direct_non_transactional_updates"), "0");
  EXPECT_EQ(value("SELECT @@read_only"), "1") << "the relay knows better";
  EXPECT_EQ(error("SET binlog_group_commit_sync_delay = 1").code, 1238);
}

TEST_F(MysqlAnswers, NamesTheChecksumOfTheNewestFile) {
  log.open_file("binlog.000003", ChecksumAlgorithm::none);
  EXPECT_EQ(value("SELECT @@global.binlog_checksum"), "NONE");
  EXPECT_EQ(shown("binlog_checksum"), "NONE");
}

TEST_F(MysqlAnswers, ListsVariablesByNameWithEachKindOfFilter) {
  const ResultSet all = rows("SHOW VARIABLES");
  EXPECT_GT(all.rows.size(), 80u);
  EXPECT_TRUE(std::is_sorted(all.rows.begin(), all.rows.end(), [](const Row& a, const Row& b) { return a[0] < b[0]; }));
  EXPECT_THAT(rows("SHOW VARIABLES WHERE Variable_name = 'log_bin'").rows, ElementsAre(Row{"log_bin", "ON"}));
  EXPECT_THAT(rows("SHOW VARIABLES WHERE Variable_name IN ('log_bin', 'server_id')").rows, SizeIs(2));
  EXPECT_THAT(rows("SHOW GLOBAL VARIABLES LIKE 'log\\_bin%'").rows, SizeIs(3));
  EXPECT_THAT(columns("SHOW VARIABLES"), ElementsAre("Variable_name", "Value"));
}

// --- positions ---

TEST_F(MysqlAnswers, PrintsGtidSetsAsMysqldDoes) {
  EXPECT_EQ(value("SELECT @@GLOBAL.gtid_executed"), kSourceUuid + ":1-2,\n" + kOtherUuid + ":7");
  EXPECT_EQ(value("SELECT @@GLOBAL.gtid_purged"), "");
  EXPECT_EQ(shown("gtid_executed"), kSourceUuid + ":1-2,\n" + kOtherUuid + ":7");
}

TEST_F(MysqlAnswers, ShowsWhatCameBeforeTheLogAsPurged) {
  SampleLog purged(Flavour::mysql);
  purged.begins_behind(MysqlGtidSet::parse(kSourceUuid + ":1-10").value());
  purged.open_file("binlog.000007");
  purged.sync();
  const auto answer = answer_query("SELECT @@GLOBAL.gtid_purged", purged.view(), session);
  EXPECT_EQ(std::get<ResultSet>(answer).rows[0][0], kSourceUuid + ":1-10");
}

TEST_F(MysqlAnswers, ClaimsWhatTheSourceWasRestoredFrom) {
  const std::string backup = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee:1-100";
  log.change_source([&](SourceIdentity& source) { source.gtid_purged_at_start = backup; });
  EXPECT_EQ(value("SELECT @@global.gtid_purged"), backup);
  EXPECT_EQ(value("SELECT GTID_SUBSET('" + backup + "', @@global.gtid_executed)"), "1");
  EXPECT_THAT(*rows("SHOW BINARY LOG STATUS").rows.at(0).at(4), HasSubstr(backup));
}

TEST_F(MysqlAnswers, ShowsTheStatusUnderAllItsNames) {
  for (const char* statement :
       {"SHOW MASTER STATUS", "SHOW BINARY LOG STATUS", "SHOW BINLOG STATUS", "show /* gh-ost */ master status"}) {
    const ResultSet result = rows(statement);
    EXPECT_EQ(result.columns.at(1).type, ColumnType::longlong);
    EXPECT_THAT(result.rows, ElementsAre(Row{"binlog.000002", std::to_string(log.end()), "", "",
                                             kSourceUuid + ":1-2,\n" + kOtherUuid + ":7"}));
  }
  EXPECT_THAT(columns("SHOW BINARY LOG STATUS"),
              ElementsAre("File", "Position", "Binlog_Do_DB", "Binlog_Ignore_DB", "Executed_Gtid_Set"));
}

TEST_F(MariadbAnswers, ShowsTheStatusWithoutASet) {
  EXPECT_THAT(columns("SHOW MASTER STATUS"), ElementsAre("File", "Position", "Binlog_Do_DB", "Binlog_Ignore_DB"));
  EXPECT_THAT(rows("SHOW MASTER STATUS").rows,
              ElementsAre(Row{"mariadb-bin.000002", std::to_string(log.end()), "", ""}));
}

TEST_F(MysqlAnswers, ListsFilesWithTheVisibleSizeOfTheActiveOne) {
  const std::string first = std::to_string(log.log().catalog()->oldest()->size);
  EXPECT_THAT(columns("SHOW BINARY LOGS"), ElementsAre("Log_name", "File_size", "Encrypted"));
  EXPECT_THAT(rows("SHOW MASTER LOGS").rows,
              ElementsAre(Row{"binlog.000001", first, "No"}, Row{"binlog.000002", std::to_string(log.end()), "No"}));
  EXPECT_EQ(rows("SHOW BINARY LOGS").columns[1].type, ColumnType::longlong);
}

TEST_F(MariadbAnswers, ListsFiles) {
  EXPECT_THAT(columns("SHOW BINARY LOGS"), ElementsAre("Log_name", "File_size"));
  EXPECT_THAT(rows("SHOW BINARY LOGS").rows, SizeIs(2));
}

TEST_F(MysqlAnswers, HasNoFilesBeforeTheFirst) {
  SampleLog empty(Flavour::mysql);
  EXPECT_EQ(std::get<SqlError>(answer_query("SHOW BINARY LOGS", empty.view(), session)).code, 1381);
  EXPECT_THAT(std::get<ResultSet>(answer_query("SHOW MASTER STATUS", empty.view(), session)).rows, IsEmpty());
}

TEST_F(MariadbAnswers, PrintsPositionsAndStates) {
  EXPECT_EQ(value("SELECT @@gtid_binlog_pos"), "0-1-2,5-2-9");
  EXPECT_EQ(value("SELECT @@global.gtid_current_pos"), "0-1-2,5-2-9");
  EXPECT_EQ(value("SELECT @@global.gtid_binlog_state"), "0-1-2,5-2-9");
  EXPECT_EQ(value("SELECT @@global.gtid_slave_pos"), "");
}

TEST_F(MariadbAnswers, TranslatesPositionsIntoGtids) {
  const auto at = [&](const std::string& file, std::uint64_t position) {
    return value("SELECT binlog_gtid_pos('" + file + "', " + std::to_string(position) + ")");
  };
  EXPECT_EQ(at("mariadb-bin.000001", 4), "");
  EXPECT_EQ(at("mariadb-bin.000001", second), "0-1-1");
  EXPECT_EQ(at("mariadb-bin.000002", 4), "0-1-1,5-2-9");
  EXPECT_EQ(at("mariadb-bin.000002", third), "0-1-1,5-2-9");
  EXPECT_EQ(at("mariadb-bin.000002", log.end()), "0-1-2,5-2-9");
  EXPECT_EQ(at("", second), "0-1-1") << "no name is the oldest file";
  EXPECT_EQ(at("mariadb-bin.000001", log.log().catalog()->oldest()->size), "0-1-1,5-2-9");
  EXPECT_EQ(at("mariadb-bin.000002", third + 1), "NULL");
  EXPECT_EQ(at("mariadb-bin.000002", 1 << 30), "NULL");
  EXPECT_EQ(at("mariadb-bin.000009", 4), "NULL");
  EXPECT_TRUE(may_wait_for_disk("select BINLOG_GTID_POS('f', 4)"));
  EXPECT_FALSE(may_wait_for_disk("select @@gtid_binlog_pos"));
  EXPECT_TRUE(may_wait_for_disk("PURGE MASTER LOGS TO 'x'"));
}

// --- functions and arithmetic ---

TEST_F(MysqlAnswers, CalculatesWithGtidSets) {
  EXPECT_EQ(value("SELECT GTID_SUBTRACT('" + kSourceUuid + ":1-10', '" + kSourceUuid + ":3-5')"),
            kSourceUuid + ":1-2:6-10");
  EXPECT_EQ(value("SELECT GTID_SUBSET('" + kSourceUuid + ":2', @@GLOBAL.gtid_executed) AS is_executed"), "1");
  EXPECT_EQ(value("SELECT GTID_SUBSET('" + kSourceUuid + ":3', @@GLOBAL.gtid_executed)"), "0");
  EXPECT_EQ(value("SELECT GTID_SUBSET(NULL, '')"), "NULL");
  EXPECT_EQ(error("SELECT GTID_SUBSET('x', '')").code, 1772);
  EXPECT_EQ(error("SELECT GTID_SUBSET('')").code, 1582);
  EXPECT_EQ(error("SELECT binlog_gtid_pos('a', 4)").code, 1305);
}

TEST_F(MysqlAnswers, KnowsWhoAsks) {
  EXPECT_EQ(value("SELECT USER()"), "repl@10.0.0.9");
  EXPECT_EQ(value("SELECT CURRENT_USER"), "repl@%");
  EXPECT_EQ(value("SELECT CONNECTION_ID()"), "12");
  EXPECT_EQ(value("SELECT DATABASE()"), "NULL");
  session.database = "mysql";
  EXPECT_EQ(value("SELECT schema()"), "mysql");
  EXPECT_THAT(value("SELECT NOW()"), MatchesRegex("....-..-.. ..:..:.."));
  EXPECT_THAT(value("SELECT UTC_TIMESTAMP()"), MatchesRegex("....-..-.. ..:..:.."));
}

TEST_F(MysqlAnswers, RefusesFunctionsAndColumnsItDoesNotHave) {
  EXPECT_EQ(error("SELECT md5('x')").text, "FUNCTION md5 does not exist");
  EXPECT_EQ(error("SELECT sleep(10)").code, 1305);
  EXPECT_EQ(error("SELECT foo").text, "Unknown column 'foo' in 'field list'");
}

TEST_F(MysqlAnswers, Calculates) {
  EXPECT_EQ(value("SELECT 1 + 2 * 3"), "7");
  EXPECT_EQ(value("SELECT 1 - 2"), "-1");
  EXPECT_EQ(value("SELECT 1 / 3"), "0.3333");
  EXPECT_EQ(value("SELECT 1 / 0"), "NULL");
  EXPECT_EQ(value("SELECT 1.5 * 2"), "3");
  EXPECT_EQ(value("SELECT 1 + NULL"), "NULL");
  EXPECT_EQ(error("SELECT 9223372036854775807 * 2").code, 1690);
  EXPECT_EQ(value("SELECT CONCAT('a', 1, 'b')"), "a1b");
  EXPECT_EQ(value("SELECT CONCAT('a', NULL)"), "NULL");
  EXPECT_EQ(value("SELECT @never_set"), "NULL");
}

TEST_F(MysqlAnswers, LabelsColumnsAsWrittenOrNamed) {
  EXPECT_THAT(columns("SELECT @@character_set_server, 1 AS one"), ElementsAre("@@character_set_server", "one"));
  EXPECT_THAT(rows("SELECT 1 LIMIT 0").rows, IsEmpty());
}

// --- SET ---

TEST_F(MysqlAnswers, KeepsWhatTheSessionSets) {
  ok("SET SESSION sql_mode='ANSI', wait_timeout=7");
  EXPECT_EQ(value("SELECT @@sql_mode"), "ANSI");
  EXPECT_EQ(value("SELECT @@session.wait_timeout"), "7");
  EXPECT_EQ(value("SELECT @@global.wait_timeout"), "28800");
  EXPECT_THAT(rows("SHOW VARIABLES LIKE 'wait_timeout'").rows, ElementsAre(Row{"wait_timeout", "7"}));
  EXPECT_THAT(rows("SHOW GLOBAL VARIABLES LIKE 'wait_timeout'").rows, ElementsAre(Row{"wait_timeout", "28800"}));
  ok("SET sql_mode=CONCAT(@@sql_mode,',STRICT_TRANS_TABLES')");
  EXPECT_EQ(value("SELECT @@sql_mode"), "ANSI,STRICT_TRANS_TABLES");
  ok("SET wait_timeout = DEFAULT");
  EXPECT_EQ(value("SELECT @@wait_timeout"), "28800");
  ok("SET autocommit = OFF");
  EXPECT_EQ(value("SELECT @@autocommit"), "0");
  ok("SET character_set_results = NULL");
  ok("/*!40101 SET @@SQL_MODE = '' */");
  ok("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ");
  ok("SET NAMES latin1 COLLATE latin1_bin");
  EXPECT_EQ(value("SELECT @@collation_connection"), "latin1_bin");
  EXPECT_EQ(value("SELECT @@character_set_client"), "latin1");
  ok("SET NAMES DEFAULT");
  EXPECT_EQ(value("SELECT @@character_set_client"), "utf8mb4");
}

TEST_F(MysqlAnswers, RefusesWhatASessionCannotSet) {
  EXPECT_EQ(error("SET binlog_checksum = NONE").code, 1229);
  EXPECT_EQ(error("SET version = '1'").code, 1238);
  EXPECT_EQ(error("SET autocommit = 7").code, 1231);
  EXPECT_EQ(error("SET wait_timeout = 'soon'").code, 1232);
  EXPECT_EQ(error("SET sql_mode = NULL").code, 1231);
  EXPECT_EQ(error("SET NAMES bogus").code, 1115);
  EXPECT_EQ(error("SET NAMES ''").code, 1115);
  EXPECT_EQ(error("SELECT @@session.server_uuid").code, 1238);
  EXPECT_EQ(error("SET GLOBAL nosuchvar = 1").code, 1193);
  const SqlError global = error("SET GLOBAL read_only = 0");
  EXPECT_EQ(global.code, 1290);
  EXPECT_THAT(global.text, HasSubstr("binrelay"));
}

TEST_F(MysqlAnswers, SetsAllOrNothing) {
  EXPECT_EQ(error("SET wait_timeout = 'soon', nosuch = 1").code, 1193);
  EXPECT_EQ(error("SET @a = 1, autocommit = 0, wait_timeout = 'soon'").code, 1232);
  EXPECT_EQ(value("SELECT @a"), "NULL");
  EXPECT_EQ(value("SELECT @@autocommit"), "1");
  ok("SET @a = 1, @b = @a");
  EXPECT_EQ(value("SELECT @b"), "1");
}

TEST_F(MysqlAnswers, BoundsWhatASessionKeeps) {
  for (std::size_t i = 0; i < kMaxUserVariables; ++i) ok("SET @v" + std::to_string(i) + " = 1");
  EXPECT_EQ(error("SET @one_more = 1").code, 1105);
  ok("SET @v0 = 2");
  ok("SET @v0 = '" + std::string(1 << 20, 'x') + "'");
  ok("SET @v0 = CONCAT(@v0, @v0, @v0, @v0), @v1 = @v0, @v2 = @v0");
  EXPECT_EQ(error("SET @v3 = @v0, @v4 = @v0").code, 1105);
  EXPECT_EQ(error("SELECT @v0, @v0, @v0, @v0, @v0").code, 1105);
  EXPECT_EQ(error("SELECT CONCAT(@v0, @v0, @v0, @v0, @v0)").code, 1105);
  EXPECT_EQ(value("SELECT CONCAT(@v0, @v0, @v0)"), "NULL") << "as past max_allowed_packet";
  EXPECT_EQ(error("SET sql_mode = '" + std::string(kMaxSessionVariableSize + 1, 'x') + "'").code, 1105);
}

// --- the server ---

TEST_F(MysqlAnswers, ShowsReplicasThatRegistered) {
  ConnectionEntry entry;
  entry.registered = true;
  entry.server_id = ServerId{100};
  entry.uuid = kOtherUuid;
  entry.report_host = "replica1";
  entry.report_port = 3306;
  log.registry().enter(entry, [](EndReason) {});
  log.registry().enter({}, [](EndReason) {});
  for (const char* statement : {"SHOW REPLICAS", "SHOW SLAVE HOSTS"}) {
    EXPECT_THAT(columns(statement), ElementsAre("Server_Id", "Host", "Port", "Source_Id", "Replica_UUID"));
    EXPECT_THAT(rows(statement).rows, ElementsAre(Row{"100", "replica1", "3306", "7", kOtherUuid}));
  }
}

TEST_F(MariadbAnswers, ShowsReplicasThatRegistered) {
  EXPECT_THAT(columns("SHOW SLAVE HOSTS"), ElementsAre("Server_id", "Host", "Port", "Master_id"));
}

TEST_F(MysqlAnswers, ShowsConnections) {
  ConnectionEntry entry;
  entry.user = "repl";
  entry.host = "10.0.0.9:40000";
  entry.info = std::string(200, 'q');
  const auto id = log.registry().enter(entry, [](EndReason) {});
  const ResultSet result = rows("SHOW PROCESSLIST");
  EXPECT_THAT(columns("SHOW PROCESSLIST"), ElementsAre("Id", "User", "Host", "db", "Command", "Time", "State", "Info"));
  ASSERT_THAT(result.rows, SizeIs(1));
  EXPECT_EQ(result.rows[0][0], std::to_string(id));
  EXPECT_EQ(result.rows[0][3], std::nullopt);
  EXPECT_THAT(*result.rows[0][7], SizeIs(100));
  EXPECT_THAT(*rows("SHOW FULL PROCESSLIST").rows[0][7], SizeIs(200));
  EXPECT_THAT(statistics_line(log.view()), HasSubstr("Threads: 1"));
}

TEST_F(MariadbAnswers, ShowsConnectionsWithProgress) { EXPECT_THAT(columns("SHOW PROCESSLIST"), Contains("Progress")); }

TEST_F(MariadbAnswers, CountsNoFlushes) { EXPECT_THAT(statistics_line(log.view()), Not(HasSubstr("Flush tables"))); }

TEST_F(MysqlAnswers, ShowsNoUpstreamReplication) {
  const ResultSet result = rows("SHOW REPLICA STATUS");
  EXPECT_THAT(result.rows, IsEmpty());
  EXPECT_THAT(columns("SHOW REPLICA STATUS"), Contains("Source_Host"));
  EXPECT_THAT(rows("SHOW SLAVE STATUS").rows, IsEmpty());
}

TEST_F(MariadbAnswers, ShowsNoUpstreamReplication) {
  EXPECT_THAT(columns("SHOW ALL SLAVES STATUS"), Contains("Connection_name"));
  EXPECT_THAT(columns("SHOW SLAVE STATUS"), Contains("Master_Host"));
}

ReplicaStatus made_status(const SourceIdentity& source) {
  ReplicaStatus status;
  status.source = source;
  status.address = {"db1.example", 3306};
  status.user = "relay";
  status.receiving = ReplicaStatus::Receiving::yes;
  status.read_file = status.stored_file = "binlog.000007";
  status.read_position = 2000;
  status.stored_position = 1900;
  status.seconds_behind = 3;
  status.executed = "0-1-7";
  return status;
}

TEST_F(MysqlAnswers, ShowsHowTheRelayStandsToAccountsThatMayKnow) {
  ReplicaStatus status = made_status(*log.view().source);
  upstream = [&] { return status; };
  EXPECT_THAT(rows("SHOW REPLICA STATUS").rows, IsEmpty());
  session.sees_upstream = true;
  const auto shown = [&](const char* column) {
    const ResultSet result = rows("SHOW REPLICA STATUS");
    for (std::size_t i = 0; i < result.columns.size(); ++i) {
      if (result.columns[i].name == column) return result.rows.at(0).at(i).value_or("NULL");
    }
    return std::string("(none)");
  };
  EXPECT_EQ(shown("Source_Host") + ":" + shown("Source_Port"), "db1.example:3306");
  EXPECT_EQ(shown("Replica_IO_Running") + shown("Replica_SQL_Running"), "YesYes");
  EXPECT_EQ(shown("Read_Source_Log_Pos") + " " + shown("Exec_Source_Log_Pos"), "2000 1900");
  EXPECT_EQ(shown("Seconds_Behind_Source"), "3");
  status.receiving = ReplicaStatus::Receiving::connecting;
  status.receive_error = "no route";
  EXPECT_EQ(shown("Replica_IO_Running") + " " + shown("Last_IO_Error"), "Connecting no route");
  EXPECT_EQ(shown("Seconds_Behind_Source"), "NULL");
  status.store_error = "no room";
  EXPECT_EQ(shown("Replica_SQL_Running") + " " + shown("Last_SQL_Error"), "No no room");
}

TEST_F(MariadbAnswers, ShowsHowTheRelayStandsToAccountsThatMayKnow) {
  upstream = [&] { return made_status(*log.view().source); };
  session.sees_upstream = true;
  const ResultSet one = rows("SHOW SLAVE STATUS"), all = rows("SHOW ALL SLAVES STATUS");
  EXPECT_EQ(one.columns.at(1).name, "Master_Host");
  EXPECT_EQ(one.rows.at(0).at(1), "db1.example");
  EXPECT_EQ(all.columns.at(3).name, "Master_Host");
  EXPECT_EQ(all.rows.at(0).at(3), "db1.example");
  EXPECT_EQ(all.rows.at(0).size(), all.columns.size());
}

TEST_F(MysqlAnswers, TellsOfTheConnectionsTls) {
  session.tls_version = "TLSv1.3";
  session.tls_cipher = "TLS_AES_256_GCM_SHA384";
  EXPECT_THAT(rows("SHOW SESSION STATUS LIKE 'Ssl_version'").rows, ElementsAre(Row{"Ssl_version", "TLSv1.3"}));
  EXPECT_THAT(rows("SHOW STATUS LIKE 'Ssl_cipher'").rows, ElementsAre(Row{"Ssl_cipher", "TLS_AES_256_GCM_SHA384"}));
  EXPECT_THAT(rows("SHOW GLOBAL STATUS LIKE 'Uptime'").rows, SizeIs(1));
  EXPECT_THAT(rows("SHOW STATUS LIKE 'wsrep_local_state'").rows, IsEmpty());
}

TEST_F(MysqlAnswers, HasNoCompressedPages) {
  const std::string asked = "SELECT page_size, relocation_ops AS r FROM information_schema.innodb_cmpmem";
  EXPECT_EQ(error(asked).text, "Access denied; you need (at least one of) the PROCESS privilege(s) for this operation");
  session.privileges = {Privilege::process};
  EXPECT_THAT(columns(asked), ElementsAre("page_size", "r"));
  EXPECT_THAT(rows(asked).rows, IsEmpty());
}

TEST_F(MysqlAnswers, AnswersSmallTalk) {
  EXPECT_THAT(rows("SHOW WARNINGS").rows, IsEmpty());
  EXPECT_THAT(columns("SHOW WARNINGS"), ElementsAre("Level", "Code", "Message"));
  EXPECT_THAT(value("SHOW GRANTS"), HasSubstr("REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO `repl`@`%`"));
  EXPECT_EQ(value("SHOW DATABASES"), "information_schema");
  EXPECT_THAT(rows("SHOW DATABASES LIKE 'x'").rows, IsEmpty());
  EXPECT_THAT(columns("SHOW DATABASES LIKE 'inf%'"), ElementsAre("Database (inf%)"));
  ok("BEGIN");
  ok("COMMIT");
}

TEST_F(MysqlAnswers, UsesTheDatabasesEveryServerHas) {
  EXPECT_EQ(std::get<UseDatabaseAnswer>(ask("USE information_schema")).database, "information_schema");
  EXPECT_TRUE(is_known_database(""));
  EXPECT_EQ(error("USE nodb").text, "Unknown database 'nodb'");
  EXPECT_EQ(error("USE nodb").code, 1049);
}

TEST_F(MysqlAnswers, KillsConnectionsOfTheSameUserOnly) {
  ConnectionEntry other;
  other.user = "backup";
  const auto id = log.registry().enter(other, [](EndReason) {});
  session.user = "replica";
  for (const char* kill : {"KILL ", "KILL QUERY "}) {
    const SqlError refused = error(kill + std::to_string(id));
    EXPECT_EQ(refused.code, 1095);
    EXPECT_EQ(refused.sqlstate, "HY000");
    EXPECT_EQ(refused.text, "You are not owner of thread " + std::to_string(id));
  }
  session.user = "backup";
  EXPECT_EQ(std::get<KillAnswer>(ask("KILL " + std::to_string(id))).connection_id, id);
}

TEST_F(MysqlAnswers, KillsConnectionsItHas) {
  ConnectionEntry own;
  own.user = session.user;
  const auto id = log.registry().enter(own, [](EndReason) {});
  const Answer answer = ask("KILL QUERY " + std::to_string(id));
  EXPECT_EQ(std::get<KillAnswer>(answer).connection_id, id);
  EXPECT_TRUE(std::get<KillAnswer>(answer).query_only);
  EXPECT_FALSE(std::get<KillAnswer>(ask("KILL " + std::to_string(id))).query_only);
  for (const char* unknown : {"999999", "18446744073709551615"}) {
    const SqlError refused = error("KILL " + std::string(unknown));
    EXPECT_EQ(refused.code, 1094);
    EXPECT_EQ(refused.text, "Unknown thread id: " + std::string(unknown));
  }
}

TEST_F(MysqlAnswers, RefusesWhatBelongsOnTheSource) {
  for (const char* statement :
       {"INSERT INTO t VALUES (1)", "CREATE TABLE t (a INT)", "FLUSH BINARY LOGS", "RESET BINARY LOGS AND GTIDS",
        "STOP REPLICA", "CHANGE REPLICATION SOURCE TO SOURCE_HOST='x'"}) {
    const SqlError refused = error(statement);
    EXPECT_EQ(refused.code, 1290) << statement;
    EXPECT_EQ(refused.sqlstate, "HY000");
    EXPECT_THAT(refused.text, HasSubstr("binrelay"));
    EXPECT_THAT(refused.text, HasSubstr("source"));
  }
}

TEST_F(MysqlAnswers, SaysWhereAStatementIsWrong) {
  EXPECT_EQ(error("SELECT 1 FORM x y").text,
            "You have an error in your SQL syntax; check the manual that corresponds to your MySQL server version for "
            "the right syntax to use "
            "near 'x y' at line 1");
  EXPECT_EQ(error("").code, 1065);
  EXPECT_EQ(error(" ; ").code, 1065);
  ok("/* nothing */");
}

TEST_F(MariadbAnswers, SaysWhereAStatementIsWrongAsMariadb) {
  EXPECT_THAT(error("SELECT 1 FORM x y").text, HasSubstr("your MariaDB server version"));
  EXPECT_EQ(error("SELECT foo").text, "Unknown column 'foo' in 'SELECT'");
}

TEST_F(MysqlAnswers, LeavesBinlogEventsToTheSession) {
  const Answer answer = ask("SHOW BINLOG EVENTS IN 'binlog.000001' FROM 4 LIMIT 2");
  EXPECT_EQ(std::get<BinlogEventsAnswer>(answer).request.file, "binlog.000001");
}

}  // namespace
}  // namespace binrelay
