#include "storage/recovery.h"

#include <gmock/gmock.h>

#include "protocol/wire/crc32.h"
#include "storage/archive.h"
#include "storage/journal/journal.h"
#include "storage/segment/torn_tail.h"
#include "tests/storage/log_bench.h"

namespace binrelay {
namespace {

using ::testing::HasSubstr;

class RecoveryTest : public LogBench {
 protected:
  RecoveryTest() { use_dying_disk(); }
  ~RecoveryTest() override { log.reset(); }

  // Everything is flushed, then the process dies.
  void flush_and_crash() {
    ASSERT_OK(log->sync());
    crash();
  }
  void cut_file(const std::string& name, std::uint64_t size) { std::filesystem::resize_file(segment_path(name), size); }
  void flip(const std::filesystem::path& path, std::uint64_t offset, int bit = 0) {
    ByteBuffer bytes = read_file(path);
    bytes.at(offset) ^= static_cast<std::byte>(1 << bit);
    write_file(path, bytes);
  }
  void remove_journal_copy() { std::filesystem::remove(options.directory / "journal.copy"); }
  std::vector<std::string> names_in(const std::filesystem::path& path) { return *Disk().names_in(path); }
};

TEST_F(RecoveryTest, ACleanStopLeavesNoNotes) {
  open();
  start_file("binlog.000001");
  append_transactions(3);
  reopen();
  EXPECT_THAT(report.notes, ::testing::IsEmpty());
  EXPECT_EQ(report.bytes_cut, 0u);
  EXPECT_EQ(log->ends().visible, (LogPosition{SegmentNumber{1}, sent.size()}));
}

TEST_F(RecoveryTest, ACrashBetweenEventsLosesNothing) {
  open();
  start_file("binlog.000001");
  append_transactions(3);
  flush_and_crash();
  open();
  EXPECT_THAT(report.notes, ::testing::IsEmpty());
  EXPECT_EQ(log->executed(), GtidState(samples::mysql_set(1, 3)));
  append_transaction();
  ASSERT_OK(log->sync());
  EXPECT_EQ(read_file(segment_path("binlog.000001")), sent);
}

// Every length the last two events can be torn at.
TEST_F(RecoveryTest, CutsEveryTornTailAndGoesOn) {
  options.index_block_bytes = 0;  // a hundred opens; the index is another test's matter
  for (const Flavour family : {Flavour::mysql, Flavour::mariadb}) {
    flavour = family;
    options.directory = directory.path() / to_text(family);
    transactions = 0;
    open();
    start_file("binlog.000001");
    append_transaction();
    const std::uint64_t boundary = sent.size();
    append_open_group(30);
    const std::uint64_t rows = sent.size() - (19 + 12 + 30 + 4);
    const std::uint64_t xid = sent.size();
    append(source.xid(2));
    flush_and_crash();
    const std::filesystem::path pristine = directory.path() / "pristine";
    std::filesystem::remove_all(pristine);
    std::filesystem::copy(options.directory, pristine, std::filesystem::copy_options::recursive);

    for (std::uint64_t torn = rows; torn < sent.size(); ++torn) {
      std::filesystem::remove_all(options.directory);
      std::filesystem::copy(pristine, options.directory, std::filesystem::copy_options::recursive);
      cut_file("binlog.000001", torn);
      open();
      const std::uint64_t whole = torn >= xid ? xid : rows;
      ASSERT_EQ(log->appended_end(), whole) << torn;
      ASSERT_EQ(log->ends().visible.offset, boundary) << torn;
      ASSERT_EQ(log->ends().durable.offset, whole) << torn;
      ASSERT_TRUE(log->in_group());
      ASSERT_EQ(report.bytes_cut, torn - whole);
      if (torn != whole) {
        ASSERT_THAT(report.notes, ::testing::Contains(HasSubstr("binlog.000001.broken-1")));
        const ByteBuffer aside = read_file(segment_path("binlog.000001.broken-1"));
        ASSERT_EQ(aside, ByteBuffer(sent.begin() + static_cast<std::ptrdiff_t>(whole),
                                    sent.begin() + static_cast<std::ptrdiff_t>(torn)));
      }
      // The source sends it again from there.
      ASSERT_OK(log->append(Bytes(sent).subspan(whole, (whole == rows ? xid : sent.size()) - whole)));
      if (whole == rows) ASSERT_OK(log->append(Bytes(sent).subspan(xid)));
      ASSERT_OK(log->sync());
      ASSERT_EQ(read_file(segment_path("binlog.000001")), sent);
      ASSERT_EQ(log->ends().visible.offset, sent.size());
      close();
    }
  }
}

TEST_F(RecoveryTest, ATornHeadIsCutToTheMagic) {
  open();
  start_file("binlog.000001");
  flush_and_crash();
  cut_file("binlog.000001", 60);
  open();
  EXPECT_EQ(log->appended_end(), kFirstEventOffset);
  EXPECT_TRUE(log->catalog()->segments().empty());
  EXPECT_EQ(log->resume_point()->group_begin, kFirstEventOffset);
  ASSERT_OK(log->append(samples::SampleBinlog().format_description()));
}

TEST_F(RecoveryTest, RotBeforeWholeEventsIsRefusedAndNothingIsChanged) {
  open();
  start_file("binlog.000001");
  append_transactions(5);
  flush_and_crash();
  const std::uint64_t middle = sent.size() / 2;
  flip(segment_path("binlog.000001"), middle);
  const ByteBuffer damaged = read_file(segment_path("binlog.000001"));
  const ByteBuffer journal = read_file(journal_path());
  const Error error = open_error();
  EXPECT_EQ(error.code, Errc::checksum);
  EXPECT_THAT(error.context, HasSubstr("binlog.000001, offset "));
  EXPECT_EQ(read_file(segment_path("binlog.000001")), damaged);
  EXPECT_EQ(read_file(journal_path()), journal);
  EXPECT_THAT(names_in(options.directory / "segments" / "1"), ::testing::ElementsAre("binlog.000001"));
}

// A power cut can lose a page that was never synced and keep a later one.
TEST_F(RecoveryTest, AHoleOfUnsyncedPagesIsATornTail) {
  open();
  start_file("binlog.000001");
  append_transactions(40, 1000);
  flush_and_crash();
  ByteBuffer bytes = read_file(segment_path("binlog.000001"));
  std::fill(bytes.begin() + 8192, bytes.begin() + 12288, std::byte{0});
  write_file(segment_path("binlog.000001"), bytes);
  open();
  EXPECT_LE(log->appended_end(), 8192u);
  EXPECT_GT(log->appended_end(), 6000u);
  EXPECT_EQ(report.bytes_cut, sent.size() - log->appended_end());
}

TEST_F(RecoveryTest, AHoleBelowACleanStopIsRot) {
  open();
  start_file("binlog.000001");
  append_transactions(40, 1000);
  close();
  ByteBuffer bytes = read_file(segment_path("binlog.000001"));
  std::fill(bytes.begin() + 8192, bytes.begin() + 12288, std::byte{0});
  write_file(segment_path("binlog.000001"), bytes);
  // Behind the mark of the stop nothing is scanned at open; a file that lost bytes is refused at once.
  cut_file("binlog.000001", bytes.size() - 1);
  EXPECT_EQ(open_error().code, Errc::checksum);
  EXPECT_THAT(open_error().context, HasSubstr("at least"));
}

TEST_F(RecoveryTest, AMissingOrShortSealedSegmentIsRefusedByName) {
  open();
  start_file("binlog.000001");
  append_transactions(2);
  rotate_to("binlog.000002");
  close();
  const ByteBuffer first = read_file(segment_path("binlog.000001"));
  std::filesystem::remove(segment_path("binlog.000001"));
  EXPECT_THAT(open_error().context, HasSubstr("binlog.000001 is missing"));
  write_file(segment_path("binlog.000001"), Bytes(first).first(first.size() - 1));
  EXPECT_THAT(open_error().context, HasSubstr("binlog.000001 has "));
  write_file(segment_path("binlog.000001"), first);
  open();
}

TEST_F(RecoveryTest, AMissingActiveSegmentIsRefusedByName) {
  open();
  start_file("binlog.000001");
  close();
  std::filesystem::remove(segment_path("binlog.000001"));
  EXPECT_THAT(open_error().context, HasSubstr("binlog.000001 is missing"));
}

TEST_F(RecoveryTest, AJournalCutAtEveryLengthOfItsLastRecord) {
  options.index_block_bytes = 0;
  open();
  start_file("binlog.000001");
  append_transactions(2);
  ASSERT_OK(log->sync());
  const std::uint64_t before = std::filesystem::file_size(journal_path());
  ASSERT_OK(log->record_source({}));
  const ByteBuffer journal = read_file(journal_path());
  crash();
  for (std::uint64_t torn = before + 1; torn < journal.size(); ++torn) {
    write_file(journal_path(), Bytes(journal).first(torn));
    remove_journal_copy();  // a record is in the file before it is in the copy
    open();
    EXPECT_THAT(report.notes, ::testing::ElementsAre(HasSubstr("journal.broken-1")));
    EXPECT_EQ(read_file(options.directory / "journal.broken-1").size(), torn - before);
    EXPECT_FALSE(log->source().has_value());
    EXPECT_EQ(log->executed(), GtidState(samples::mysql_set(1, 2)));
    crash();
    std::filesystem::remove(options.directory / "journal.broken-1");
  }
}

TEST_F(RecoveryTest, AJournalWithABadRecordBeforeGoodOnesIsRefused) {
  open();
  start_file("binlog.000001");
  append_transactions(2);
  rotate_to("binlog.000002");
  close();
  const ByteBuffer journal = read_file(journal_path());
  remove_journal_copy();
  flip(journal_path(), 40);
  EXPECT_EQ(open_error().code, Errc::checksum);
  EXPECT_THAT(open_error().context, HasSubstr("journal is damaged at offset 16"));
  ByteBuffer other = journal;
  other[9] ^= std::byte{1};
  write_file(journal_path(), other);
  EXPECT_EQ(open_error().code, Errc::checksum);
  write_file(journal_path(), journal);
  open();
}

TEST_F(RecoveryTest, ALostRecordOfASegmentWithEventsIsRefused) {
  open();
  start_file("binlog.000001");
  append_transaction();
  const std::uint64_t before = std::filesystem::file_size(journal_path());
  rotate_to("binlog.000002");
  append_transaction();
  flush_and_crash();
  const ByteBuffer journal = read_file(journal_path());
  write_file(journal_path(), Bytes(journal).first(before + 30));
  remove_journal_copy();
  EXPECT_EQ(open_error().code, Errc::checksum);
  EXPECT_THAT(open_error().context, HasSubstr("binlog.000002"));
}

TEST_F(RecoveryTest, AMissingJournalIsRefusedWhileThereAreSegments) {
  open();
  start_file("binlog.000001");
  close();
  std::filesystem::remove(journal_path());
  remove_journal_copy();
  EXPECT_EQ(open_error().code, Errc::checksum);
}

TEST_F(RecoveryTest, TheJournalIsRestoredFromItsCopy) {
  options.index_block_bytes = 0;
  open();
  start_file("binlog.000001");
  append_transactions(2);
  rotate_to("binlog.000002");
  append_transaction();
  close();
  const ByteBuffer journal = read_file(journal_path());
  ASSERT_EQ(read_file(options.directory / "journal.copy"), journal);
  std::vector<ByteBuffer> damaged;
  for (std::size_t at = 0; at < journal.size(); at += 5) {
    ByteBuffer flipped = journal;
    flipped[at] ^= std::byte{0x10};
    damaged.push_back(std::move(flipped));
  }
  for (std::size_t size = 0; size < journal.size(); size += 7)
    damaged.emplace_back(journal.begin(), journal.begin() + static_cast<std::ptrdiff_t>(size));
  damaged.emplace_back(journal.size());  // zeros
  for (const ByteBuffer& bad : damaged) {
    write_file(journal_path(), bad);
    write_file(options.directory / "journal.copy", journal);
    open();
    EXPECT_THAT(report.notes, ::testing::Contains(HasSubstr("restored from journal.copy")));
    EXPECT_EQ(log->executed(), GtidState(samples::mysql_set(1, 3)));
    EXPECT_TRUE(std::ranges::equal(Bytes(read_file(journal_path())).first(journal.size()), journal));
    close();
  }
  std::filesystem::remove(journal_path());
  open();
  EXPECT_EQ(log->executed(), GtidState(samples::mysql_set(1, 3)));
}

TEST_F(RecoveryTest, ADamagedCopyOfTheJournalIsMadeAgain) {
  open();
  start_file("binlog.000001");
  append_transactions(2);
  close();
  flip(options.directory / "journal.copy", 30);
  const VerifyReport found = Archive::verify(options.directory, nullptr);
  ASSERT_EQ(found.findings.size(), 1u);
  EXPECT_THAT(found.findings[0].file, HasSubstr("journal.copy"));
  EXPECT_EQ(found.findings[0].offset, 30u);
  open();
  append_transaction();
  close();
  EXPECT_EQ(read_file(options.directory / "journal.copy"), read_file(journal_path()));
  EXPECT_THAT(Archive::verify(options.directory, nullptr).findings, ::testing::IsEmpty());
}

TEST_F(RecoveryTest, DamageInBothJournalsIsRefused) {
  open();
  start_file("binlog.000001");
  append_transactions(2);
  rotate_to("binlog.000002");
  close();
  flip(journal_path(), 40);
  flip(options.directory / "journal.copy", 41);
  const ByteBuffer journal = read_file(journal_path());
  EXPECT_THAT(open_error().context, HasSubstr("journal is damaged at offset 16"));
  EXPECT_EQ(read_file(journal_path()), journal);
}

TEST_F(RecoveryTest, FilesSomebodyPutThereAreNotedAndLeft) {
  open();
  start_file("binlog.000001");
  close();
  write_file(segment_path("notes.txt"), as_bytes("keep me"));
  open();
  EXPECT_THAT(report.notes, ::testing::ElementsAre(HasSubstr("notes.txt")));
  EXPECT_TRUE(std::filesystem::exists(segment_path("notes.txt")));
}

// The disk dies at every step of a life that opens, fills and rolls segments. After each death the log opens by itself,
// what was promised durable is there, and the source can send the rest.
TEST_F(RecoveryTest, SurvivesACrashAtEveryStep) {
  options.index_block_bytes = 0;
  const auto live = [&](std::uint64_t& promised) {
    transactions = 0;
    promised = 0;
    RecoveryReport ignored;
    auto opened = EventLog::open(options, &ignored);
    if (!opened.ok()) return;
    log = std::move(*opened);
    samples::SampleBinlog writer;
    std::uint64_t done = 0;
    for (int file = 1; file <= 3; ++file) {
      if (!log->open_segment("binlog.00000" + std::to_string(file)).ok()) return;
      writer = samples::SampleBinlog();
      if (!log->append(writer.format_description()).ok()) return;
      if (!log->append(writer.previous_gtids(samples::mysql_set(1, done))).ok()) return;
      for (int i = 0; i < 2; ++i) {
        const std::uint64_t number = done + 1;
        if (!log->append(writer.gtid(samples::mysql_gtid(number))).ok()) return;
        if (!log->append(writer.query("CREATE TABLE t" + std::to_string(number) + " (a INT)")).ok()) return;
        done = number;
        if (!log->sync().ok()) return;
        promised = done;
      }
    }
  };

  bool completed = false;
  for (long steps = 1; !completed; ++steps) {
    ASSERT_LT(steps, 500);
    std::filesystem::remove_all(options.directory);
    use_dying_disk();
    disk->dies_after(steps);
    if (steps % 2 == 0) disk->tears_the_last_write();
    std::uint64_t promised = 0;
    live(promised);
    log.reset();
    completed = !disk->died();

    use_dying_disk();
    open();
    ASSERT_NE(log, nullptr) << "after " << steps << " steps";
    const GtidState executed = log->executed();
    ASSERT_TRUE(std::get<MysqlGtidSet>(executed).contains_all(samples::mysql_set(1, promised)))
        << "after " << steps << " steps";
    ASSERT_EQ(log->ends().visible.segment,
              log->catalog()->segments().empty() ? SegmentNumber{} : log->catalog()->newest()->number);

    // The source goes on in a new file.
    const MysqlGtidSet have = std::get<MysqlGtidSet>(executed);
    ASSERT_OK(log->open_segment("binlog.000009"));
    samples::SampleBinlog writer;
    ASSERT_OK(log->append(writer.format_description()));
    ASSERT_OK(log->append(writer.previous_gtids(have)));
    ASSERT_OK(log->sync());
    log.reset();
  }
}

// Marks come every 64 MiB, so that a crash costs a bounded scan; below them nothing may be missing.
TEST_F(RecoveryTest, DurableMarksShortenTheScan) {
  constexpr std::size_t kLargeRow = 8u << 20;
  open();
  start_file("binlog.000001");
  for (int i = 0; i < 20; ++i) {
    append_transaction(kLargeRow);
    if (i % 4 == 0) ASSERT_OK(log->sync());
  }
  const std::uint64_t group_begin = log->resume_point()->group_begin;
  flush_and_crash();
  {
    const auto journal = Journal::open(Disk(), journal_path());
    ASSERT_OK(journal);
    const SegmentState& segment = journal->state().segments().back();
    ASSERT_GE(segment.last_boundary, 64u << 20);
    EXPECT_EQ(segment.digests.size(), segment.last_boundary / segment.digest_block_bytes);
  }
  open();
  EXPECT_EQ(log->executed(), GtidState(samples::mysql_set(1, 20)));
  EXPECT_EQ(log->resume_point()->group_begin, group_begin);
  rotate_to("binlog.000002");
  close();
  const VerifyReport sound = Archive::verify(options.directory, nullptr);
  EXPECT_THAT(sound.findings, ::testing::IsEmpty()) << sound.findings[0].problem;
}

TEST_F(RecoveryTest, AFileShorterThanItsMarkIsRefused) {
  open();
  start_file("binlog.000001");
  for (int i = 0; i < 20; ++i) {
    append_transaction(8u << 20);
    if (i % 4 == 0) ASSERT_OK(log->sync());
  }
  flush_and_crash();
  cut_file("binlog.000001", 60u << 20);
  EXPECT_THAT(open_error().context, HasSubstr("at least"));
}

// A sparse file stands for the bytes nobody wants to write in a test; the mark says they were durable.
TEST_F(RecoveryTest, GoesOnPast4GiB) {
  constexpr std::uint64_t kBlock = 1ull << 31, kBoundary = (1ull << 32) + 100;
  options.digest_block_bytes = kBlock;
  open();
  start_file("binlog.000001");
  ASSERT_OK(log->sync());
  crash();
  {
    auto journal = Journal::open(Disk(), journal_path());
    ASSERT_OK(journal);
    const DurableMark mark{SegmentNumber{1}, kBoundary,   kBoundary - 50,
                           MysqlGtidSet{},   {0, {1, 2}}, crc32(ByteBuffer(100))};
    ASSERT_OK(journal->append({mark}, Journal::Sync::durable));
  }
  std::filesystem::resize_file(segment_path("binlog.000001"), kBoundary);
  open();
  EXPECT_EQ(log->appended_end(), kBoundary);
  EXPECT_EQ(log->resume_point()->group_begin, kBoundary - 50);
  source = samples::SampleBinlog(flavour, checksum, kBoundary);
  sent.clear();
  append_transactions(3);
  ASSERT_OK(log->sync());
  EXPECT_EQ(log->ends().visible.offset, kBoundary + sent.size());
  EXPECT_EQ(read_visible({SegmentNumber{1}, kBoundary})[0].second, sent);
  crash();
  std::filesystem::resize_file(segment_path("binlog.000001"), kBoundary + sent.size() - 1);
  open();
  EXPECT_EQ(report.bytes_cut, 30u);  // the XID event but its last byte
  EXPECT_EQ(log->executed(), GtidState(samples::mysql_set(1, 2)));
  EXPECT_TRUE(log->in_group());
}

TEST(RecoveryTable, CutsOnlyWhatACrashCanExplain) {
  EXPECT_EQ(decide_tail({.whole = true}), TailAction::keep);
  EXPECT_EQ(decide_tail({.whole = false}), TailAction::cut);
  EXPECT_EQ(decide_tail({.whole = false, .zero_page = true}), TailAction::cut);
  EXPECT_EQ(decide_tail({.whole = false, .events_follow = true}), TailAction::refuse);
  EXPECT_EQ(decide_tail({.whole = false, .events_follow = true, .zero_page = true}), TailAction::cut);
  EXPECT_EQ(decide_tail({.whole = false, .below_durable = true}), TailAction::refuse);
  EXPECT_EQ(decide_tail({.whole = false, .below_durable = true, .zero_page = true}), TailAction::refuse);
}

}  // namespace
}  // namespace binrelay
