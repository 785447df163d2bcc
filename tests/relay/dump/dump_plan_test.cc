#include "relay/dump/dump_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/relay/dump/sample_log.h"

namespace binrelay {
namespace {

using std::chrono::nanoseconds;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

class DumpPlanTest : public testing::Test {
 protected:
  explicit DumpPlanTest(Flavour flavour) : log(flavour) {
    session.has_made_statements = true;
    says("master_binlog_checksum", "CRC32");
  }

  void says(const std::string& variable, std::optional<std::string> value) {
    session.user_variables[variable] = std::move(value);
  }

  DumpPlan plan_of(std::variant<DumpPlan, SqlError> answer) {
    const auto* error = std::get_if<SqlError>(&answer);
    EXPECT_EQ(error, nullptr) << error->text;
    return error ? DumpPlan{} : std::get<DumpPlan>(std::move(answer));
  }
  SqlError error_of(std::variant<DumpPlan, SqlError> answer) {
    auto* error = std::get_if<SqlError>(&answer);
    EXPECT_NE(error, nullptr);
    return error ? *error : SqlError{};
  }

  std::variant<DumpPlan, SqlError> from(const std::string& file, std::uint32_t position, std::uint16_t flags = 0) {
    BinlogDumpCommand command;
    command.file_name = file;
    command.position = position;
    command.flags = flags;
    command.server_id = ServerId{100};
    return plan_dump(command, session, log.view());
  }

