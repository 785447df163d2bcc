#pragma once
// Commands a client sends after login (MySQL manual, "Command Phase").
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "protocol/bytes.h"
#include "protocol/gtid/mysql_gtid_set.h"
#include "protocol/ids.h"
#include "protocol/result.h"

namespace binrelay {

struct QuitCommand {};
struct InitDbCommand {
  std::string database;
};
struct QueryCommand {
  std::string_view text;
};
struct StatisticsCommand {};
struct PingCommand {};
struct ResetConnectionCommand {};
struct SetOptionCommand {
  std::uint16_t option = 0;
};
struct ProcessKillCommand {
  std::uint32_t connection_id = 0;
};
struct RegisterReplicaCommand {
  ServerId server_id{};
  std::string host, user, password;
  std::uint16_t port = 0;
  std::uint32_t rank = 0, source_id = 0;
};
struct BinlogDumpCommand {
  static constexpr std::uint16_t kNonBlocking = 0x01;
  // MariaDB: send ANNOTATE_ROWS; MySQL >= 8.0.26: heartbeat v2.
  static constexpr std::uint16_t kAnnotateOrHeartbeatV2 = 0x02;
  std::uint32_t position = 0;
  std::uint16_t flags = 0;
  ServerId server_id{};
  std::string file_name;  // as mysqld reads it: up to the first NUL; "" = oldest
};
struct BinlogDumpGtidCommand {
  std::uint16_t flags = 0;
  ServerId server_id{};
  std::string file_name;
  std::uint64_t position = 0;
  bool has_gtid_data = false;  // an empty data block is 1773 on mysqld
  bool gtid_data_malformed = false;
  MysqlGtidSet gtids;
};
// COM_CHANGE_USER: decode_change_user() reads it.
struct ChangeUserCommand {
  Bytes request;
};
// What columns a table has: asked by old clients for completion.
struct FieldListCommand {
  std::string table;
};
// Prepared statements (MySQL manual, "Prepared Statements"); prepared_statement.h reads what is executed.
struct StatementPrepareCommand {
  std::string_view text;
};
struct StatementExecuteCommand {
  std::uint32_t statement_id = 0;
  Bytes request;  // behind the id
};
struct StatementLongDataCommand {  // not answered
  std::uint32_t statement_id = 0;
  std::uint16_t parameter = 0;
  std::string_view piece;
};
struct StatementCloseCommand {  // not answered
  std::uint32_t statement_id = 0;
};
struct StatementResetCommand {
  std::uint32_t statement_id = 0;
};
struct StatementFetchCommand {
  std::uint32_t statement_id = 0;
};
struct UnknownCommand {
  std::uint8_t code = 0;
};

using Command = std::variant<QuitCommand, InitDbCommand, QueryCommand, StatisticsCommand, PingCommand,
                             ResetConnectionCommand, SetOptionCommand, ProcessKillCommand, RegisterReplicaCommand,
                             BinlogDumpCommand, BinlogDumpGtidCommand, ChangeUserCommand, FieldListCommand,
                             StatementPrepareCommand, StatementExecuteCommand, StatementLongDataCommand,
                             StatementCloseCommand, StatementResetCommand, StatementFetchCommand, UnknownCommand>;

// Errc::short_input / malformed for a known command with a broken body (1835 on mysqld). A COM_BINLOG_DUMP of a few
// missing bytes as well. Views point into `payload`.
Result<Command> decode_command(Bytes payload);

}  // namespace binrelay
