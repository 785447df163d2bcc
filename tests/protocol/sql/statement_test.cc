#include "protocol/sql/statement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/limits.h"
#include "tests/protocol/sql/statement_text.h"

namespace binrelay {
namespace {

// Every statement that MySQL 5.7 to 9.7 and MariaDB replicas, both mysqlbinlogs, the command line clients and the CDC
// libraries were seen to send, and how it is understood (statement_text.h shows the form).
struct Understood {
  std::string_view text, meaning;
};

class Statements : public ::testing::TestWithParam<Understood> {};

TEST_P(Statements, AreUnderstood) { EXPECT_EQ(understood(GetParam().text), GetParam().meaning) << GetParam().text; }

INSTANTIATE_TEST_SUITE_P(
    MysqlReplica, Statements,
    ::testing::Values(
        Understood{"SELECT UNIX_TIMESTAMP()", "select [UNIX_TIMESTAMP()] unix_timestamp()"},
        Understood{"SELECT @@GLOBAL.SERVER_ID", "select [@@GLOBAL.SERVER_ID] @@global.server_id"},
        Understood{"SET @master_heartbeat_period = 30000000000, @source_heartbeat_period = 30000000000",
                   "set @master_heartbeat_period = 30000000000, @source_heartbeat_period = 30000000000"},
        Understood{"SET @master_binlog_checksum = @@global.binlog_checksum, @source_binlog_checksum = "
                   "@@global.binlog_checksum",
                   "set @master_binlog_checksum = @@global.binlog_checksum, "
                   "@source_binlog_checksum = @@global.binlog_checksum"},
        Understood{"SELECT @source_binlog_checksum", "select [@source_binlog_checksum] @source_binlog_checksum"},
        Understood{"SELECT @@GLOBAL.GTID_MODE", "select [@@GLOBAL.GTID_MODE] @@global.gtid_mode"},
        Understood{"SELECT @@GLOBAL.SERVER_UUID", "select [@@GLOBAL.SERVER_UUID] @@global.server_uuid"},
        Understood{"SET @slave_uuid = '3e11fa47-71ca-11e1-9e33-c80aa9429562', @replica_uuid = "
                   "'3e11fa47-71ca-11e1-9e33-c80aa9429562'",
                   "set @slave_uuid = '3e11fa47-71ca-11e1-9e33-c80aa9429562', "
                   "@replica_uuid = '3e11fa47-71ca-11e1-9e33-c80aa9429562'"},
        Understood{"SELECT @@global.rpl_semi_sync_source_enabled",
                   "select [@@global.rpl_semi_sync_source_enabled] @@global.rpl_semi_sync_source_enabled"},
        Understood{"SET @rpl_semi_sync_replica = 1, @rpl_semi_sync_slave = 1",
                   "set @rpl_semi_sync_replica = 1, @rpl_semi_sync_slave = 1"},
        // 5.7 and 8.0 before 8.0.26
        Understood{"SET @master_heartbeat_period= 30000001024", "set @master_heartbeat_period = 30000001024"},
        Understood{"SET @master_binlog_checksum= @@global.binlog_checksum",
                   "set @master_binlog_checksum = @@global.binlog_checksum"},
        Understood{"SELECT @master_binlog_checksum", "select [@master_binlog_checksum] @master_binlog_checksum"},
        Understood{"SET @slave_uuid= 'u'", "set @slave_uuid = 'u'"},
        Understood{"SET @rpl_semi_sync_slave= 1", "set @rpl_semi_sync_slave = 1"}));

INSTANTIATE_TEST_SUITE_P(
    MariadbReplica, Statements,
    ::testing::Values(
        Understood{"SHOW VARIABLES LIKE 'SERVER_ID'", "show variables like 'SERVER_ID'"},
        Understood{"SET skip_replication=1", "set @@skip_replication = 1"},
        Understood{"SET @mariadb_slave_capability=4", "set @mariadb_slave_capability = 4"},
        Understood{"SELECT @@GLOBAL.gtid_domain_id", "select [@@GLOBAL.gtid_domain_id] @@global.gtid_domain_id"},
        Understood{"SET @slave_connect_state='0-101-17,5-102-3'", "set @slave_connect_state = '0-101-17,5-102-3'"},
        Understood{"SET @slave_gtid_strict_mode=0", "set @slave_gtid_strict_mode = 0"},
        Understood{"SET @slave_gtid_ignore_duplicates=1", "set @slave_gtid_ignore_duplicates = 1"},
        Understood{"SET @slave_until_gtid='0-101-20'", "set @slave_until_gtid = '0-101-20'"},
        Understood{"SELECT binlog_gtid_pos('binlog.000002',328)",
                   "select [binlog_gtid_pos('binlog.000002',328)] binlog_gtid_pos('binlog.000002', 328)"},
        Understood{"SHOW VARIABLES LIKE 'rpl_semi_sync_master_enabled'",
                   "show variables like 'rpl_semi_sync_master_enabled'"},
        Understood{"KILL 17", "kill 17"}));

INSTANTIATE_TEST_SUITE_P(
    Mysqlbinlog, Statements,
    ::testing::Values(Understood{"SELECT VERSION()", "select [VERSION()] version()"},
                      Understood{"SET @master_binlog_checksum = 'NONE', @source_binlog_checksum = 'NONE'",
                                 "set @master_binlog_checksum = 'NONE', @source_binlog_checksum = 'NONE'"},
                      Understood{"SET @master_binlog_checksum='NONE'", "set @master_binlog_checksum = 'NONE'"}));

INSTANTIATE_TEST_SUITE_P(
    CommandLine, Statements,
    ::testing::Values(
        Understood{"select @@version_comment limit 1", "select [@@version_comment] @@version_comment limit 1"},
        Understood{"select DATABASE(), USER() limit 1", "select [DATABASE()] database(), [USER()] user() limit 1"},
        Understood{"SELECT DATABASE()", "select [DATABASE()] database()"},
        Understood{"select USER()", "select [USER()] user()"},
        Understood{
            "select @@character_set_client, @@character_set_connection, @@character_set_server, "
            "@@character_set_database limit 1",
            "select [@@character_set_client] @@character_set_client, "
            "[@@character_set_connection] @@character_set_connection, [@@character_set_server] @@character_set_server, "
            "[@@character_set_database] @@character_set_database limit 1"},
        Understood{"select $$", "error near '$$' line 1"}, Understood{"show databases", "show databases"},
        Understood{"show tables", "refused SHOW TABLES"}, Understood{"show processlist", "show processlist"},
        Understood{"show full processlist", "show full processlist"},
        Understood{"show /*!40003 GLOBAL */ variables", "show global variables"},
        Understood{"show /*!50002 GLOBAL */ status", "show global status"},
        Understood{"KILL CONNECTION 12;", "kill 12"}, Understood{"kill query 12", "kill query 12"},
        Understood{"use `shop`", "use shop"}, Understood{"flush logs", "refused FLUSH"}));

INSTANTIATE_TEST_SUITE_P(
    GoMysql, Statements,
    ::testing::Values(
        Understood{"SHOW GLOBAL VARIABLES LIKE 'BINLOG_CHECKSUM'", "show global variables like 'BINLOG_CHECKSUM'"},
        Understood{
            "SHOW VARIABLES WHERE Variable_name IN ('rpl_semi_sync_master_enabled', 'rpl_semi_sync_source_enabled')",
            "show variables in 'rpl_semi_sync_master_enabled' 'rpl_semi_sync_source_enabled'"},
        Understood{"SET @rpl_semi_sync_slave = 1, @rpl_semi_sync_replica = 1;",
                   "set @rpl_semi_sync_slave = 1, @rpl_semi_sync_replica = 1"},
        Understood{"SHOW GLOBAL VARIABLES LIKE 'binlog_format';", "show global variables like 'binlog_format'"},
        Understood{"SELECT @@GLOBAL.gtid_current_pos", "select [@@GLOBAL.gtid_current_pos] @@global.gtid_current_pos"},
        Understood{"FLUSH BINARY LOGS", "refused FLUSH"},
        Understood{"show full columns from `d`.`t`", "refused SHOW COLUMNS"},
        Understood{"show index from `d`.`t`", "refused SHOW INDEX"}));

INSTANTIATE_TEST_SUITE_P(
    Java, Statements,
    ::testing::Values(
        Understood{"show global variables like 'gtid_purged'", "show global variables like 'gtid_purged'"},
        Understood{"show binary log status", "show binary log status"},
        Understood{"show master status", "show binary log status"},
        Understood{"SHOW BINLOG STATUS", "show binary log status"},
        Understood{"select @@server_id", "select [@@server_id] @@server_id"},
        Understood{"set net_write_timeout=7200", "set @@net_write_timeout = 7200"},
        Understood{"SET @slave_connect_state = ''", "set @slave_connect_state = ''"},
        Understood{"SHOW BINARY LOGS", "show binary logs"}, Understood{"SHOW MASTER LOGS", "show binary logs"},
        Understood{"SHOW SESSION STATUS LIKE 'Ssl_version'", "show status like 'Ssl_version'"},
        Understood{"SELECT GTID_SUBTRACT('u:1-5', 'u:1-3')",
                   "select [GTID_SUBTRACT('u:1-5', 'u:1-3')] gtid_subtract('u:1-5', 'u:1-3')"},
        Understood{"SHOW GRANTS FOR CURRENT_USER", "show grants"},
        Understood{"SHOW GRANTS FOR CURRENT_USER()", "show grants"},
        Understood{"START TRANSACTION WITH CONSISTENT SNAPSHOT", "transaction"},
        Understood{"SET SESSION lock_wait_timeout=10", "set @@session.lock_wait_timeout = 10"},
        Understood{"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "set transaction"},
        Understood{"SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED, READ ONLY", "set transaction"},
        Understood{
            "SELECT @@session.auto_increment_increment AS auto_increment_increment, @@tx_isolation AS tx_isolation",
            "select [auto_increment_increment] @@session.auto_increment_increment, [tx_isolation] @@tx_isolation"},
        Understood{"/* mysql-connector-j-9.1.0 (Revision: x) */SELECT  @@session.auto_increment_increment AS a",
                   "select [a] "
                   "@@session.auto_increment_increment"},
        Understood{"SET NAMES utf8mb4", "set names utf8mb4"},
        Understood{"SET character_set_results = NULL", "set @@character_set_results = NULL"},
        Understood{"SET autocommit=1", "set @@autocommit = 1"},
        Understood{"SET sql_mode='STRICT_TRANS_TABLES'", "set @@sql_mode = 'STRICT_TRANS_TABLES'"},
        Understood{
            "set autocommit=1,sql_mode=CONCAT(@@sql_mode,',STRICT_TRANS_TABLES'),session_track_system_variables = "
            "CONCAT(@@global.session_track_system_variables,',tx_isolation'),NAMES utf8mb4",
            "set @@autocommit = 1, @@sql_mode = concat(@@sql_mode, ',STRICT_TRANS_TABLES'), "
            "@@session_track_system_variables = concat(@@global.session_track_system_variables, ',tx_isolation')"},
        Understood{"SELECT SCHEMA_NAME, DEFAULT_CHARACTER_SET_NAME FROM INFORMATION_SCHEMA.SCHEMATA",
                   "refused SELECT … FROM"},
        Understood{"FLUSH TABLES WITH READ LOCK", "refused FLUSH"}, Understood{"UNLOCK TABLES", "refused UNLOCK"},
        Understood{"SHOW FULL TABLES IN `db` where Table_Type = 'BASE TABLE'", "refused SHOW TABLES"},
        Understood{"SHOW CREATE TABLE a", "refused SHOW CREATE"},
        Understood{
            "SELECT TIME_TO_SEC(TIMEDIFF(NOW(), UTC_TIMESTAMP()))",
            "select [TIME_TO_SEC(TIMEDIFF(NOW(), UTC_TIMESTAMP()))] time_to_sec(timediff(now(), utc_timestamp()))"}));

INSTANTIATE_TEST_SUITE_P(
    Canal, Statements,
    ::testing::Values(Understood{"set wait_timeout=9999999", "set @@wait_timeout = 9999999"},
                      Understood{"set names 'binary'", "set names binary"},
                      Understood{"set @slave_uuid=uuid()", "set @slave_uuid = uuid()"},
                      Understood{"SET @mariadb_slave_capability='4'", "set @mariadb_slave_capability = '4'"},
                      Understood{"select @@global.binlog_checksum",
                                 "select [@@global.binlog_checksum] @@global.binlog_checksum"},
                      Understood{"show global variables  like 'rds\\_%'", "show global variables like 'rds\\_%'"},
                      Understood{"show binlog events limit 1", "show binlog events limit 1"},
                      Understood{"show master status with 'x'", "refused SHOW MASTER STATUS WITH"},
                      Understood{"KILL CONNECTION 4", "kill 4"},
                      Understood{"show create table a;show create table b;", "refused SHOW CREATE"}));

INSTANTIATE_TEST_SUITE_P(
    Python, Statements,
    ::testing::Values(
        Understood{"SET NAMES utf8mb4 COLLATE utf8mb4_0900_ai_ci", "set names utf8mb4 collate utf8mb4_0900_ai_ci"},
        Understood{"SET AUTOCOMMIT = 0", "set @@autocommit = 0"},
        Understood{"SHOW VARIABLES LIKE 'BINLOG_ROW_METADATA';", "show variables like 'BINLOG_ROW_METADATA'"},
        Understood{"SET @master_heartbeat_period = 30*1000000000", "set @master_heartbeat_period = (30 * 1000000000)"},
        Understood{"SELECT @@binlog_checksum as checksum", "select [checksum] @@binlog_checksum"}));

INSTANTIATE_TEST_SUITE_P(
    Administration, Statements,
    ::testing::Values(
        Understood{"show /* gh-ost */ grants for current_user()", "show grants"},
        Understood{"show /* gh-ost */ slave hosts", "show replicas"}, Understood{"SHOW REPLICAS", "show replicas"},
        Understood{"SHOW REPLICA HOSTS", "show replicas"},
        Understood{"select /* gh-ost */ @@global.log_bin, @@global.binlog_format",
                   "select [@@global.log_bin] @@global.log_bin, [@@global.binlog_format] @@global.binlog_format"},
        Understood{"show /* gh-ost readCurrentBinlogCoordinates */ master status", "show binary log status"},
        Understood{"SHOW ALL SLAVES STATUS", "show all replica status"},
        Understood{"SHOW SLAVE STATUS NOLOCK", "show replica status"},
        Understood{"SHOW REPLICA STATUS FOR CHANNEL 'ch'", "show replica status"},
        Understood{"show variables like 'maxscale%'", "show variables like 'maxscale%'"},
        Understood{"SELECT @@version;", "select [@@version] @@version"},
        Understood{"SHOW GLOBAL STATUS", "show global status"},
        Understood{"/*!40101 SET NAMES \"utf8\"*/", "set names utf8"},
        Understood{"SET @@SQL_QUOTE_SHOW_CREATE = 1/*!40101, @@SQL_MODE='NO_AUTO_VALUE_ON_ZERO'*/",
                   "set @@sql_quote_show_create = 1, @@sql_mode = 'NO_AUTO_VALUE_ON_ZERO'"},
        Understood{"SET lock_wait_timeout=2,log_slow_filter='tmp_table_on_disk,filesort_on_disk'",
                   "set @@lock_wait_timeout = 2, @@log_slow_filter = 'tmp_table_on_disk,filesort_on_disk'"},
        Understood{"SELECT GTID_SUBSET('u:1-3', @@GLOBAL.gtid_executed) AS is_executed",
                   "select [is_executed] gtid_subset('u:1-3', @@global.gtid_executed)"},
        Understood{"SHOW BINLOG EVENTS IN 'binlog.000002' FROM 4 LIMIT 2, 10",
                   "show binlog events in binlog.000002 from 4 offset 2 limit 10"},
        Understood{"SHOW BINLOG EVENTS LIMIT 10 OFFSET 2", "show binlog events offset 2 limit 10"},
        Understood{"PURGE BINARY LOGS TO 'binlog.000004'", "purge to binlog.000004"},
        Understood{"PURGE MASTER LOGS BEFORE '2026-01-01 00:00:00'", "purge before 2026-01-01 00:00:00"},
        Understood{"PURGE BINARY LOGS BEFORE NOW() - INTERVAL 3 DAY", "purge before 259200 s ago"},
        Understood{"PURGE BINARY LOGS BEFORE DATE_SUB(NOW( ), INTERVAL '36' HOUR);", "purge before 129600 s ago"},
        Understood{"purge binary logs before current_timestamp", "purge before 0 s ago"},
        Understood{"PURGE BINARY LOGS BEFORE NOW() - INTERVAL 3 MONTH",
                   "refused PURGE BINARY LOGS BEFORE (this expression)"},
        Understood{"PURGE BINARY LOGS BEFORE NOW() + INTERVAL 3 DAY",
                   "refused PURGE BINARY LOGS BEFORE (this expression)"},
        Understood{"CHANGE REPLICATION SOURCE TO SOURCE_HOST='x'", "refused CHANGE"},
        Understood{"RESET BINARY LOGS AND GTIDS", "refused RESET"}, Understood{"STOP SLAVE", "refused STOP"},
        Understood{"START REPLICA", "refused START"}, Understood{"INSERT INTO t VALUES (1)", "refused INSERT"},
        Understood{"CREATE TABLE t (a INT)", "refused CREATE"},
        Understood{"SET GLOBAL read_only=1", "set @@global.read_only = 1"},
        Understood{"SET PASSWORD = 'x'", "refused SET PASSWORD"}, Understood{"KILL USER repl", "refused KILL USER"},
        Understood{"SHOW WARNINGS LIMIT 10", "show warnings"}, Understood{"BEGIN", "transaction"},
        Understood{"COMMIT", "transaction"}, Understood{"ROLLBACK WORK", "transaction"}));

INSTANTIATE_TEST_SUITE_P(
    Expressions, Statements,
    ::testing::Values(
        Understood{"SELECT 1", "select [1] 1"},
        Understood{"select -1, +2, - - 3, -(-4)", "select [-1] -1, [+2] 2, [- - 3] 3, [-(-4)] (0 - -4)"},
        Understood{"SELECT 1 + 2*3 - 4/5", "select [1 + 2*3 - 4/5] ((1 + (2 * 3)) - (4 / 5))"},
        Understood{"SELECT (1+2)*3", "select [(1+2)*3] ((1 + 2) * 3)"},
        Understood{"SELECT 1.5, .5, 1e3, 2E-7", "select [1.5] 1.5, [.5] .5, [1e3] 1e3, [2E-7] 2E-7"},
        Understood{"SELECT 0x4142, x'43', b'1000001', 0b01000010",
                   "select [0x4142] 'AB', [x'43'] 'C', [b'1000001'] 'A', [0b01000010] 'B'"},
        Understood{"SELECT 'a' 'b' \"c\"", "select [abc] 'abc'"},
        Understood{"SELECT 'it''s', \"say \"\"hi\"\"\", 'tab\\tend', '100\\%'",
                   "select [it's] 'it's', [say \"hi\"] 'say \"hi\"', [tab\tend] 'tab\tend', [100\\%] '100\\%'"},
        Understood{"SELECT null, TRUE, false", "select [NULL] NULL, [TRUE] 1, [false] 0"},
        Understood{"SELECT _utf8mb4'x', N'y'", "select [_utf8mb4'x'] 'x', [N'y'] 'y'"},
        Understood{"SELECT @a, @`a b`, @'Q', @a.b$c", "select [@a] @a, [@`a b`] @a b, [@'Q'] @q, [@a.b$c] @a.b$c"},
        Understood{"SELECT @@ global . server_id", "select [@@ global . server_id] @@global.server_id"},
        Understood{
            "SELECT @@local.x, @@hot.key_buffer_size, @@`sql_mode`",
            "select [@@local.x] @@session.x, [@@hot.key_buffer_size] @@hot.key_buffer_size, [@@`sql_mode`] @@sql_mode"},
        Understood{"SELECT current_user, NOW(6)", "select [current_user] current_user(), [NOW(6)] now(6)"},
        Understood{"SELECT @@server_id id, @@server_uuid `u`, VERSION() 'v'",
                   "select [id] @@server_id, [u] @@server_uuid, [v] version()"},
        Understood{"SELECT nothing, a.b", "select [nothing] nothing, [a.b] a.b"},
        Understood{"SELECT 1 FROM DUAL", "select [1] 1"}, Understood{"SELECT 1 LIMIT 0", "select [1] 1 limit 0"},
        Understood{"SELECT 1 LIMIT 1, 5", "select [1] 1 limit 0"},
        Understood{"SELECT 1 LIMIT 5 OFFSET 0", "select [1] 1 limit 5"},
        Understood{"SELECT SQL_NO_CACHE 1", "select [1] 1"}));

INSTANTIATE_TEST_SUITE_P(
    Assignments, Statements,
    ::testing::Values(
        Understood{"SET @A := 1, @b=@@global.binlog_checksum", "set @a = 1, @b = @@global.binlog_checksum"},
        Understood{"SET SESSION a = ON, b = OFF, GLOBAL c = 1, d = 2, @@session.e = DEFAULT, f = 3",
                   "set @@session.a = ON, @@session.b = OFF, @@global.c = 1, @@global.d = 2, @@session.e = DEFAULT, "
                   "@@global.f = 3"},
        Understood{"SET @@x = 1, @@global.y = 'z'", "set @@x = 1, @@global.y = 'z'"},
        Understood{"SET PERSIST max_connections = 5", "set @@global.max_connections = 5"},
        Understood{"SET time_zone = SYSTEM", "set @@time_zone = SYSTEM"},
        Understood{"SET NAMES DEFAULT", "set names DEFAULT"}, Understood{"SET CHARACTER SET 'utf8'", "set names utf8"},
        Understood{"SET CHARSET latin1", "set names latin1"},
        Understood{"SET GLOBAL TRANSACTION READ ONLY", "refused SET GLOBAL TRANSACTION"},
        Understood{"SET ROLE admin", "refused SET ROLE"},
        Understood{"SET STATEMENT max_statement_time=1 FOR SELECT 1", "select [1] 1"},
        Understood{"SET STATEMENT max_statement_time=0.5 FOR SHOW VARIABLES LIKE 'x'", "show variables like 'x'"},
        Understood{"SET STATEMENT max_statement_time=1 FOR DROP TABLE t", "refused DROP"},
        Understood{"SET STATEMENT max_statement_time=1 FOR", "error near '' line 1"},
        Understood{"SET STATEMENT sql_mode='' FOR SELECT 1", "refused SET STATEMENT"}));

INSTANTIATE_TEST_SUITE_P(
    Filters, Statements,
    ::testing::Values(
        Understood{"SHOW VARIABLES", "show variables"},
        Understood{"SHOW VARIABLES WHERE Variable_name = 'sql_mode'", "show variables equal 'sql_mode'"},
        Understood{"SHOW VARIABLES WHERE `variable_name` LIKE 'char%'", "show variables like 'char%'"},
        Understood{"SHOW VARIABLES WHERE Variable_name = 'a' OR Variable_name = 'b' OR Variable_name IN ('c')",
                   "show variables in 'a' 'b' 'c'"},
        Understood{"SHOW VARIABLES WHERE Value = 'ON'", "refused SHOW VARIABLES WHERE"},
        Understood{"SHOW VARIABLES WHERE Variable_name = 'a' AND Value = 'ON'", "refused SHOW VARIABLES WHERE"},
        Understood{"SHOW VARIABLES WHERE Variable_name LIKE 'a' OR Variable_name = 'b'",
                   "refused SHOW VARIABLES WHERE"},
        Understood{"SHOW DATABASES LIKE 'shop%'", "show databases like 'shop%'"},
        Understood{"SHOW SCHEMAS WHERE `Database` = 'x'", "show databases equal 'x'"},
        Understood{"SHOW GRANTS FOR 'repl'@'%'", "refused SHOW GRANTS FOR"}));

INSTANTIATE_TEST_SUITE_P(Comments, Statements,
                         ::testing::Values(Understood{"", "empty"}, Understood{" ; ", "empty"},
                                           Understood{"-- nothing", "empty"}, Understood{"# nothing", "empty"},
                                           Understood{"/* nothing */", "empty"},
                                           Understood{"--\nSELECT 1", "select [1] 1"},
                                           Understood{"# first\nSELECT /* the */ 1 -- one", "select [1] 1"},
                                           Understood{"SELECT 1--1", "select [1--1] (1 - -1)"},
                                           Understood{"/*!SELECT 1*/", "select [1] 1"},
                                           Understood{"/*M!100100 SELECT 1 */", "select [1] 1"},
                                           Understood{"/*!50100 SELECT /* inner */ 1 */;", "select [1] 1"},
                                           Understood{"SELECT 1 /* open", "error near '/* open' line 1"},
                                           Understood{"SELECT 1 /*!40101 , 2", "error near '/*!40101 , 2' line 1"},
                                           Understood{"SELECT 'open", "error near ''open' line 1"}));

INSTANTIATE_TEST_SUITE_P(
    PageCompression, Statements,
    ::testing::Values(
        Understood{"\n\t\tSELECT\n\t\t  page_size, compress_ops\n\t\t  FROM information_schema.innodb_cmp\n\t\t",
                   "page compression [page_size] page_size [compress_ops] compress_ops"},
        Understood{"select Page_Size as p, `PAGES_USED` x from INFORMATION_SCHEMA.INNODB_CMPMEM;",
                   "page compression [p] page_size [x] pages_used"},
        Understood{"SELECT * FROM information_schema.`innodb_cmpmem`",
                   "page compression [page_size] page_size [buffer_pool_instance] buffer_pool_instance "
                   "[pages_used] pages_used [pages_free] pages_free [relocation_ops] relocation_ops "
                   "[relocation_time] relocation_time"},
        // More than its columns is for a server with tables.
        Understood{"SELECT pages_used FROM information_schema.innodb_cmp", "refused SELECT … FROM"},
        Understood{"SELECT page_size + 1 FROM information_schema.innodb_cmp", "refused SELECT … FROM"},
        Understood{"SELECT page_size FROM information_schema.innodb_cmp WHERE 1", "refused SELECT … FROM"},
        Understood{"SELECT page_size FROM innodb_cmp", "refused SELECT … FROM"},
        Understood{"SELECT page_size FROM information_schema.innodb_cmp, mysql.user", "refused SELECT … FROM"},
        Understood{"SELECT page_size FROM information_schema.innodb_cmp; SELECT 1", "error near 'SELECT 1' line 1"},
        Understood{"SELECT *, page_size FROM information_schema.innodb_cmp", "refused SELECT … FROM"}));

INSTANTIATE_TEST_SUITE_P(
    Mistakes, Statements,
    ::testing::Values(
        Understood{"SELECT", "error near '' line 1"}, Understood{"SELECT 1 2", "error near '2' line 1"},
        Understood{"SELECT 1,\n  @@", "error near '' line 2"},
        Understood{"SELECT 1\n FOO BAR", "error near 'BAR' line 2"},
        Understood{"SELECT 1; SELECT 2", "error near 'SELECT 2' line 1"},
        Understood{"SELECT 1 > 0", "error near '> 0' line 1"}, Understood{"SELECT (1", "error near '' line 1"},
        Understood{"SELECT f(1,)", "error near ')' line 1"}, Understood{"SELECT 1 LIMIT x", "error near 'x' line 1"},
        Understood{"SET", "error near '' line 1"}, Understood{"SET @a", "error near '' line 1"},
        Understood{"SET @a = ", "error near '' line 1"}, Understood{"SET a = 1,", "error near '' line 1"},
        Understood{"SHOW NONSENSE", "error near 'NONSENSE' line 1"},
        Understood{"SHOW GLOBAL PROCESSLIST", "error near 'PROCESSLIST' line 1"},
        Understood{"SHOW VARIABLES LIKE", "error near '' line 1"}, Understood{"KILL me", "error near 'me' line 1"},
        Understood{"KILL 99999999999999999999", "error near '99999999999999999999' line 1"},
        Understood{"USE", "error near '' line 1"}, Understood{"bogus", "error near 'bogus' line 1"},
        Understood{"SELECT 1 UNION SELECT 2", "refused SELECT … UNION"},
        Understood{"SELECT 1 INTO @a", "refused SELECT … INTO"}, Understood{"(SELECT 1)", "refused (SELECT …)"},
        Understood{"SELECT * FROM t", "refused SELECT … FROM"},
        Understood{"SELECT COUNT(*), a > 1 FROM t WHERE x", "refused SELECT … FROM"},
        Understood{"SELECT 1 FROM t", "refused SELECT … FROM"}));

TEST(Statement, MayCarryTheTerminatingNul) {
  EXPECT_EQ(understood(std::string_view("SELECT 1\0", 9)), "select [1] 1");
  EXPECT_EQ(understood(std::string_view("SELECT\0 1", 9)), std::string_view("error near '\0 1' line 1", 23));
}

TEST(Statement, ErrorsShowEightyBytes) {
  const auto parsed = parse_statement("bogus " + std::string(1000, 'x'));
  EXPECT_EQ(std::get<ParseError>(parsed).near.size(), kMaxParseErrorText);
}

TEST(Statement, IsBounded) {
  EXPECT_THAT(understood("SELECT " + std::string(100'000, '(') + "1"), ::testing::StartsWith("error"));
  std::string sum = "SELECT 1", list = "SELECT 1", set = "SET @a=1", in = "SHOW VARIABLES WHERE Variable_name IN ('x'";
  for (int i = 0; i < 100'000; ++i) {
    sum += "+1";
    list += ",1";
    set += ",@a=1";
    in += ",'x'";
  }
  EXPECT_THAT(understood(sum), ::testing::StartsWith("error"));
  EXPECT_THAT(understood(list), ::testing::StartsWith("error"));
  EXPECT_THAT(understood(set), ::testing::StartsWith("error"));
  EXPECT_THAT(understood(in + ")"), ::testing::StartsWith("error"));
  EXPECT_THAT(understood(std::string(kMaxCommandSize + 1, ' ')), ::testing::StartsWith("error"));
}

// A set of a big cluster, as MariaDB's @slave_connect_state or GTID_SUBTRACT carry it.
TEST(Statement, MayHoldALargeString) {
  const std::string gtids(1u << 20, 'g');
  const auto parsed = parse_statement("SET @slave_connect_state='" + gtids + "'");
  const auto& set = std::get<SetStatement>(std::get<Statement>(parsed));
  EXPECT_EQ(std::get<Literal>(set.assignments.at(0).value.node).value, gtids);
}

TEST(NameFilter, LikeKnowsItsWildcards) {
  const auto like = [](std::string pattern, std::string_view name) {
    return matches({NameFilter::Kind::like, {std::move(pattern)}}, name);
  };
  EXPECT_TRUE(like("server_id", "SERVER_ID"));
  EXPECT_TRUE(like("SERVER_ID", "server-id"));
  EXPECT_FALSE(like("server\\_id", "server-id"));
  EXPECT_TRUE(like("rds\\_%", "rds_x"));
  EXPECT_FALSE(like("rds\\_%", "rdsx"));
  EXPECT_TRUE(like("%binlog%", "max_binlog_size"));
  EXPECT_TRUE(like("%", ""));
  EXPECT_TRUE(like("%%_", "a"));
  EXPECT_FALSE(like("", "a"));
  EXPECT_TRUE(like("", ""));
  EXPECT_TRUE(like("a%b%c", "aXbYbZc"));
  EXPECT_FALSE(like("a%b%c", "aXbYbZ"));
  EXPECT_TRUE(like("100\\%", "100%"));
  EXPECT_FALSE(like("100\\%", "1000"));
  EXPECT_FALSE(like(std::string(1000, '%') + "b", std::string(1000, 'a')));
}

TEST(NameFilter, ComparesWithoutCase) {
  EXPECT_TRUE(matches({NameFilter::Kind::all, {}}, "anything"));
  EXPECT_TRUE(matches({NameFilter::Kind::equal, {"SQL_mode"}}, "sql_mode"));
  EXPECT_FALSE(matches({NameFilter::Kind::equal, {"sql_mod_"}}, "sql_mode"));
  EXPECT_TRUE(matches({NameFilter::Kind::in, {"a", "B"}}, "b"));
  EXPECT_FALSE(matches({NameFilter::Kind::in, {}}, "b"));
}

}  // namespace
}  // namespace binrelay