  SampleLog log;
  SessionState session;
};

// --- file and position ---

class FilePositionDump : public DumpPlanTest {
 protected:
  explicit FilePositionDump(Flavour flavour = Flavour::mysql) : DumpPlanTest(flavour) {
    log.open_file("binlog.000001");
    commit(1);
    log.open_file("binlog.000002");
    group = commit(2);
    log.sync();
  }
  std::uint64_t commit(std::uint64_t number) {
    if (log.view().source->flavour == Flavour::mysql) return log.commit(kSourceUuid, number);
    return log.commit(MariadbGtid{0, 1, number});
  }
  std::uint64_t group = 0;  // where the group of the second file begins
};

TEST_F(FilePositionDump, StartsWhereAsked) {
  const DumpPlan plan = plan_of(from("binlog.000002", static_cast<std::uint32_t>(group)));
  EXPECT_EQ(plan.start, (LogPosition{log.number_of("binlog.000002"), group}));
  EXPECT_FALSE(plan.gtid_command);
  EXPECT_FALSE(plan.skip.by_gtid());
  EXPECT_EQ(plan.place.first_file, "binlog.000002");
  EXPECT_EQ(plan.place.first_position, group);
  EXPECT_FALSE(plan.error_after_rotate);
}

TEST_F(FilePositionDump, StartsAtTheOldestFileWithoutAName) {
  EXPECT_EQ(plan_of(from("", 4)).start, (LogPosition{log.number_of("binlog.000001"), 4}));
}

TEST_F(FilePositionDump, MayStartAtTheEndOfTheActiveFileAndOfAClosedOne) {
  EXPECT_EQ(plan_of(from("binlog.000002", static_cast<std::uint32_t>(log.end()))).start.offset, log.end());
  const std::uint64_t closed_end = log.log().catalog()->find("binlog.000001")->size;
  EXPECT_EQ(plan_of(from("binlog.000001", static_cast<std::uint32_t>(closed_end))).start.offset, closed_end);
}

TEST_F(FilePositionDump, RefusesAFileItDoesNotHave) {
  for (const std::string& name : {std::string("binlog.000003"), std::string("../../etc/passwd"),
                                  std::string("/etc/passwd"), std::string("./binlog.000001"), std::string(300, 'x')}) {
    const SqlError error = error_of(from(name, 4));
    EXPECT_EQ(error.code, 1236);
    EXPECT_EQ(error.sqlstate, "HY000");
    EXPECT_EQ(error.text, "Could not find first log file name in binary log index file");
  }
}

TEST_F(FilePositionDump, RefusesAPositionBeforeTheFirstEvent) {
  for (const std::uint32_t position : {0u, 1u, 3u}) {
    EXPECT_EQ(error_of(from("binlog.000001", position)).text,
              "Client requested source to start replication from position < 4");
  }
}

TEST_F(FilePositionDump, RefusesAPositionBehindTheEnd) {
  const auto end = static_cast<std::uint32_t>(log.end());
  for (const std::uint32_t position : {end + 1, 0xffffffffu}) {
    EXPECT_EQ(error_of(from("binlog.000002", position)).text,
              "Client requested source to start replication from position > file size");
  }
}

TEST_F(FilePositionDump, RefusesWhenNothingIsStored) {
  SampleLog empty(Flavour::mysql);
  const auto answer = plan_dump(BinlogDumpCommand{4, 0, ServerId{1}, ""}, session, empty.view());
  EXPECT_EQ(std::get<SqlError>(answer).text, "Binary log is not open");
}

TEST_F(FilePositionDump, DoesNotWaitForToolsWithServerIdZeroOrTheFlag) {
  EXPECT_FALSE(plan_of(from("", 4)).non_blocking);
  EXPECT_TRUE(plan_of(from("", 4, BinlogDumpCommand::kNonBlocking)).non_blocking);
  EXPECT_TRUE(plan_of(plan_dump(BinlogDumpCommand{4, 0, ServerId{0}, ""}, session, log.view())).non_blocking);
}

TEST_F(FilePositionDump, SendsHeartbeatsOfTheSecondKindOnRequest) {
  EXPECT_FALSE(plan_of(from("", 4)).heartbeat_v2);
  const DumpPlan plan = plan_of(from("", 4, BinlogDumpCommand::kAnnotateOrHeartbeatV2));
  EXPECT_TRUE(plan.heartbeat_v2);
  EXPECT_TRUE(plan.send_annotate);
}

TEST_F(FilePositionDump, KnowsTheReplicaByItsUuid) {
  EXPECT_EQ(plan_of(from("", 4)).replica_uuid, "");
  says("slave_uuid", "old");
  EXPECT_EQ(plan_of(from("", 4)).replica_uuid, "old");
  says("replica_uuid", "new");
  EXPECT_EQ(plan_of(from("", 4)).replica_uuid, "new");
  EXPECT_EQ(plan_of(from("", 4)).server_id, ServerId{100});
}

TEST_F(FilePositionDump, TakesASaneHeartbeatPeriod) {
  const auto period = [&](const char* text) {
    says("master_heartbeat_period", text);
    return plan_of(from("", 4)).heartbeat_period;
  };
  EXPECT_EQ(plan_of(from("", 4)).heartbeat_period, nanoseconds{0});
  EXPECT_EQ(period("30000000000"), std::chrono::seconds(30));
  EXPECT_EQ(period("1000000"), std::chrono::milliseconds(1));
  EXPECT_EQ(period("1"), std::chrono::milliseconds(1));
  EXPECT_EQ(period("1500000000.0000"), std::chrono::milliseconds(1500));
  for (const char* none : {"0", "", "-1000000000", "5000000000000000", "100000000000000000000", "soon"}) {
    EXPECT_EQ(period(none), nanoseconds{0}) << none;
  }
  says("source_heartbeat_period", "2000000000");
  EXPECT_EQ(plan_of(from("", 4)).heartbeat_period, std::chrono::seconds(2)) << "the new name counts first";
}

TEST_F(FilePositionDump, ReadsTheAnnouncedChecksumAsMysqldDoes) {
  const auto announced = [&](std::optional<std::string> value) {
    says("master_binlog_checksum", std::move(value));
    return plan_of(from("", 4)).announced;
  };
  EXPECT_EQ(announced("CRC32"), AnnouncedChecksum::crc32);
  EXPECT_EQ(announced("crc32"), AnnouncedChecksum::crc32);
  EXPECT_EQ(announced("NONE"), AnnouncedChecksum::none);
  EXPECT_EQ(announced("bogus"), AnnouncedChecksum::none);
  EXPECT_EQ(announced(std::nullopt), AnnouncedChecksum::unset);
  says("source_binlog_checksum", "CRC32");
  EXPECT_EQ(announced("NONE"), AnnouncedChecksum::crc32);
}

TEST_F(FilePositionDump, TellsAClientThatKnowsNoChecksumsBehindTheRotate) {
  session.user_variables.clear();
  const DumpPlan plan = plan_of(from("binlog.000001", 4));
  const std::string end = std::to_string(kFirstEventOffset + log.log().catalog()->oldest()->format_description.size());
  ASSERT_TRUE(plan.error_after_rotate);
  EXPECT_EQ(plan.error_after_rotate->code, 1236);
  EXPECT_EQ(
      plan.error_after_rotate->text,
      "Replica can not handle replication events with the checksum that source is configured to log; the first event "
      "'binlog.000001' at 4, the last event read from './binlog.000001' at " +
          end + ", the last byte read from './binlog.000001' at " + end + ".");
}

TEST_F(FilePositionDump, MakesAReplicaConnectAgainWhoseSessionWasLost) {
  session.user_variables.clear();
  says("replica_uuid", "3e812188-e6ec-11f1-ae7d-02fc00000001");
  EXPECT_EQ(error_of(from("binlog.000001", 4)).code, 1317);
  says("master_binlog_checksum", std::nullopt);
  EXPECT_EQ(plan_of(from("binlog.000001", 4)).error_after_rotate->code, 1236) << "it was announced, as nothing";

  session.user_variables.clear();
  session.registration = RegisterReplicaCommand{};
  EXPECT_EQ(error_of(from("binlog.000001", 4)).code, 1317);

  session = {};
  EXPECT_EQ(error_of(from("binlog.000001", 4)).code, 1317) << "lost behind the last statement before the dump";
  log.open_file("binlog.000003", ChecksumAlgorithm::none);
  EXPECT_FALSE(plan_of(from("binlog.000003", 4)).error_after_rotate) << "tools do not announce what they do not need";
}

TEST_F(FilePositionDump, ServesAFileWithoutChecksumsToAnyoneButAsksAgainAtTheNextFile) {
  session.user_variables.clear();
  log.open_file("binlog.000003", ChecksumAlgorithm::none);
  const DumpPlan plan = plan_of(from("binlog.000003", 4));
  EXPECT_FALSE(plan.error_after_rotate);
  EXPECT_TRUE(refuse_checksum(plan, *log.log().catalog()->oldest(), plan.place));
}

// --- MySQL by GTID ---

class GtidDump : public DumpPlanTest {
 protected:
  // 000001 {}, 000002 {} (1-5), 000003 (6-10), 000004 (11-15), 000005 active (16-20).
  GtidDump() : DumpPlanTest(Flavour::mysql) {
    log.open_file("binlog.000001");
    for (int file = 2; file <= 5; ++file) {
      log.open_file("binlog.00000" + std::to_string(file));
      for (int i = 0; i < 5; ++i) log.commit(kSourceUuid, ++last);
    }
    log.sync();
  }

