#include "storage/archive.h"

#include <gmock/gmock.h>

#include <thread>

#include "storage/index/index_store.h"
#include "tests/storage/log_bench.h"

namespace binrelay {
namespace {

using ::testing::HasSubstr;

class ArchiveTest : public LogBench {
 protected:
  ArchiveTest() {
    options.index_block_bytes = 2000;
    options.digest_block_bytes = 1000;
  }

  // Three files of `flavour`, the last one open.
  void fill() {
    open();
    start_file("binlog.000001");
    source.at_time(1'700'000'100);
    append_transactions(30);
    source.at_time(1'700'000'200);
    append_transactions(30);
    rotate_to("binlog.000002");
    append_transactions(25);
    rotate_to("binlog.000003");
    append_transactions(5);
    ASSERT_OK(log->sync());
  }
  void wait_for_index() {
    // The first two files are indexed to their end, the third stays below a block.
    while (log->counters().indexed_segment < 2 ||
           log->counters().indexed_offset < log->catalog()->segments()[1]->size) {
      ASSERT_FALSE(log->index_failure().has_value());
      std::this_thread::yield();
    }
  }
  Archive archive() {
    auto opened = Archive::open(options.directory);
    EXPECT_OK(opened);
    return std::move(*opened);
  }
  std::vector<SegmentListing> list() {
    auto listed = archive().list(nullptr);
    EXPECT_OK(listed);
    return listed.ok() ? *listed : std::vector<SegmentListing>{};
  }
  static std::vector<std::string> as_text(const std::vector<SegmentListing>& listings) {
    std::vector<std::string> lines;
    for (const SegmentListing& row : listings) {
      lines.push_back(row.segment->served_name + " previous " + to_text(row.segment->previous) + " added " +
                      to_text(row.added) + " " + std::to_string(row.first_timestamp) + "-" +
                      std::to_string(row.last_timestamp) + " " + std::to_string(row.transactions) + " transactions " +
                      std::to_string(row.events) + " events " + std::to_string(row.size) + " bytes");
    }
    return lines;
  }
  std::vector<BlockRecord> index_records() {
    std::vector<BlockRecord> records;
    auto index = IndexStore::open_for_reading(options.directory / "index", log_uuid);
    EXPECT_OK(index);
    EXPECT_OK((*index)->for_each(SegmentNumber{}, [&](const BlockRecord& record) {
      records.push_back(record);
      return true;
    }));
    return records;
  }
  Uuid log_uuid;
};

TEST_F(ArchiveTest, ListsTheSameWithAndWithoutAnIndexWhileTheLogRuns) {
  for (const Flavour family : {Flavour::mysql, Flavour::mariadb}) {
    flavour = family;
    transactions = 0;
    options.directory = directory.path() / to_text(family);
    fill();
    wait_for_index();
    const auto indexed = list();
    ASSERT_EQ(indexed.size(), 3u);
    EXPECT_TRUE(indexed[0].from_index);
    EXPECT_TRUE(indexed[1].from_index);
    EXPECT_EQ(indexed[0].transactions, 60u);
    EXPECT_EQ(indexed[0].first_timestamp, 1'700'000'100u);
    EXPECT_EQ(indexed[0].last_timestamp, 1'700'000'200u);
    EXPECT_EQ(indexed[2].transactions, 5u);
    EXPECT_EQ(indexed[2].size, sent.size());
    EXPECT_EQ(to_text(indexed[1].added),
              family == Flavour::mysql ? to_text(GtidState(samples::mysql_set(61, 85))) : "0-1-85");
    close();
    std::filesystem::remove_all(options.directory / "index");
    const auto scanned = list();
    EXPECT_FALSE(scanned[0].from_index);
    EXPECT_EQ(as_text(indexed), as_text(scanned));
    open();
    EXPECT_TRUE(report.index_rebuilt);
    wait_for_index();
    EXPECT_EQ(as_text(list()), as_text(indexed));
    close();
  }
}

TEST_F(ArchiveTest, WhereATimeBeginsIsFoundByTheIndexAndLosesNoEvent) {
  fill();
  wait_for_index();
  for (const bool indexed : {true, false}) {
    const Archive opened = archive();
    const auto& segments = opened.catalog().segments();
    for (const std::int64_t time : {1, 1'700'000'100, 1'700'000'101, 1'700'000'200, 1'700'000'201}) {
      for (const auto& segment : segments) {
        std::optional<std::uint64_t> first;
        ASSERT_OK(opened.events(*segment, kFirstEventOffset, [&](const ArchivedEvent& event) {
          if (event.header.timestamp >= time) first = event.offset;
          return !first;
        }));
        const auto begin = opened.begin_not_before(*segment, time);
        SCOPED_TRACE(segment->served_name + " from " + std::to_string(time) + (indexed ? "" : " without an index"));
        EXPECT_TRUE(!first || (begin && *begin <= *first));
        if (!indexed || !segment->sealed) continue;
        EXPECT_EQ(begin.has_value(), first.has_value());
        EXPECT_LT(first.value_or(0) - begin.value_or(0), 2 * options.index_block_bytes);
      }
    }
    close();
    std::filesystem::remove_all(options.directory / "index");
  }
}

// What was sealed before files were summed up, or when the relay was killed, is searched block by block.
TEST_F(ArchiveTest, FilesAreSummedUpWhenTheyAreOver) {
  fill();
  wait_for_index();
  const auto sums = [&] {
    auto index = IndexStore::open_for_reading(options.directory / "index", log->relay_uuid());
    EXPECT_OK(index);
    return (*index)->file_spans().value();
  };
  const auto segments = log->catalog()->segments();
  for (int i = 0; i < 5000 && sums().size() < 2; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  const std::vector<FileSpan> written = sums();
  ASSERT_EQ(written.size(), 2u) << "the third is being written";
  EXPECT_EQ(written[0], (FileSpan{segments[0]->number, segments[0]->last_boundary, 1'700'000'200}));
  EXPECT_EQ(written[1].end, segments[1]->last_boundary);
  log_uuid = log->relay_uuid();
  close();
  ASSERT_OK(rebuild_index(options.directory, nullptr));
  auto rebuilt = IndexStore::open_for_reading(options.directory / "index", log_uuid);
  ASSERT_OK(rebuilt);
  EXPECT_EQ((*rebuilt)->file_spans().value(), written);
}

TEST_F(ArchiveTest, FilesOfBeforeASearchedTimeStayClosed) {
  fill();  // everything in the third file is as young as in the second
  wait_for_index();
  close();
  open();
  append_transaction();
  rotate_to("binlog.000004");
  source.at_time(1'700'000'900);
  append_transaction();
  ASSERT_OK(log->sync());
  const auto closed = [&](std::int64_t time) {
    auto opened = Archive::open(options.directory, time);
    EXPECT_OK(opened);
    EXPECT_EQ(opened->names().size(), 4u);
    while (opened->open_further().value()) continue;
    EXPECT_EQ(opened->left_out() + opened->catalog().segments().size(), 4u);
    return opened->left_out();
  };
  for (int i = 0; i < 5000 && closed(1'700'000'900) < 3; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  EXPECT_EQ(closed(1'700'000'900), 3u);
  EXPECT_EQ(closed(1'700'000'100), 0u);
  std::filesystem::remove(segment_path("binlog.000001"));
  EXPECT_OK(Archive::open(options.directory, 1'700'000'900));  // it is not looked at
  EXPECT_FALSE(Archive::open(options.directory).ok());
}

// The source died inside a group, and the file behind it is older: of another server.
TEST_F(ArchiveTest, ASearchByTimeComesUponAGroupThatWasNeverFinished) {
  open();
  start_file("binlog.000001");
  source.at_time(1'700'000'100);
  append_transactions(30);
  source.at_time(1'700'000'500);
  append_open_group();
  --transactions;
  start_file("binlog.000002");
  append_transactions(30);
  ASSERT_OK(log->sync());
  const auto first = log->catalog()->oldest();
  ASSERT_LT(first->last_boundary, first->size);
  while (log->counters().indexed_segment < 2) std::this_thread::yield();
  auto opened = Archive::open(options.directory, 1'700'000'500);
  ASSERT_OK(opened);
  EXPECT_EQ(opened->left_out(), 0u);
  EXPECT_EQ(opened->begin_not_before(*first, 1'700'000'500), first->last_boundary);
  std::size_t found = 0;
  ASSERT_OK(opened->events(*first, first->last_boundary, [&](const ArchivedEvent& event) {
    found += event.header.timestamp == 1'700'000'500;
    return true;
  }));
  EXPECT_EQ(found, 4u);
}

TEST(YoungestEnd, IsKnownOfWhatTheSameServerBeganLater) {
  Segment segment, following;
  segment.created_at = 100;
  following.created_at = 200;
  EXPECT_EQ(youngest_end(segment, following), 200u);
  following.created_at = 99;
  EXPECT_EQ(youngest_end(segment, following), UINT32_MAX) << "its clock was put back";
  following.created_at = 200;
  following.generation = 2;
  EXPECT_EQ(youngest_end(segment, following), UINT32_MAX) << "another server's clock";
}

TEST_F(ArchiveTest, AnIndexOfBeforeFilesWereSummedUpGetsTheirSums) {
  fill();
  wait_for_index();
  log_uuid = log->relay_uuid();
  close();
  const std::vector<BlockRecord> blocks = index_records();
  std::filesystem::remove_all(options.directory / "index");
  {
    auto index = IndexStore::open(options.directory / "index", log_uuid);
    for (const BlockRecord& block : blocks) ASSERT_OK((*index)->put(block));
  }
  open();
  const auto sums = [&] {
    auto index = IndexStore::open_for_reading(options.directory / "index", log_uuid);
    return index.ok() ? (*index)->file_spans().value().size() : 0;
  };
  for (int i = 0; i < 5000 && sums() < 2; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  EXPECT_EQ(sums(), 2u);
}

TEST_F(ArchiveTest, ARebuiltIndexEqualsTheOneTheLogWrote) {
  fill();
  wait_for_index();
  log_uuid = log->relay_uuid();
  rotate_to("binlog.000004");
  ASSERT_OK(log->sync());
  const std::uint64_t end = log->catalog()->segments()[2]->size;
  while (log->counters().indexed_segment < 3 || log->counters().indexed_offset < end) std::this_thread::yield();
  close();
  const std::vector<BlockRecord> written = index_records();
  EXPECT_GT(written.size(), 8u);
  EXPECT_THAT(written[0].tables, ::testing::SizeIs(3));

  open();
  std::filesystem::remove_all(options.directory / "index");
  EXPECT_EQ(rebuild_index(options.directory, nullptr).error().code, Errc::conflict);
  close();
  std::filesystem::remove_all(options.directory / "index");
  open();
  while (log->counters().indexed_segment < 3 || log->counters().indexed_offset < end) std::this_thread::yield();
  close();
  EXPECT_EQ(index_records(), written);

  std::uint64_t told = 0;
  ASSERT_OK(rebuild_index(options.directory, [&](std::uint64_t done, std::uint64_t all) {
    EXPECT_LE(done, all);
    told = done;
  }));
  EXPECT_GT(told, 0u);
  const VerifyReport report = Archive::verify(options.directory, nullptr);
  EXPECT_THAT(report.findings, ::testing::IsEmpty());
  EXPECT_TRUE(report.index_checked);
}

TEST_F(ArchiveTest, AnIndexThatCannotBeTheLogsIsBuiltAgain) {
  fill();
  wait_for_index();
  const auto before = as_text(list());
  close();
  write_file(options.directory / "index" / "CURRENT", as_bytes("MANIFEST-999999\n"));
  EXPECT_EQ(as_text(list()), before);  // an archive scans
  open();
  EXPECT_TRUE(report.index_rebuilt);
  EXPECT_THAT(report.notes, ::testing::ElementsAre(HasSubstr("built again")));
  wait_for_index();
  close();
  EXPECT_THAT(Archive::verify(options.directory, nullptr).findings, ::testing::IsEmpty());

  // Of another log.
  std::filesystem::remove_all(options.directory / "index");
  ASSERT_OK(IndexStore::open(options.directory / "index", samples::sample_uuid(9)));
  open();
  EXPECT_TRUE(report.index_rebuilt);
}

TEST_F(ArchiveTest, AnIndexAheadOfTheLogIsBuiltAgain) {
  fill();
  wait_for_index();
  log_uuid = log->relay_uuid();
  close();
  {
    auto index = IndexStore::open(options.directory / "index", log_uuid);
    ASSERT_OK(index);
    BlockRecord ahead;
    ahead.segment = SegmentNumber{3};
    ahead.begin = 4;
    ahead.end = 1'000'000;
    ASSERT_OK((*index)->put(ahead));
  }
  open();
  EXPECT_TRUE(report.index_rebuilt);
  EXPECT_THAT(report.notes, ::testing::ElementsAre(HasSubstr("ahead of the log")));
}

TEST_F(ArchiveTest, ShowsEventsFromAnyPlace) {
  fill();
  wait_for_index();
  Archive reading = archive();
  const Segment& first = *reading.catalog().oldest();
  std::vector<std::uint64_t> offsets;
  std::vector<BoundaryPlace> places;
  ByteBuffer bytes;
  ASSERT_OK(reading.events(first, 0, [&](const ArchivedEvent& event) {
    offsets.push_back(event.offset);
    places.push_back(event.place);
    bytes.insert(bytes.end(), event.bytes.begin(), event.bytes.end());
    return true;
  }));
  const ByteBuffer stored = read_file(first.path);
  EXPECT_EQ(bytes, ByteBuffer(stored.begin() + 4, stored.end()));

  for (std::size_t i = 0; i < offsets.size(); i += 37) {
    std::size_t seen = i;
    ASSERT_OK(reading.events(first, offsets[i], [&](const ArchivedEvent& event) {
      EXPECT_EQ(event.offset, offsets[seen]);
      EXPECT_EQ(event.place, places[seen]);
      return ++seen < i + 5 && seen < offsets.size();
    }));
  }
  EXPECT_EQ(reading.events(first, offsets[3] + 1, [](const auto&) { return true; }).error().code, Errc::not_found);
  EXPECT_EQ(reading.events(first, 1u << 30, [](const auto&) { return true; }).error().code, Errc::not_found);
}

TEST_F(ArchiveTest, ShowsTheOpenGroupToo) {
  open();
  start_file("binlog.000001");
  append_transaction();
  append_open_group();
  ASSERT_OK(log->sync());
  Archive reading = archive();
  int events = 0;
  ASSERT_OK(reading.events(*reading.catalog().oldest(), 4, [&](const ArchivedEvent&) { return ++events > 0; }));
  EXPECT_EQ(events, 2 + 5 + 4);
  const auto listings = list();
  EXPECT_EQ(listings[0].transactions, 1u);
  EXPECT_EQ(listings[0].size, sent.size());
}

// What an archive says of a file: the number of its events, or the problem.
Result<int> count_events(const std::filesystem::path& stream, const std::string& file) {
  BINRELAY_ASSIGN(const Archive reading, Archive::open(stream));
  const std::shared_ptr<const Segment> segment = reading.catalog().find(file);
  if (!segment) return Error{Errc::not_found, file};
  int events = 0;
  BINRELAY_TRY(reading.events(*segment, 0, [&](const ArchivedEvent&) { return ++events > 0; }));
  BINRELAY_ASSIGN([[maybe_unused]] const auto listing, reading.listing_of(segment));
  return events;
}

TEST_F(ArchiveTest, DamageInTheActiveFileIsNoShortAnswer) {
  use_dying_disk();
  fill();
  const ByteBuffer stored = sent;
  const auto expect_refusals = [&] {
    for (std::size_t at = 0; at < stored.size(); at += 13) {
      ByteBuffer damaged = stored;
      damaged[at] ^= std::byte{4};
      write_file(segment_path("binlog.000003"), damaged);
      const auto counted = count_events(options.directory, "binlog.000003");
      ASSERT_FALSE(counted.ok()) << "byte " << at;
      ASSERT_THAT(counted.error().context, HasSubstr("binlog.000003, offset ")) << "byte " << at;
    }
  };
  close();
  std::filesystem::remove_all(options.directory / "index");  // it would spare the listing the damaged bytes
  expect_refusals();
  const Status rebuilt = rebuild_index(options.directory, nullptr);
  ASSERT_FALSE(rebuilt.ok());
  EXPECT_THAT(rebuilt.error().context, HasSubstr("binlog.000003, offset "));
  for (std::size_t size = 4; size < stored.size(); size += 29) {
    write_file(segment_path("binlog.000003"), Bytes(stored).first(size));
    ASSERT_FALSE(count_events(options.directory, "binlog.000003").ok()) << "cut to " << size;
  }
  write_file(segment_path("binlog.000003"), stored);
  EXPECT_OK(rebuild_index(options.directory, nullptr));

  const ByteBuffer sealed = read_file(segment_path("binlog.000002"));
  write_file(segment_path("binlog.000002"), Bytes(sealed).first(sealed.size() - source.rotate("binlog.000003").size()));
  EXPECT_FALSE(count_events(options.directory, "binlog.000002").ok());
}

// Only what a crash may have left half written: the last event, above what was known to be on stable storage.
TEST_F(ArchiveTest, OnlyTheLastEventAfterACrashMayBeLeftOut) {
  use_dying_disk();
  fill();
  const ByteBuffer stored = sent;
  crash();
  std::filesystem::remove_all(options.directory / "index");
  const auto whole = count_events(options.directory, "binlog.000003");
  ASSERT_OK(whole);
  ByteBuffer damaged = stored;
  damaged[stored.size() / 2] ^= std::byte{4};
  write_file(segment_path("binlog.000003"), damaged);
  EXPECT_FALSE(count_events(options.directory, "binlog.000003").ok());
  EXPECT_FALSE(rebuild_index(options.directory, nullptr).ok());

  write_file(segment_path("binlog.000003"), Bytes(stored).first(stored.size() - 1));
  const auto without_last = count_events(options.directory, "binlog.000003");
  ASSERT_OK(without_last);
  EXPECT_EQ(*without_last, *whole - 1);
  EXPECT_OK(rebuild_index(options.directory, nullptr));
}

TEST_F(ArchiveTest, TellsTheSource) {
  open();
  EXPECT_FALSE(archive().source().has_value());
  SourceIdentity identity;
  identity.version = "9.7.4";
  ASSERT_OK(log->record_source(identity));
  EXPECT_EQ(archive().source(), identity);
  EXPECT_TRUE(archive().catalog().segments().empty());
}

TEST_F(ArchiveTest, IsNoArchiveOfAnythingElse) {
  EXPECT_FALSE(Archive::open(directory.path() / "nothing").ok());
  EXPECT_FALSE(Archive::open(directory.path()).ok());
}

}  // namespace
}  // namespace binrelay
