#include "protocol/packet/commands.h"

#include <utility>

#include "protocol/wire/byte_reader.h"

namespace binrelay {

namespace {

enum CommandCode : std::uint8_t {
  kQuit = 0x01,
  kInitDb = 0x02,
  kQuery = 0x03,
  kFieldList = 0x04,
  kStatistics = 0x09,
  kProcessKill = 0x0c,
  kPing = 0x0e,
  kChangeUser = 0x11,
  kBinlogDump = 0x12,
  kRegisterReplica = 0x15,
  kStatementPrepare = 0x16,
  kStatementExecute = 0x17,
  kStatementLongData = 0x18,
  kStatementClose = 0x19,
  kStatementReset = 0x1a,
  kSetOption = 0x1b,
  kStatementFetch = 0x1c,
  kBinlogDumpGtid = 0x1e,
  kResetConnection = 0x1f,
};

// File names end at the first NUL: Zongji terminates them, python-mysql-replication sends nothing but NULs for "none".
std::string up_to_nul(std::string_view text) { return std::string(text.substr(0, text.find('\0'))); }

Result<Command> finish(const ByteReader& in, Command command, const char* name) {
  if (in.failed()) return Error{Errc::short_input, name};
  return command;
}

Result<Command> decode_register_replica(ByteReader in) {
  RegisterReplicaCommand command;
  command.server_id = ServerId{in.u32()};
  command.host = in.text(in.u8());
  command.user = in.text(in.u8());
  command.password = in.text(in.u8());
  command.port = in.u16();
  command.rank = in.u32();
  command.source_id = in.u32();
  return finish(in, std::move(command), "COM_REGISTER_SLAVE");
}

Result<Command> decode_binlog_dump(ByteReader in) {
  BinlogDumpCommand command;
  command.position = in.u32();
  command.flags = in.u16();
  command.server_id = ServerId{in.u32()};
  command.file_name = up_to_nul(as_text(in.rest()));
  return finish(in, std::move(command), "COM_BINLOG_DUMP");
}

// The set is read whatever the flags say, as mysqld does (rpl_source.cc): clients disagree on what flag 4 means.
Result<Command> decode_binlog_dump_gtid(ByteReader in) {
  BinlogDumpGtidCommand command;
  command.flags = in.u16();
  command.server_id = ServerId{in.u32()};
  command.file_name = up_to_nul(in.text(in.u32()));
  command.position = in.u64();
  const Bytes encoded_set = in.take(in.u32());
  if (in.failed()) return Error{Errc::short_input, "COM_BINLOG_DUMP_GTID"};
  command.has_gtid_data = !encoded_set.empty();
  if (command.has_gtid_data) {
    Result<MysqlGtidSet> gtids = MysqlGtidSet::decode(encoded_set);
    command.gtid_data_malformed = !gtids.ok();
    if (gtids.ok()) command.gtids = std::move(gtids).value();
  }
  return Command{std::move(command)};
}

Result<Command> decode_statement_command(std::uint8_t code, ByteReader in) {
  const std::uint32_t id = in.u32();
  switch (code) {
    case kStatementExecute: {
      const Bytes request = in.rest();
      return finish(in, StatementExecuteCommand{id, request}, "COM_STMT_EXECUTE");
    }
    case kStatementLongData: {
      const std::uint16_t parameter = in.u16();
      const std::string_view piece = as_text(in.rest());
      return finish(in, StatementLongDataCommand{id, parameter, piece}, "COM_STMT_SEND_LONG_DATA");
    }
    case kStatementClose:
      return finish(in, StatementCloseCommand{id}, "COM_STMT_CLOSE");
    case kStatementReset:
      return finish(in, StatementResetCommand{id}, "COM_STMT_RESET");
    default:
      return finish(in, StatementFetchCommand{id}, "COM_STMT_FETCH");
  }
}

}  // namespace

Result<Command> decode_command(Bytes payload) {
  if (payload.empty()) return Error{Errc::short_input, "empty command packet"};
  ByteReader in(payload);
  const std::uint8_t code = in.u8();
  switch (code) {
    case kQuit:
      return Command{QuitCommand{}};
    case kInitDb:
      return Command{InitDbCommand{up_to_nul(as_text(in.rest()))}};
    case kQuery:
      return Command{QueryCommand{as_text(in.rest())}};
    case kFieldList:
      return Command{FieldListCommand{up_to_nul(as_text(in.rest()))}};
    case kChangeUser:
      return Command{ChangeUserCommand{in.rest()}};
    case kStatementPrepare:
      return Command{StatementPrepareCommand{as_text(in.rest())}};
    case kStatementExecute:
    case kStatementLongData:
    case kStatementClose:
    case kStatementReset:
    case kStatementFetch:
      return decode_statement_command(code, in);
    case kStatistics:
      return Command{StatisticsCommand{}};
    case kPing:
      return Command{PingCommand{}};
    case kResetConnection:
      return Command{ResetConnectionCommand{}};
    case kSetOption: {
      const std::uint16_t option = in.u16();
      return finish(in, SetOptionCommand{option}, "COM_SET_OPTION");
    }
    case kProcessKill: {
      const std::uint32_t connection_id = in.u32();
      return finish(in, ProcessKillCommand{connection_id}, "COM_PROCESS_KILL");
    }
    case kRegisterReplica:
      return decode_register_replica(in);
    case kBinlogDump:
      return decode_binlog_dump(in);
    case kBinlogDumpGtid:
      return decode_binlog_dump_gtid(in);
    default:
      return Command{UnknownCommand{code}};
  }
}

}  // namespace binrelay