  std::variant<DumpPlan, SqlError> having(const std::string& numbers, const std::string& file = "",
                                          std::uint64_t position = 4) {
    return plan_dump(command(numbers.empty() ? "" : kSourceUuid + ":" + numbers, file, position), session, log.view());
  }
  static BinlogDumpGtidCommand command(const std::string& set, const std::string& file = "",
                                       std::uint64_t position = 4) {
    BinlogDumpGtidCommand command;
    command.server_id = ServerId{100};
    command.file_name = file;
    command.position = position;
    command.has_gtid_data = true;
    command.gtids = MysqlGtidSet::parse(set).value();
    return command;
  }
  std::string file_of(const std::variant<DumpPlan, SqlError>& answer) {
    const auto& plan = std::get<DumpPlan>(answer);
    EXPECT_EQ(plan.start.offset, 4u);
    return log.log().catalog()->find(plan.start.segment)->served_name;
  }
  std::uint64_t last = 0;
};

TEST_F(GtidDump, StartsAtTheNewestFileThatBeginsWithNothingTheReplicaLacks) {
  EXPECT_EQ(file_of(having("")), "binlog.000002");
  EXPECT_EQ(file_of(having("1-5")), "binlog.000003");
  EXPECT_EQ(file_of(having("1-12")), "binlog.000004");
  EXPECT_EQ(file_of(having("1-6:8-20")), "binlog.000003");
  EXPECT_EQ(file_of(having("1-20")), "binlog.000005");
}

TEST_F(GtidDump, SkipsWhatTheReplicaHas) {
  DumpPlan plan = plan_of(having("1-12"));
  EXPECT_TRUE(plan.gtid_command);
  EXPECT_EQ(plan.skip.on_group(AnyGtid{parse_mysql_gtid(kSourceUuid + ":12").value()}), SkipDecision::skip);
  EXPECT_EQ(plan.skip.on_group(AnyGtid{parse_mysql_gtid(kSourceUuid + ":13").value()}), SkipDecision::send);
  EXPECT_EQ(plan.place.first_file, "");
}

TEST_F(GtidDump, AcceptsWhatOthersWrote) {
  const auto answer = plan_dump(command(kSourceUuid + ":1-12," + kOtherUuid + ":1-100"), session, log.view());
  EXPECT_EQ(file_of(answer), "binlog.000004");
}

TEST_F(GtidDump, RefusesAReplicaThatIsAhead) {
  const SqlError error = error_of(having("1-21"));
  EXPECT_EQ(error.code, 1236);
  EXPECT_THAT(error.text, StartsWith("Replica has more GTIDs than the source has, using the source's SERVER_UUID."));
  // mysqld cuts the text at 511 bytes.
  EXPECT_THAT(error.text.substr(0, 511), EndsWith("not included in GTID_EXECU"));
}

TEST_F(GtidDump, RefusesAReplicaThatNeedsWhatIsPurged) {
  SampleLog purged(Flavour::mysql);
  purged.begins_behind(MysqlGtidSet::parse(kSourceUuid + ":1-10").value());
  purged.open_file("binlog.000007");
  purged.commit(kSourceUuid, 11);
  purged.sync();
  const auto answer = plan_dump(command(kSourceUuid + ":1-3"), session, purged.view());
  EXPECT_EQ(std::get<SqlError>(answer).text,
            "Cannot replicate because the source purged required binary logs. Replicate the missing transactions from "
            "elsewhere, or provision "
            "a new replica from backup. Consider increasing the source's binary log expiration period. The GTID set "
            "sent by the replica is '" +
                kSourceUuid + ":1-3', and the missing transactions are '" + kSourceUuid + ":4-10'");
  EXPECT_TRUE(std::holds_alternative<DumpPlan>(plan_dump(command(kSourceUuid + ":1-10"), session, purged.view())));
}

// RESET, then SET GLOBAL gtid_purged: what a restore does. No PREVIOUS_GTIDS of MySQL 9.7 names such transactions.
TEST_F(GtidDump, RefusesAReplicaThatLacksWhatTheSourceWasRestoredFrom) {
  log.change_source([](SourceIdentity& source) { source.gtid_purged_at_start = kOtherUuid + ":1-100"; });
  EXPECT_THAT(error_of(having("")).text, HasSubstr("missing transactions are '" + kOtherUuid + ":1-100'"));
  EXPECT_EQ(file_of(plan_dump(command(kOtherUuid + ":1-100"), session, log.view())), "binlog.000002");
}

TEST_F(GtidDump, NamesTheModeWhenItIsNotOn) {
  for (const char* mode : {"OFF", "OFF_PERMISSIVE", "ON_PERMISSIVE"}) {
    log.change_source([&](SourceIdentity& source) { source.gtid_mode = mode; });
    EXPECT_EQ(error_of(having("")).text,
              "The replication sender thread cannot start in AUTO_POSITION mode: this server has GTID_MODE = " +
                  std::string(mode) + " instead of ON.");
  }
}

TEST_F(GtidDump, RefusesSetsThatAreMissingOrBroken) {
  BinlogDumpGtidCommand empty = command("");
  empty.has_gtid_data = false;
  BinlogDumpGtidCommand broken = command("");
  broken.gtid_data_malformed = true;
  for (const auto& each : {empty, broken}) {
    const SqlError error = error_of(plan_dump(each, session, log.view()));
    EXPECT_EQ(error.code, 1773);
    EXPECT_EQ(error.text, "Malformed GTID set encoding.");
  }
}

TEST_F(GtidDump, StartsAtAFileThatIsNamedAndStillSkips) {
  DumpPlan plan = plan_of(having("1-20", "binlog.000002", 4));
  EXPECT_EQ(plan.start, (LogPosition{log.number_of("binlog.000002"), 4}));
  EXPECT_TRUE(plan.skip.by_gtid());
  EXPECT_EQ(error_of(having("", "binlog.000009")).text, "Could not find first log file name in binary log index file");
  EXPECT_EQ(error_of(having("", "binlog.000002", 1ull << 33)).text,
            "Client requested source to start replication from position > file size");
}

// --- MariaDB ---

class MariadbFilePositionDump : public FilePositionDump {
 protected:
  MariadbFilePositionDump() : FilePositionDump(Flavour::mariadb) {}
};

TEST_F(MariadbFilePositionDump, RefusesImpossiblePositionsInItsOwnWords) {
  const std::string tail =
      "; the first event 'binlog.000001' at 3, the last event read from 'binlog.000001' at 4, the last byte read from "
      "'binlog.000001' at 4.";
  EXPECT_EQ(error_of(from("binlog.000001", 3)).text,
            "Client requested master to start replication from impossible position" + tail);
  EXPECT_THAT(
      error_of(from("binlog.000002", 0x7fffffff)).text,
      StartsWith(
          "Client requested master to start replication from impossible position; the first event 'binlog.000002' at"));
}

TEST_F(MariadbFilePositionDump, ReadsTheAnnouncedChecksumAsMariadbdDoes) {
  const auto announced = [&](std::optional<std::string> value) {
    says("master_binlog_checksum", std::move(value));
    return plan_of(from("", 4)).announced;
  };
  EXPECT_EQ(announced("CRC32"), AnnouncedChecksum::crc32);
  EXPECT_EQ(announced("none"), AnnouncedChecksum::none);
  EXPECT_EQ(announced("bogus"), AnnouncedChecksum::crc32);
  EXPECT_EQ(announced(std::nullopt), AnnouncedChecksum::crc32);
  session.user_variables.clear();
  says("source_binlog_checksum", "CRC32");
  const DumpPlan plan = plan_of(from("binlog.000001", 4));
  EXPECT_EQ(plan.announced, AnnouncedChecksum::unset);
  ASSERT_TRUE(plan.error_after_rotate);
  EXPECT_THAT(
      plan.error_after_rotate->text,
      StartsWith(
          "Slave can not handle replication events with the checksum that master is configured to log; the first event "
          "'binlog.000001' at 4, the last event read from 'binlog.000001' at 4, the last byte read from "
          "'binlog.000001' at "));
}

TEST_F(MariadbFilePositionDump, TakesTheClientsCapabilityAndFlags) {
  EXPECT_EQ(plan_of(from("", 4)).mariadb_capability, 0);
  EXPECT_FALSE(plan_of(from("", 4)).send_annotate);
  EXPECT_FALSE(plan_of(from("", 4)).leave_out_marked);
  says("mariadb_slave_capability", "4");
  session.session_variables["skip_replication"] = "ON";
  const DumpPlan plan = plan_of(from("", 4, BinlogDumpCommand::kAnnotateOrHeartbeatV2));
  EXPECT_EQ(plan.mariadb_capability, 4);
  EXPECT_TRUE(plan.send_annotate);
  EXPECT_FALSE(plan.heartbeat_v2);
  EXPECT_TRUE(plan.leave_out_marked);
  says("mariadb_slave_capability", "99999999999999999999");
  EXPECT_EQ(plan_of(from("", 4)).mariadb_capability, 4);
}

TEST_F(MariadbFilePositionDump, DoesNotKnowMysqlsGtidCommand) {
  const SqlError error = error_of(plan_dump(BinlogDumpGtidCommand{}, session, log.view()));
  EXPECT_EQ(error.code, 1047);
  EXPECT_EQ(error.text, "Unknown command");
}

class ConnectStateDump : public DumpPlanTest {
 protected:
  // 000001: 0-1-1, 0-1-2; 000002: 0-1-3, 5-1-1; 000003: 0-1-4
  ConnectStateDump() : DumpPlanTest(Flavour::mariadb) {
    log.open_file("binlog.000001");
    log.commit(MariadbGtid{0, 1, 1});
    log.commit(MariadbGtid{0, 1, 2});
    log.open_file("binlog.000002");
    log.commit(MariadbGtid{0, 1, 3});
    log.commit(MariadbGtid{5, 1, 1});
    log.open_file("binlog.000003");
    log.commit(MariadbGtid{0, 1, 4});
    log.sync();
  }
  std::variant<DumpPlan, SqlError> behind(const std::string& state) {
    says("slave_connect_state", state);
    return from("binlog.000099", 99);  // name and position do not count
  }
  std::string file_of(const std::string& state) {
    const DumpPlan plan = plan_of(behind(state));
    EXPECT_EQ(plan.start.offset, 4u);
    return log.log().catalog()->find(plan.start.segment)->served_name;
  }
  static AnyGtid gtid(const char* text) { return parse_mariadb_gtid(text).value(); }
};

TEST_F(ConnectStateDump, StartsAtTheNewestFileThatBeginsBehindNothingWanted) {
  EXPECT_EQ(file_of(""), "binlog.000001");
  EXPECT_EQ(file_of("0-1-1"), "binlog.000001");
  EXPECT_EQ(file_of("0-1-2"), "binlog.000002") << "the last GTID before a file starts at that file";
  EXPECT_EQ(file_of("0-1-3"), "binlog.000002") << "domain 5 is wanted from its beginning";
  EXPECT_EQ(file_of("0-1-3,5-1-1"), "binlog.000003");
  EXPECT_EQ(file_of("0-1-4,5-1-1"), "binlog.000003");
}

TEST_F(ConnectStateDump, DoesNotWaitForWhatCameBeforeTheFile) {
  DumpPlan plan = plan_of(behind("0-1-3,5-1-1"));
  EXPECT_EQ(plan.skip.on_group(gtid("0-1-4")), SkipDecision::send);
  EXPECT_EQ(plan.skip.on_group(gtid("5-1-2")), SkipDecision::send);

  DumpPlan within = plan_of(behind("0-1-1"));
  EXPECT_EQ(within.skip.on_group(gtid("0-1-1")), SkipDecision::skip);
  EXPECT_EQ(within.skip.on_group(gtid("0-1-2")), SkipDecision::send);
}

TEST_F(ConnectStateDump, RefusesAStateItCannotRead) {
  const SqlError error = error_of(behind("zzz"));
  EXPECT_EQ(error.code, 1941);
  EXPECT_EQ(error.text, "Could not parse GTID list");
  const SqlError twice = error_of(behind("0-1-5,1-1-1,0-2-6"));
  EXPECT_EQ(twice.code, 1943);
  EXPECT_EQ(twice.text, "GTID 0-2-6 and 0-1-5 conflict (duplicate domain id 0)");
}

TEST_F(ConnectStateDump, RefusesAGtidThatIsNotInTheLog) {
  EXPECT_EQ(error_of(behind("0-1-9")).text,
            "Error: connecting slave requested to start from GTID 0-1-9, which is not in the master's binlog");
}

TEST_F(ConnectStateDump, SaysThatAReplicaHasDiverged) {
  EXPECT_EQ(error_of(behind("0-99-2")).text,
            "Error: connecting slave requested to start from GTID 0-99-2, which is not in the master's binlog. Since "
            "the master's binlog "
            "contains GTIDs with higher sequence numbers, it probably means that the slave has diverged due to "
            "executing extra erroneous "
            "transactions");
}

TEST_F(ConnectStateDump, ToleratesADomainItDoesNotHave) {
  EXPECT_EQ(file_of("0-1-4,5-1-1,8-1-77"), "binlog.000003");
  DumpPlan plan = plan_of(behind("0-1-4,5-1-1,8-1-77"));
  EXPECT_EQ(plan.skip.on_group(gtid("8-2-1")), SkipDecision::refuse);
}

TEST_F(ConnectStateDump, IgnoresDuplicatesWhenTold) {
  says("slave_gtid_ignore_duplicates", "1");
  EXPECT_EQ(file_of("0-1-9,5-1-1"), "binlog.000003");
}

TEST_F(ConnectStateDump, RefusesWhatIsPurged) {
  SampleLog purged(Flavour::mariadb);
  purged.begins_behind(MariadbBinlogState::parse("0-1-5").value());
  purged.open_file("binlog.000004");
  purged.commit(MariadbGtid{0, 1, 6});
  purged.sync();
  says("slave_connect_state", "0-1-3");
  const auto answer = plan_dump(BinlogDumpCommand{4, 0, ServerId{1}, ""}, session, purged.view());
  EXPECT_EQ(std::get<SqlError>(answer).text,
            "Could not find GTID state requested by slave in any binlog files. Probably the slave state is too old and "
            "required binlog files "
            "have been purged.");
  says("slave_connect_state", "0-1-5");
  EXPECT_TRUE(
      std::holds_alternative<DumpPlan>(plan_dump(BinlogDumpCommand{4, 0, ServerId{1}, ""}, session, purged.view())));
}

TEST_F(ConnectStateDump, EndsWhereUntilSays) {
  says("slave_until_gtid", "0-1-3");
  DumpPlan plan = plan_of(behind("0-1-2"));
  EXPECT_FALSE(plan.skip.ends_here());
  EXPECT_EQ(plan.skip.on_group(gtid("0-1-3")), SkipDecision::send);
  EXPECT_TRUE(plan.skip.ends_here());
  EXPECT_EQ(plan.skip.until_list().size(), 1u);
}

TEST_F(ConnectStateDump, EndsAtOnceWhenUntilLiesBeforeTheStart) {
  says("slave_until_gtid", "0-1-2");
  EXPECT_TRUE(plan_of(behind("0-1-2")).skip.ends_here());
  says("slave_until_gtid", "0-1-1");
  EXPECT_TRUE(plan_of(behind("0-1-99,5-1-1")).skip.ends_here())
      << "a start that is not in the log does not matter then";
}

TEST_F(ConnectStateDump, GoesByFileAndPositionWithoutAState) {
  says("slave_connect_state", std::nullopt);
  EXPECT_EQ(plan_of(from("binlog.000002", 4)).start, (LogPosition{log.number_of("binlog.000002"), 4}));
}

// A consumer that has read a file to its ROTATE asks for the next one, which a relay may have lost in a crash.
TEST(ComingFile, IsTheOneBehindTheNewestFromItsBeginning) {
  const auto segment = [](std::uint64_t number, const char* name) {
    auto made = std::make_shared<Segment>();
    made->number = SegmentNumber{number};
    made->served_name = name;
    return made;
  };
  const SegmentCatalog catalog({segment(1, "binlog.000009"), segment(2, "binlog.000010")});
  EXPECT_TRUE(asks_for_coming_file("binlog.000011", 4, catalog));
  EXPECT_FALSE(asks_for_coming_file("binlog.000011", 5, catalog));
  EXPECT_FALSE(asks_for_coming_file("binlog.000010", 4, catalog));
  EXPECT_FALSE(asks_for_coming_file("binlog.000012", 4, catalog));
  EXPECT_FALSE(asks_for_coming_file("other.000011", 4, catalog));
  EXPECT_FALSE(asks_for_coming_file("", 4, catalog));
  EXPECT_FALSE(asks_for_coming_file("binlog.000001", 4, SegmentCatalog({})));
}

}  // namespace
}  // namespace binrelay
