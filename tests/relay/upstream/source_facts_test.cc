#include "relay/upstream/source_facts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "relay/upstream/source_error.h"
#include "relay/upstream/start_search.h"
#include "tests/relay/upstream/scripted_source.h"

namespace binrelay {
namespace {

using test::ScriptedSource;
using testing::HasSubstr;

ScriptedSource source_with_files() {
  ScriptedSource source;
  source.files = {{"b.000001", golden::load("mysql-9.7-row").content},
                  {"b.000002", golden::load("mysql-9.7-tagged").content}};
  return source;
}

TEST(SourceFacts, AreReadFromVariablesAndFileList) {
  ScriptedSource source = source_with_files();
  source.variables["gtid_purged"] = "e82d0442-e68f-11f1-be79-02fc00000001:1-5,\ne82d0442-e68f-11f1-be79-02fc00000002:1";
  const auto facts = read_source_facts(source);
  ASSERT_TRUE(facts.ok()) << facts.error().context;
  EXPECT_EQ(facts->identity.flavour, Flavour::mysql);
  EXPECT_EQ(facts->identity.version, "9.7.4");
  EXPECT_EQ(facts->identity.server_id, ServerId{101});
  EXPECT_EQ(to_text(facts->identity.server_uuid), "e82d0442-e68f-11f1-be79-02fc00000001");
  EXPECT_EQ(facts->identity.gtid_mode, "ON");
  EXPECT_EQ(facts->identity.gtid_purged_at_start,
            "e82d0442-e68f-11f1-be79-02fc00000001:1-5,e82d0442-e68f-11f1-be79-02fc00000002:1");
  EXPECT_EQ(facts->identity.variables.at("binlog_format"), "ROW");
  EXPECT_EQ(facts->identity.variables.count("innodb_buffer_pool_size"), 0u);
  ASSERT_EQ(facts->files.size(), 2u);
  EXPECT_EQ(facts->files[0].size, source.files[0].content.size());
  EXPECT_EQ(facts->end.file, "b.000002");
}

TEST(SourceFacts, KnowMariadbByItsVersion) {
  EXPECT_EQ(flavour_of("10.11.19-MariaDB-0+deb12u1-log"), Flavour::mariadb);
  EXPECT_EQ(flavour_of("11.8.6-mariadb"), Flavour::mariadb);
  EXPECT_EQ(flavour_of("9.7.4"), Flavour::mysql);
}

TEST(SourceFacts, NameTheGrantThatIsMissing) {
  ScriptedSource source = source_with_files();
  source.refuse_statement = "SHOW BINARY LOGS";
  const auto facts = read_source_facts(source);
  ASSERT_FALSE(facts.ok());
  EXPECT_EQ(facts.error().code, Errc::refused);
  EXPECT_THAT(facts.error().context, HasSubstr("GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.*"));
}

TEST(SourceFacts, SayWhenTheSourceWritesNoBinaryLog) {
  ScriptedSource source = source_with_files();
  source.variables["log_bin"] = "OFF";
  EXPECT_EQ(read_source_facts(source).error().code, Errc::refused);
}

TEST(SourceFacts, TheDumpSessionAnnouncesBothNamesOfEverySetting) {
  ScriptedSource source;
  ASSERT_TRUE(prepare_dump_session(source, Flavour::mariadb, Uuid{}, 5000).ok());
  const std::string& settings = source.statements.back();
  for (const char* part : {"@master_binlog_checksum = 'CRC32'", "@source_binlog_checksum = 'CRC32'",
                           "@master_heartbeat_period = 5000000000", "@source_heartbeat_period = 5000000000",
                           "@mariadb_slave_capability = 4", "@slave_uuid", "@replica_uuid"}) {
    EXPECT_THAT(settings, HasSubstr(part));
  }
}

TEST(SourceError, TellsWhatPassesFromWhatStays) {
  const auto of = [](std::uint32_t number, const char* text) { return trouble_of(number, text); };
  EXPECT_EQ(of(0, "connection lost"), SourceTrouble::passing);
  EXPECT_EQ(of(1236, "could not find next log; the first event 'b.000001' at 4"), SourceTrouble::passing);
  EXPECT_EQ(of(1236, "I/O error reading log event; the first event"), SourceTrouble::passing);
  EXPECT_EQ(of(1236, "A replica with the same server_uuid/server_id as this replica has connected to the source"),
            SourceTrouble::passing);
  EXPECT_EQ(of(1236, "Could not find first log file name in binary log index file"), SourceTrouble::operator_needed);
  EXPECT_EQ(of(1236, "Client requested source to start replication from position > file size"),
            SourceTrouble::operator_needed);
  EXPECT_EQ(of(1236, "Client requested master to start replication from impossible position"),
            SourceTrouble::operator_needed);
  EXPECT_EQ(of(1236, "Cannot replicate because the source purged required binary logs. Replicate the missing"),
            SourceTrouble::place_gone);
  EXPECT_EQ(of(1236, "Could not find GTID state requested by slave in any binlog files."), SourceTrouble::place_gone);
  EXPECT_EQ(of(1236, "binlog truncated in the middle of event; consider out of disk space on master"),
            SourceTrouble::file_cut_short);
  EXPECT_EQ(of(1227, "Access denied"), SourceTrouble::operator_needed);
  EXPECT_EQ(of(1053, "Server shutdown in progress"), SourceTrouble::passing);
}

TEST(StartSearch, ByGtidTakesTheFileTheSourceNames) {
  ScriptedSource source = source_with_files();
  source.found_by_gtid = "b.000002";
  const auto found =
      find_file_by_gtid(source, Flavour::mysql, "e82d0442-e68f-11f1-be79-02fc00000001:1-22", ServerId{1});
  ASSERT_TRUE(found.ok()) << found.error().context;
  EXPECT_EQ(*found, "b.000002");
  EXPECT_TRUE(source.dumps.back().gtids.has_value());
  EXPECT_FALSE(find_file_by_gtid(source, Flavour::mysql, "nonsense", ServerId{1}).ok());
}

TEST(StartSearch, ByGtidOnMariadbSendsOnlyAParsedPosition) {
  ScriptedSource source = source_with_files();
  source.found_by_gtid = "b.000001";
  ASSERT_TRUE(find_file_by_gtid(source, Flavour::mariadb, "0-1-5,1-2-7", ServerId{1}).ok());
  EXPECT_THAT(source.statements.back(), HasSubstr("@slave_connect_state = '0-1-5,1-2-7'"));
  EXPECT_FALSE(find_file_by_gtid(source, Flavour::mariadb, "0-1-5' , @x = '", ServerId{1}).ok());
}

// The format description begins at offset 4 with its timestamp.
std::string begun_at(std::uint32_t time) {
  test::ServedFile file{"", golden::load("mysql-9.7-row").content};
  const Bytes description = events_of(file).front().bytes;
  ByteBuffer event(description.begin(), description.end());
  std::memcpy(event.data(), &time, sizeof time);
  rewrite_event_checksum(event);
  return file.content.replace(kFirstEventOffset, event.size(), as_text(event));
}

TEST(StartSearch, ByTimeTakesTheNewestFileBegunBefore) {
  ScriptedSource source;
  for (std::uint32_t i = 1; i <= 9; ++i) source.files.push_back({"b.00000" + std::to_string(i), begun_at(1000 * i)});
  const SourceFacts facts = read_source_facts(source).value();
  const auto found = [&](std::int64_t time) {
    return find_file_by_time(source, facts, time, ServerId{1}, [&] { return source.connect(); }).value();
  };
  EXPECT_EQ(found(500), "b.000001");
  EXPECT_EQ(found(1000), "b.000001");
  EXPECT_EQ(found(4999), "b.000004");
  EXPECT_EQ(found(5000), "b.000005");
  EXPECT_EQ(found(99'000), "b.000009");
}

}  // namespace
}  // namespace binrelay
