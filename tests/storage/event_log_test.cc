#include "storage/event_log.h"

#include <gmock/gmock.h>

#include <thread>

#include "protocol/event/events.h"
#include "storage/archive.h"
#include "tests/storage/log_bench.h"

namespace binrelay {
namespace {

using ::testing::HasSubstr;

class EventLogTest : public LogBench {
 protected:
  EventLogTest() { use_dying_disk(); }
  ~EventLogTest() override { close(); }

  // The first file, which is over, once the index has got to its end.
  std::shared_ptr<const Segment> first_file_indexed() {
    const auto first = log->catalog()->oldest();
    for (int i = 0; i < 5000 && log->counters().indexed_offset < first->size; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_EQ(log->counters().indexed_offset, first->size);
    return first;
  }
};

TEST_F(EventLogTest, StoresTheSourcesFileByteForByte) {
  open();
  start_file("binlog.000001");
  append_transactions(100);
  append(source.stop());
  ASSERT_OK(log->sync());
  EXPECT_EQ(read_file(segment_path("binlog.000001")), sent);
  EXPECT_EQ(log->appended_end(), sent.size());
}

TEST_F(EventLogTest, NothingIsVisibleBeforeItIsFlushedAndDurable) {
  open();
  start_file("binlog.000001");
  append_transaction();
  EXPECT_EQ(log->ends().visible, LogPosition{});
  EXPECT_EQ(to_text(log->executed()), "");
  ASSERT_OK(log->sync());
  EXPECT_EQ(log->ends().visible, (LogPosition{SegmentNumber{1}, sent.size()}));
  EXPECT_EQ(log->ends().durable, log->ends().written);
  EXPECT_EQ(log->executed(), GtidState(samples::mysql_set(1, 1)));
}

TEST_F(EventLogTest, AnOpenGroupIsDurableButNotVisible) {
  open();
  start_file("binlog.000001");
  append_transaction();
  const std::uint64_t boundary = sent.size();
  append_open_group();
  ASSERT_OK(log->sync());
  EXPECT_TRUE(log->in_group());
  EXPECT_EQ(log->ends().durable.offset, sent.size());
  EXPECT_EQ(log->ends().visible.offset, boundary);
  EXPECT_EQ(log->executed(), GtidState(samples::mysql_set(1, 1)));
  append(source.xid(1));
  ASSERT_OK(log->sync());
  EXPECT_EQ(log->ends().visible.offset, sent.size());
  EXPECT_EQ(log->executed(), GtidState(samples::mysql_set(1, 2)));
}

TEST_F(EventLogTest, ServeAfterWriteShowsWhatIsWritten) {
  options.serve_after = ServeAfter::write;
  open();
  start_file("binlog.000001");
  append_transaction();
  ASSERT_OK(log->flush());
  EXPECT_EQ(log->ends().visible, log->ends().written);
  EXPECT_EQ(log->executed(), GtidState(samples::mysql_set(1, 1)));
}

TEST_F(EventLogTest, TellsTheListenerAfterVisibleMoved) {
  open();
  std::atomic<std::uint64_t> seen{0};
  log->on_visible([&] { seen = log->ends().visible.offset; });
  start_file("binlog.000001");
  append_transaction();
  ASSERT_OK(log->flush());
  while (seen != sent.size()) std::this_thread::yield();
}

TEST_F(EventLogTest, RollsOverSegments) {
  open();
  start_file("binlog.000001");
  append_transactions(3);
  rotate_to("binlog.000002");
  append_transactions(2);
  ASSERT_OK(log->sync());

  const auto catalog = log->catalog();
  ASSERT_EQ(catalog->segments().size(), 2u);
  const Segment& first = *catalog->oldest();
  EXPECT_TRUE(first.sealed);
  EXPECT_EQ(first.size, std::filesystem::file_size(first.path));
  EXPECT_EQ(first.last_boundary, first.size);
  EXPECT_EQ(first.previous, GtidState(MysqlGtidSet{}));
  const Segment& second = *catalog->newest();
  EXPECT_FALSE(second.sealed);
  EXPECT_EQ(second.served_name, "binlog.000002");
  EXPECT_EQ(second.previous, GtidState(samples::mysql_set(1, 3)));
  EXPECT_EQ(second.checksum, ChecksumAlgorithm::crc32);
  EXPECT_EQ(second.created_at, 1'700'000'000u);
  EXPECT_EQ(catalog->find("binlog.000001")->number, SegmentNumber{1});
  EXPECT_EQ(catalog->find("binlog.000009"), nullptr);
  EXPECT_EQ(catalog->after(SegmentNumber{1})->number, SegmentNumber{2});
  EXPECT_EQ(log->executed(), GtidState(samples::mysql_set(1, 5)));
}

TEST_F(EventLogTest, ASegmentIsSeenWhenItsHeadIsWhole) {
  open();
  start_file("binlog.000001");
  append_transaction();
  append(source.rotate("binlog.000002"));
  ASSERT_OK(log->open_segment("binlog.000002"));
  source = samples::SampleBinlog();
  ASSERT_OK(log->append(source.format_description()));
  ASSERT_OK(log->sync());
  EXPECT_EQ(log->catalog()->newest()->number, SegmentNumber{1});
  EXPECT_EQ(log->ends().visible.segment, SegmentNumber{1});
  EXPECT_EQ(log->resume_point()->segment->source_name, "binlog.000002");
  ASSERT_OK(log->append(source.previous_gtids(samples::mysql_set(1, 1))));
  ASSERT_OK(log->sync());
  EXPECT_EQ(log->catalog()->newest()->number, SegmentNumber{2});
  EXPECT_EQ(log->catalog()->newest()->head_end, source.offset());
  EXPECT_EQ(log->ends().visible, (LogPosition{SegmentNumber{2}, source.offset()}));
}

TEST_F(EventLogTest, AnUnfinishedGroupAtAFilesEndKeepsItsBytes) {
  open();
  start_file("binlog.000001");
  append_transaction();
  const std::uint64_t boundary = sent.size();
  append_open_group();
  const ByteBuffer first_file = sent;
  --transactions;  // the source lost it
  start_file("binlog.000002");
  append_transaction();
  ASSERT_OK(log->sync());
  EXPECT_EQ(read_file(segment_path("binlog.000001")), first_file);
  EXPECT_EQ(log->catalog()->oldest()->last_boundary, boundary);
  EXPECT_EQ(log->catalog()->oldest()->size, first_file.size());
  EXPECT_EQ(log->executed(), GtidState(samples::mysql_set(1, 2)));
  reopen();
  EXPECT_EQ(log->catalog()->oldest()->last_boundary, boundary);
  EXPECT_EQ(log->executed(), GtidState(samples::mysql_set(1, 2)));
}

TEST_F(EventLogTest, RefusesANameTwiceAndNamesThatLeaveTheDirectory) {
  open();
  start_file("binlog.000001");
  EXPECT_EQ(log->open_segment("binlog.000001").error().code, Errc::conflict);
  for (const char* name : {"", ".", "..", "../x", "a/b", "a\nb", "binlog.000001.broken-1"}) {
    EXPECT_EQ(log->open_segment(name).error().code, Errc::refused) << name;
  }
  EXPECT_EQ(log->open_segment(std::string(300, 'a')).error().code, Errc::refused);
}

TEST_F(EventLogTest, RefusesEventsThatCannotFollowAndGoesOn) {
  open();
  EXPECT_EQ(log->append(samples::SampleBinlog().xid(1)).error().code, Errc::refused);
  start_file("binlog.000001");
  const std::uint64_t end = log->appended_end();
  EXPECT_EQ(log->append(samples::SampleBinlog().xid(1)).error().code, Errc::malformed);
  EXPECT_EQ(log->append(samples::SampleBinlog().format_description()).error().code, Errc::malformed);
  ByteBuffer longer = source.stop();
  longer.push_back(std::byte{0});
  EXPECT_EQ(log->append(longer).error().code, Errc::malformed);
  EXPECT_EQ(log->append(Bytes(longer).first(10)).error().code, Errc::short_input);
  EXPECT_EQ(log->appended_end(), end);
  source = samples::SampleBinlog(flavour, checksum, end);
  append_transaction();
  ASSERT_OK(log->sync());
}

TEST_F(EventLogTest, TheFirstEventIsAFormatDescriptionNotInUse) {
  open();
  ASSERT_OK(log->open_segment("binlog.000001"));
  EXPECT_EQ(log->append(source.stop()).error().code, Errc::malformed);
  ByteBuffer in_use = samples::SampleBinlog().format_description();
  in_use[kFlagsOffset] = std::byte{1};
  EXPECT_THAT(log->append(in_use).error().context, HasSubstr("IN_USE"));
}

TEST_F(EventLogTest, AGapBetweenFilesIsAConflictThatNamesBoth) {
  open();
  start_file("binlog.000001");
  append_transactions(3);
  ASSERT_OK(log->open_segment("binlog.000003"));
  source = samples::SampleBinlog();
  ASSERT_OK(log->append(source.format_description()));
  const ByteBuffer gap = source.previous_gtids(samples::mysql_set(1, 5));
  for (int attempt = 0; attempt < 2; ++attempt) {
    const Status refused = log->append(gap);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, Errc::conflict);
    EXPECT_THAT(refused.error().context, HasSubstr("binlog.000003 does not continue binlog.000001"));
    EXPECT_THAT(refused.error().context, HasSubstr(":4-5"));
  }
}

TEST_F(EventLogTest, MariadbContinuityIsJudgedByBinlogState) {
  flavour = Flavour::mariadb;
  open();
  start_file("mariadb-bin.000001");
  append_transactions(3);
  rotate_to("mariadb-bin.000002");
  append_transactions(2);
  ASSERT_OK(log->sync());
  EXPECT_EQ(to_text(log->executed()), "0-1-5");
  EXPECT_EQ(to_text(log->before_log()), "");
  ASSERT_OK(log->open_segment("mariadb-bin.000003"));
  source = samples::SampleBinlog(flavour);
  ASSERT_OK(log->append(source.format_description()));
  EXPECT_EQ(log->append(source.gtid_list({{0, 1, 6}})).error().code, Errc::conflict);
}

TEST_F(EventLogTest, MariadbMayDropAWholeDomain) {
  flavour = Flavour::mariadb;
  open();
  start_file("mariadb-bin.000001");
  append_transaction();
  append(source.gtid(MariadbGtid{5, 2, 7}));
  append(source.xid(1));
  ASSERT_OK(log->open_segment("mariadb-bin.000002"));
  source = samples::SampleBinlog(flavour);
  ASSERT_OK(log->append(source.format_description()));
  ASSERT_OK(log->append(source.gtid_list({{5, 2, 7}})));
}

TEST_F(EventLogTest, ALogThatBeginsInTheMiddleKnowsWhatCameBefore) {
  transactions = 41;
  open();
  start_file("binlog.000007");
  append_transaction();
  ASSERT_OK(log->sync());
  EXPECT_EQ(log->before_log(), GtidState(samples::mysql_set(1, 41)));
  EXPECT_EQ(log->executed(), GtidState(samples::mysql_set(1, 42)));
  reopen();
  EXPECT_EQ(log->before_log(), GtidState(samples::mysql_set(1, 41)));
  EXPECT_EQ(log->executed(), GtidState(samples::mysql_set(1, 42)));
}

TEST_F(EventLogTest, AFileWithoutAListCarriesOver) {
  open();
  start_file("binlog.000001");
  append_transaction();
  append(source.rotate("binlog.000002"));
  ASSERT_OK(log->open_segment("binlog.000002"));
  source = samples::SampleBinlog();
  ASSERT_OK(log->append(source.format_description()));
  ASSERT_OK(log->append(source.query("CREATE TABLE t (a INT)")));
  ASSERT_OK(log->sync());
  EXPECT_EQ(log->catalog()->newest()->previous, GtidState(samples::mysql_set(1, 1)));
  EXPECT_EQ(log->executed(), GtidState(samples::mysql_set(1, 1)));
  reopen();
  EXPECT_EQ(log->catalog()->newest()->previous, GtidState(samples::mysql_set(1, 1)));
}

TEST_F(EventLogTest, ResumesAtTheStartOfTheLastGroup) {
  open();
  EXPECT_FALSE(log->resume_point().has_value());
  start_file("binlog.000001");
  EXPECT_EQ(log->resume_point()->group_begin, kFirstEventOffset);
  append_transaction();
  const std::uint64_t begin = sent.size();
  append_transaction();
  EXPECT_EQ(log->resume_point()->group_begin, begin);
  EXPECT_EQ(log->resume_point()->end, sent.size());
  const ByteBuffer group(sent.begin() + static_cast<std::ptrdiff_t>(begin), sent.end());
  EXPECT_TRUE(*log->stored_bytes_equal(begin, group));
  ASSERT_OK(log->flush());
  EXPECT_TRUE(*log->stored_bytes_equal(begin, group));
  ByteBuffer other = group;
  other.back() ^= std::byte{1};
  EXPECT_FALSE(*log->stored_bytes_equal(begin, other));

  const std::uint64_t open_begin = sent.size();
  append_open_group();
  EXPECT_EQ(log->resume_point()->group_begin, open_begin);
  reopen();
  EXPECT_EQ(log->resume_point()->group_begin, open_begin);
  EXPECT_EQ(log->resume_point()->end, sent.size());
  EXPECT_TRUE(log->in_group());
  append(source.xid(1));
  ASSERT_OK(log->sync());
  EXPECT_EQ(log->executed(), GtidState(samples::mysql_set(1, 3)));
}

TEST_F(EventLogTest, KeepsItsIdentityAndTheSources) {
  open();
  const Uuid uuid = log->relay_uuid();
  const ServerId server_id = log->relay_server_id();
  EXPECT_GE(static_cast<std::uint32_t>(server_id), 1u << 30);
  EXPECT_FALSE(log->source().has_value());
  SourceIdentity identity;
  identity.version = "9.7.4";
  identity.server_uuid = samples::sample_uuid();
  identity.variables["binlog_format"] = "ROW";
  ASSERT_OK(log->record_source(identity));
  crash();
  open();
  EXPECT_EQ(log->relay_uuid(), uuid);
  EXPECT_EQ(log->relay_server_id(), server_id);
  EXPECT_EQ(log->source(), identity);
}

TEST_F(EventLogTest, TheDirectoryIsLocked) {
  open();
  EXPECT_EQ(open_error().code, Errc::conflict);
  EXPECT_THAT(open_error().context, HasSubstr("in use"));
  close();
  open();
}

TEST_F(EventLogTest, RefusesADirectoryThatIsNotItsOwn) {
  std::filesystem::create_directories(options.directory);
  write_file(options.directory / "precious.txt", as_bytes("data"));
  EXPECT_EQ(open_error().code, Errc::refused);
  EXPECT_FALSE(std::filesystem::exists(options.directory / "journal"));
}

TEST_F(EventLogTest, RefusesANewerFormat) {
  open();
  close();
  write_file(options.directory / "FORMAT", as_bytes("binrelay log 2\n"));
  EXPECT_EQ(open_error().code, Errc::unsupported);
}

TEST_F(EventLogTest, AFailedWriteStopsAppendsAndReadingGoesOn) {
  open();
  start_file("binlog.000001");
  append_transactions(2);
  ASSERT_OK(log->sync());
  const LogEnds ends = log->ends();
  disk->dies_after(0);
  ASSERT_OK(log->append(source.stop()));
  EXPECT_EQ(log->flush().error().context, "the disk died");
  EXPECT_EQ(log->append(source.stop()).error().context, "the disk died");
  EXPECT_EQ(log->open_segment("binlog.000002").error().context, "the disk died");
  EXPECT_EQ(log->ends().visible, ends.visible);
  EXPECT_EQ(read_visible({SegmentNumber{1}, 4})[0].second, sent_from_first_event());
}

TEST_F(EventLogTest, AFailedSyncShowsNothingAndStopsAppends) {
  open();
  start_file("binlog.000001");
  ASSERT_OK(log->sync());
  const LogEnds ends = log->ends();
  append_transaction();
  disk->dies_after(1);  // the write still works
  EXPECT_EQ(log->sync().error().context, "the disk died");
  EXPECT_EQ(log->ends().visible, ends.visible);
  EXPECT_EQ(log->append(source.stop()).error().context, "the disk died");
}

TEST_F(EventLogTest, CountsWhatItTakes) {
  open();
  start_file("binlog.000001");
  source.at_time(1'700'000'123);
  append_transactions(4);
  ASSERT_OK(log->sync());
  const EventLog::Counters counters = log->counters();
  EXPECT_EQ(counters.transactions, 4u);
  EXPECT_EQ(counters.events, 2u + 4 * 5);
  EXPECT_EQ(counters.bytes, sent.size() - 4);
  EXPECT_EQ(counters.last_event_timestamp, 1'700'000'123u);
  EXPECT_GE(counters.syncs, 1u);
}

TEST_F(EventLogTest, EventsLargerThanTheBufferPassThrough) {
  options.write_buffer_bytes = 4096;
  open();
  start_file("binlog.000001");
  append_transaction(100'000);
  append_transaction();
  append_transaction(4096);
  ASSERT_OK(log->sync());
  EXPECT_EQ(read_file(segment_path("binlog.000001")), sent);
}

TEST_F(EventLogTest, ToldWhereTheBlocksEndThatAFileBeginsWith) {
  options.index_block_bytes = 1000;
  open();
  start_file("binlog.000001");
  append_transactions(40);
  rotate_to("binlog.000002");
  append_transaction();
  ASSERT_OK(log->sync());
  const auto first = first_file_indexed();

  std::vector<GtidState> blocks;
  std::uint64_t groups = 0;
  const auto all = [&](const GtidState& added, std::uint64_t count) {
    blocks.push_back(added);
    groups += count;
    return true;
  };
  const std::uint64_t last_begin = log->end_of_blocks(*first, all);
  EXPECT_EQ(groups, 40u);
  ASSERT_GT(blocks.size(), 4u);
  EXPECT_LT(last_begin, first->last_boundary) << "the last block holds the ROTATE";
  std::size_t passing = 2;
  const std::uint64_t second_end = log->end_of_blocks(*first, [&](const auto&, auto) { return passing-- > 0; });
  EXPECT_GE(second_end, 2000u);
  EXPECT_LT(second_end, last_begin);
  // A reader goes on there with the first group of the third.
  const ByteBuffer behind = read_visible({first->number, second_end}).front().second;
  const auto header = decode_event_header(behind);
  ASSERT_OK(header);
  const auto head = decode_mysql_gtid(Bytes(behind).first(header->size), ChecksumAlgorithm::crc32);
  ASSERT_OK(head);
  EXPECT_FALSE(contains(blocks[1], head->gtid));
  EXPECT_TRUE(contains(blocks[2], head->gtid));
  EXPECT_EQ(log->end_of_blocks(*first, [](const auto&, auto) { return false; }), kFirstEventOffset);
  EXPECT_EQ(log->end_of_blocks(*log->catalog()->newest(), all), kFirstEventOffset);
}

// A disk that does not let go of the index.
class StubbornIndex : public DiskFaults {
 public:
  std::optional<Error> before(DiskStep step, const std::filesystem::path& path, std::size_t&) override {
    if (step != DiskStep::remove || path.filename() != "index" || yields) return std::nullopt;
    return Error{Errc::io, "cannot remove " + path.string()};
  }
  std::atomic<bool> yields{false};
};

TEST_F(EventLogTest, AnIndexThatFailedIsStartedAgain) {
  StubbornIndex stubborn;
  open();
  start_file("binlog.000001");
  append_transactions(30);
  close();
  write_file(options.directory / "index" / "CURRENT", as_bytes("nonsense"));
  options.faults = &stubborn;
  open();
  ASSERT_TRUE(log->index_failure().has_value());
  log->restart_index(&report);
  EXPECT_TRUE(log->index_failure().has_value());
  append_transactions(30);
  ASSERT_OK(log->sync());
  stubborn.yields = true;
  log->restart_index(&report);
  EXPECT_EQ(log->index_failure(), std::nullopt);
  rotate_to("binlog.000002");
  append_transaction();
  ASSERT_OK(log->sync());
  first_file_indexed();
  close();
  EXPECT_THAT(Archive::verify(options.directory, nullptr).findings, ::testing::IsEmpty());
}

}  // namespace
}  // namespace binrelay
