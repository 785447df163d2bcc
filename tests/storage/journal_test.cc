#include "storage/journal/journal.h"

#include <gmock/gmock.h>

#include "protocol/wire/crc32.h"
#include "storage/journal/journal_format.h"
#include "tests/storage/log_bench.h"

namespace binrelay {
namespace {

using ::testing::ElementsAreArray;

GtidState mariadb_state() { return MariadbBinlogState::from_list({{0, 1, 9}, {0, 2, 11}, {7, 3, 5}}); }

std::vector<JournalRecord> one_of_each() {
  SourceIdentity identity;
  identity.flavour = Flavour::mariadb;
  identity.version = "11.8.6-MariaDB";
  identity.server_id = ServerId{42};
  identity.gtid_purged_at_start = "x";
  identity.variables = {{"binlog_format", "ROW"}, {"binlog_checksum", "CRC32"}};
  return {LogCreated{samples::sample_uuid(1), ServerId{1u << 30}},
          SourceSeen{identity},
          HistoryBegun{1, "first"},
          GenerationBegun{1, 1, "binlog", 0, MysqlGtidSet{}},
          SegmentOpened{SegmentNumber{1}, 1, "binlog.000001", 1000, std::nullopt},
          DurableMark{SegmentNumber{1}, 2500, 2000, mariadb_state(), {0, {11, 22}}, 33},
          SegmentOpened{SegmentNumber{2}, 1, "binlog.000002", 1000,
                        SegmentSeal{3001, 2900, mariadb_state(), {2, {33, 44}}}},
          LogReopened{},
          RulesRecorded{{SegmentNumber{2}, 700},
                        {SegmentNumber{1}, 4},
                        true,
                        {{7, "shop", "o*", true, false, true}},
                        {3, 4},
                        {{"id", "int", ""}, {"db_name", "varchar", "utf8mb4"}},
                        "a note"},
          CleanStop{SegmentNumber{2}, 4}};
}

ByteBuffer journal_of(const std::vector<JournalRecord>& records) {
  ByteBuffer bytes = encode_journal_header();
  std::uint64_t sequence = 1;
  for (const JournalRecord& record : records) {
    const ByteBuffer encoded = encode_journal_record(sequence++, record);
    bytes.insert(bytes.end(), encoded.begin(), encoded.end());
  }
  return bytes;
}

std::vector<JournalRecord> with_series() {
  std::vector<JournalRecord> records = one_of_each();
  const auto& seen = std::get<SourceSeen>(records[1]);
  SeriesOpened opened{HistoryBegun{2, "reset"}, mariadb_state(), GenerationBegun{2, 2, "binlog", 1, mariadb_state()},
                      seen, SegmentOpened{SegmentNumber{3}, 2, "other.000002", 1000, SegmentSeal{4, 4, {}, {0, {9}}}}};
  records.push_back(opened);
  opened.history.reset();
  opened.generation = GenerationBegun{3, 2, "binlog", 2, mariadb_state()};
  opened.segment = SegmentOpened{SegmentNumber{4}, 3, "other.000002", 1000, SegmentSeal{4, 4, {}, {0, {9}}}};
  records.push_back(opened);
  return records;
}

TEST(JournalRecordTest, DecodesWhatItEncodes) {
  for (const JournalRecord& record : with_series()) {
    const auto decoded = decode_record_body(record_type(record), encode_record_body(record));
    ASSERT_OK(decoded);
    EXPECT_TRUE(*decoded == record) << record.index();
  }
}

TEST(JournalRecordTest, RefusesCutLongAndUnknownBodies) {
  for (const JournalRecord& record : with_series()) {
    ByteBuffer body = encode_record_body(record);
    for (std::size_t cut = 0; cut < body.size(); ++cut) {
      ASSERT_FALSE(decode_record_body(record_type(record), Bytes(body).first(cut)).ok());
    }
    body.push_back(std::byte{0});
    EXPECT_FALSE(decode_record_body(record_type(record), body).ok());
  }
  EXPECT_EQ(decode_record_body(0, {}).error().code, Errc::unsupported);
  EXPECT_EQ(decode_record_body(99, {}).error().code, Errc::unsupported);
}

TEST(JournalFormatTest, TellsATornTailFromRot) {
  const ByteBuffer journal = journal_of(one_of_each());
  const std::size_t last = journal.size() - encode_journal_record(1, one_of_each().back()).size();
  const auto accept = [](std::uint64_t, const JournalRecord&) -> Status { return Done{}; };
  for (std::size_t cut = last + 1; cut < journal.size(); ++cut) {
    const JournalScan scan = scan_journal(Bytes(journal).first(cut), accept);
    ASSERT_TRUE(scan.problem.has_value());
    EXPECT_FALSE(scan.records_follow);
    EXPECT_EQ(scan.end, last);
  }
  for (std::size_t at = kJournalHeaderSize; at < last; ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      ByteBuffer rotten = journal;
      rotten[at] ^= static_cast<std::byte>(1 << bit);
      const JournalScan scan = scan_journal(rotten, accept);
      ASSERT_TRUE(scan.problem.has_value()) << at;
      EXPECT_TRUE(scan.records_follow) << at;
      EXPECT_LE(scan.end, at);
    }
  }
}

TEST(JournalFormatTest, ANewerVersionIsUnsupportedAndAnythingElseIsNoJournal) {
  const ByteBuffer header = encode_journal_header();
  EXPECT_OK(check_journal_header(header));
  EXPECT_FALSE(check_journal_header(Bytes(header).first(15)).ok());
  for (std::size_t at = 0; at < header.size(); ++at) {
    ByteBuffer flipped = header;
    flipped[at] ^= std::byte{1};
    EXPECT_FALSE(check_journal_header(flipped).ok()) << at;
  }
  ByteWriter newer;
  newer.bytes(Bytes(header).first(8)).u32(kJournalVersion + 1);
  const std::uint32_t crc = crc32(newer.view());
  newer.u32(crc);
  EXPECT_EQ(check_journal_header(newer.view()).error().code, Errc::unsupported);
}

TEST(LogStateTest, AddsUpTheRecords) {
  LogState log;
  for (const JournalRecord& record : one_of_each()) ASSERT_OK(log.apply(record));
  ASSERT_EQ(log.segments().size(), 2u);
  const SegmentState& first = log.segments()[0];
  EXPECT_TRUE(first.sealed);
  EXPECT_EQ(first.size, 3001u);
  EXPECT_EQ(first.last_boundary, 2900u);
  EXPECT_EQ(first.added, mariadb_state());
  EXPECT_THAT(first.digests, ElementsAreArray({11, 22, 33, 44}));
  EXPECT_FALSE(log.segments()[1].sealed);
  EXPECT_TRUE(log.names_segment(1, "binlog.000002"));
  EXPECT_TRUE(log.clean_stop().has_value());
  ASSERT_OK(log.apply(SourceSeen{}));
  EXPECT_FALSE(log.clean_stop().has_value());
}

TEST(LogStateTest, RefusesRecordsThatContradict) {
  const std::vector<JournalRecord> records = one_of_each();
  EXPECT_FALSE(LogState().apply(records[1]).ok());  // before the log was created
  const auto refused_after = [&](std::size_t count, const JournalRecord& record) {
    LogState log;
    for (std::size_t i = 0; i < count; ++i) EXPECT_OK(log.apply(records[i]));
    return !log.apply(record).ok();
  };
  EXPECT_TRUE(refused_after(9, records[0]));
  EXPECT_TRUE(refused_after(9, HistoryBegun{5, ""}));
  EXPECT_TRUE(refused_after(9, GenerationBegun{5, 1, "", 0, MysqlGtidSet{}}));
  EXPECT_TRUE(refused_after(3, records[4]));  // no generation yet
  EXPECT_TRUE(refused_after(4, SegmentOpened{SegmentNumber{2}, 1, "binlog.000001", 1000, std::nullopt}));
  EXPECT_TRUE(refused_after(4, SegmentOpened{SegmentNumber{1}, 1, "../x", 1000, std::nullopt}));
  EXPECT_TRUE(refused_after(4, SegmentOpened{SegmentNumber{1}, 1, "x", 0, std::nullopt}));
  EXPECT_TRUE(refused_after(5, SegmentOpened{SegmentNumber{2}, 1, "binlog.000002", 1000, std::nullopt}));
  EXPECT_TRUE(refused_after(
      6, SegmentOpened{SegmentNumber{2}, 1, "binlog.000001", 1000, SegmentSeal{3000, 3000, {}, {2, {3}}}}));
  EXPECT_TRUE(refused_after(6, SegmentOpened{SegmentNumber{2}, 1, "x", 1000, SegmentSeal{3000, 3001, {}, {2, {3}}}}));
  EXPECT_TRUE(refused_after(6, SegmentOpened{SegmentNumber{2}, 1, "x", 1000, SegmentSeal{3000, 3000, {}, {2, {}}}}));
  EXPECT_TRUE(refused_after(6, SegmentOpened{SegmentNumber{2}, 1, "x", 1000, SegmentSeal{2000, 2000, {}, {2, {}}}}));
  EXPECT_TRUE(refused_after(6, DurableMark{SegmentNumber{1}, 2400, 0, {}, {2, {}}, 0}));
  EXPECT_TRUE(refused_after(6, DurableMark{SegmentNumber{1}, 3500, 4000, {}, {2, {3}}, 0}));
  EXPECT_TRUE(refused_after(6, DurableMark{SegmentNumber{1}, 3500, 3000, {}, {1, {3}}, 0}));
  EXPECT_TRUE(refused_after(6, DurableMark{SegmentNumber{2}, 3500, 3000, {}, {2, {3}}, 0}));
  EXPECT_TRUE(refused_after(6, CleanStop{SegmentNumber{1}, 2000}));
}

TEST(LogStateTest, ASeriesBeginsWithItsSourceAndItsFirstSegment) {
  LogState log;
  for (const JournalRecord& record : with_series()) ASSERT_OK(log.apply(record));
  EXPECT_EQ(log.histories().size(), 2u);
  EXPECT_EQ(log.generations().size(), 3u);
  EXPECT_EQ(log.abandoned_by(2), mariadb_state());
  EXPECT_TRUE(is_empty(log.abandoned_by(1)));
  EXPECT_EQ(log.served_name(log.segments()[2]), "binlog.000003");
  EXPECT_EQ(log.served_name(log.segments()[3]), "binlog.000004");
  EXPECT_EQ(log.series_of(log.segments()[3])->history, 2u);
}

TEST(LogStateTest, ServesOneSeriesOfNames) {
  LogState log;
  ASSERT_OK(log.apply(LogCreated{}));
  ASSERT_OK(log.apply(HistoryBegun{1, ""}));
  ASSERT_OK(log.apply(GenerationBegun{1, 1, "mysql-bin", 120, MysqlGtidSet{}}));
  ASSERT_OK(log.apply(SegmentOpened{SegmentNumber{1}, 1, "binlog.000003", 1000, std::nullopt}));
  EXPECT_EQ(log.served_name(log.segments()[0]), "mysql-bin.000123");
}

TEST(JournalTest, KeepsWhatItWasGivenOverOpens) {
  TemporaryDirectory directory;
  const std::filesystem::path path = directory.path() / "journal";
  const std::vector<JournalRecord> records = one_of_each();
  {
    auto journal = Journal::create(Disk(), path, std::get<LogCreated>(records[0]));
    ASSERT_OK(journal);
    ASSERT_OK(journal->append({records[1], records[2]}, Journal::Sync::durable));
    ASSERT_OK(journal->append({records[3]}, Journal::Sync::later));
  }
  auto journal = Journal::open(Disk(), path);
  ASSERT_OK(journal);
  EXPECT_EQ(journal->state().source(), std::get<SourceSeen>(records[1]).identity);
  EXPECT_EQ(journal->state().generations().size(), 1u);
  ASSERT_OK(journal->append({records[4]}, Journal::Sync::durable));
  EXPECT_EQ(Journal::open(Disk(), path)->state().segments().size(), 1u);
}

}  // namespace
}  // namespace binrelay
