// EventLog::purge_before: what goes, what stays, and what a crash leaves.
#include <gmock/gmock.h>

#include <thread>

#include "storage/archive.h"
#include "storage/file/file_names.h"
#include "storage/index/index_store.h"
#include "tests/storage/log_bench.h"

namespace binrelay {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class PurgeTest : public LogBench {
 protected:
  PurgeTest() { use_dying_disk(); }
  ~PurgeTest() override { close(); }

  static std::string name_of(int number) { return "binlog.00000" + std::to_string(number); }

  // binlog.000001 to `count`, three transactions each.
  void write_files(int count) {
    start_file(name_of(1));
    append_transactions(3);
    for (int number = 2; number <= count; ++number) {
      rotate_to(name_of(number));
      append_transactions(3);
    }
    ASSERT_OK(log->sync());
  }
  PurgeOutcome purge_before(std::uint64_t segment) {
    auto outcome = log->purge_before(SegmentNumber{segment});
    EXPECT_TRUE(outcome.ok()) << outcome.error().context;
    return outcome.ok() ? *outcome : PurgeOutcome{};
  }
  std::vector<std::string> served() const {
    std::vector<std::string> names;
    const auto catalog = log->catalog();  // a temporary would not outlive the loop
    for (const auto& segment : catalog->segments()) names.push_back(segment->served_name);
    return names;
  }
  std::vector<std::string> stored() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(options.directory / "segments" / "1"))
      names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }
  void expect_verified() {
    const VerifyReport verified = Archive::verify(options.directory, {});
    for (const Finding& finding : verified.findings) {
      ADD_FAILURE() << finding.file << " at " << finding.offset << ": " << finding.problem;
    }
  }
};

TEST_F(PurgeTest, RemovesWholeFilesFromTheOldestOn) {
  open();
  write_files(5);
  const std::uint64_t bytes =
      std::filesystem::file_size(segment_path(name_of(1))) + std::filesystem::file_size(segment_path(name_of(2)));
  const PurgeOutcome outcome = purge_before(3);
  ASSERT_EQ(outcome.purged.size(), 2u);
  EXPECT_EQ(outcome.purged.front()->served_name, name_of(1));
  EXPECT_EQ(outcome.bytes, bytes);
  EXPECT_EQ(outcome.in_use, std::nullopt);
  EXPECT_THAT(outcome.not_removed, IsEmpty());
  EXPECT_THAT(served(), ElementsAre(name_of(3), name_of(4), name_of(5)));
  EXPECT_THAT(stored(), ElementsAre(name_of(3), name_of(4), name_of(5)));
  EXPECT_EQ(log->before_log(), GtidState(samples::mysql_set(1, 6)));
  EXPECT_EQ(log->executed(), GtidState(samples::mysql_set(1, 15)));
  EXPECT_FALSE(LogCursor::open(*log, {SegmentNumber{2}, 4}).ok());
}

TEST_F(PurgeTest, ThePurgeOutlivesARestart) {
  open();
  write_files(4);
  purge_before(3);
  reopen();
  EXPECT_THAT(report.notes, IsEmpty());
  EXPECT_THAT(served(), ElementsAre(name_of(3), name_of(4)));
  EXPECT_EQ(log->before_log(), GtidState(samples::mysql_set(1, 6)));
  EXPECT_EQ(log->executed(), GtidState(samples::mysql_set(1, 12)));
  rotate_to(name_of(5));
  append_transactions(2);
  ASSERT_OK(log->sync());
  purge_before(5);
  EXPECT_THAT(served(), ElementsAre(name_of(5)));
  close();
  expect_verified();
  open();
  EXPECT_EQ(log->executed(), GtidState(samples::mysql_set(1, 14)));
  EXPECT_EQ(read_visible({SegmentNumber{5}, 4}).size(), 1u);
}

TEST_F(PurgeTest, MariadbToo) {
  flavour = Flavour::mariadb;
  open();
  write_files(3);
  purge_before(3);
  EXPECT_EQ(to_text(log->before_log()), "0-1-6");
  reopen();
  EXPECT_EQ(to_text(log->before_log()), "0-1-6");
  EXPECT_EQ(to_text(log->executed()), "0-1-9");
  close();
  expect_verified();
}

TEST_F(PurgeTest, TheFileBeingWrittenAlwaysStays) {
  open();
  EXPECT_THAT(purge_before(9).purged, IsEmpty());
  write_files(2);
  EXPECT_EQ(purge_before(99).purged.size(), 1u);
  EXPECT_THAT(served(), ElementsAre(name_of(2)));
  EXPECT_THAT(purge_before(99).purged, IsEmpty());
  // The next file is open but has no whole head yet: readers are still in this one.
  append(source.rotate(name_of(3)));
  ASSERT_OK(log->open_segment(name_of(3)));
  EXPECT_THAT(purge_before(99).purged, IsEmpty());
}

TEST_F(PurgeTest, StopsAtAReaderAndGoesOnWhenItHasMoved) {
  open();
  write_files(4);
  auto cursor = LogCursor::open(*log, {SegmentNumber{2}, 4});
  ASSERT_OK(cursor);
  const PurgeOutcome first = purge_before(4);
  EXPECT_EQ(first.purged.size(), 1u);
  EXPECT_EQ(first.in_use, SegmentNumber{2});
  EXPECT_EQ(log->oldest_in_use(), SegmentNumber{2});
  while (cursor->position().segment == SegmentNumber{2}) {
    const CursorStep step = cursor->next();
    ASSERT_FALSE(std::holds_alternative<Error>(step));
    if (std::holds_alternative<NeedsRead>(step)) ASSERT_OK(cursor->read(ReadMode::may_block));
  }
  EXPECT_EQ(purge_before(4).in_use, SegmentNumber{3});
  EXPECT_THAT(served(), ElementsAre(name_of(3), name_of(4)));
  { const LogCursor gone = *std::move(cursor); }
  EXPECT_EQ(purge_before(4).in_use, std::nullopt);
  EXPECT_THAT(served(), ElementsAre(name_of(4)));
}

TEST_F(PurgeTest, TheIndexForgetsWhatIsPurged) {
  options.index_block_bytes = 200;
  open();
  write_files(4);
  while (log->counters().indexed_segment < 4) std::this_thread::yield();
  purge_before(4);
  const Uuid id = log->relay_uuid();
  close();
  const auto index = IndexStore::open_for_reading(options.directory / "index", id);
  ASSERT_OK(index);
  ASSERT_OK((*index)->for_each(SegmentNumber{}, [](const BlockRecord& record) {
    EXPECT_EQ(record.segment, SegmentNumber{4});
    return true;
  }));
  EXPECT_THAT((*index)->of_segment(SegmentNumber{4}).value(), ::testing::Not(IsEmpty()));
  EXPECT_THAT((*index)->file_spans().value(), IsEmpty());
}

TEST_F(PurgeTest, PurgingWhatIsBeingIndexedHurtsNobody) {
  options.index_block_bytes = 1;
  open();
  start_file(name_of(1));
  for (int number = 2; number <= 9; ++number) {
    append_transactions(200);
    rotate_to(name_of(number));
    ASSERT_OK(log->sync());
    purge_before(static_cast<std::uint64_t>(number));
  }
  append_transactions(3);
  ASSERT_OK(log->sync());
  while (log->counters().indexed_segment < 9) std::this_thread::yield();
  EXPECT_EQ(log->index_failure(), std::nullopt);
  close();
  expect_verified();
}

TEST_F(PurgeTest, ReindexKnowsOfThePurge) {
  open();
  write_files(3);
  purge_before(3);
  close();
  ASSERT_OK(rebuild_index(options.directory, {}));
  expect_verified();
  const auto archive = Archive::open(options.directory);
  ASSERT_OK(archive);
  const auto listed = archive->list({});
  ASSERT_OK(listed);
  ASSERT_EQ(listed->size(), 1u);
  EXPECT_EQ(listed->front().transactions, 3u);
}

TEST_F(PurgeTest, AFileLeftOverIsRemovedAtTheNextOpen) {
  open();
  write_files(3);
  const ByteBuffer first = read_file(segment_path(name_of(1)));
  purge_before(3);
  close();
  write_file(segment_path(name_of(1)), first);  // as if its unlink had not reached the disk
  expect_verified();
  open();
  EXPECT_THAT(report.notes, ElementsAre(HasSubstr("binlog.000001: removed")));
  EXPECT_THAT(served(), ElementsAre(name_of(3)));
  EXPECT_THAT(stored(), ElementsAre(name_of(3)));
}

TEST_F(PurgeTest, PurgesWhenTheDiskIsFull) {
  class FullDisk : public DiskFaults {
   public:
    std::optional<Error> before(DiskStep step, const std::filesystem::path& path, std::size_t& bytes) override {
      if (step != DiskStep::write || path.filename() == "journal") return std::nullopt;
      bytes = 0;
      return Error{Errc::no_space, "no space left"};
    }
  };
  class SwitchedDisk : public DiskFaults {
   public:
    std::optional<Error> before(DiskStep step, const std::filesystem::path& path, std::size_t& bytes) override {
      return full ? disk_.before(step, path, bytes) : std::nullopt;
    }
    std::atomic<bool> full{false};

   private:
    FullDisk disk_;
  } switched;
  options.faults = &switched;
  open();
  write_files(3);
  switched.full = true;
  append_transaction();
  EXPECT_FALSE(log->sync().ok());
  EXPECT_EQ(purge_before(3).purged.size(), 2u);
  switched.full = false;
  reopen();
  EXPECT_THAT(served(), ElementsAre(name_of(3)));
  close();
}

// Whatever step of a purge is the last one before a crash: the log opens, begins where the purge would have it begin
// or where it began before, and nothing is half there.
TEST_F(PurgeTest, ACrashAtAnyStepLeavesAllOrNothing) {
  bool completed = false;
  for (long steps = 0; !completed; ++steps) {
    ASSERT_LT(steps, 100);
    std::filesystem::remove_all(options.directory);
    transactions = 0;
    use_dying_disk();
    open();
    write_files(4);
    disk->dies_after(steps);
    if (steps % 2 == 0) disk->tears_the_last_write();
    const auto outcome = log->purge_before(SegmentNumber{4});
    const bool promised = outcome.ok();
    completed = !disk->died();
    crash();

    open();
    ASSERT_NE(log, nullptr) << "after " << steps << " steps";
    const bool purged = served() == std::vector<std::string>{name_of(4)};
    EXPECT_TRUE(purged || served().size() == 4) << "after " << steps << " steps";
    EXPECT_TRUE(purged || !promised);
    EXPECT_EQ(stored().size(), served().size());
    EXPECT_EQ(log->before_log(), GtidState(purged ? samples::mysql_set(1, 9) : MysqlGtidSet{}));
    EXPECT_EQ(log->executed(), GtidState(samples::mysql_set(1, 12)));
    EXPECT_EQ(read_visible({log->catalog()->oldest()->number, 4}).size(), served().size());
    close();
    expect_verified();
  }
}

// One thread writes and rolls over, one purges, readers read to the end: under a thread sanitizer, too.
TEST_F(PurgeTest, PurgesBesideAWriterAndReaders) {
  open();
  start_file("binlog.000100");
  append_transactions(3);
  ASSERT_OK(log->sync());
  std::atomic<bool> over{false};
  std::thread housekeeping([&] {
    while (!over) {
      const auto catalog = log->catalog();
      const auto outcome = log->purge_before(catalog->newest()->number);
      EXPECT_TRUE(outcome.ok());
      const auto held = log->catalog();  // a temporary would not outlive the loop
      for (const auto& segment : held->segments()) EXPECT_TRUE(std::filesystem::exists(segment->path));
    }
  });
  std::thread reader([&] {
    std::optional<LogCursor> cursor;
    while (!over) {
      if (!cursor) {
        auto opened = LogCursor::open(*log, {log->catalog()->oldest()->number, 4}, 4096);
        if (opened.ok()) cursor.emplace(std::move(*opened));
        continue;
      }
      const CursorStep step = cursor->next();
      if (std::holds_alternative<NeedsRead>(step)) EXPECT_OK(cursor->read(ReadMode::may_block));
      if (const auto* error = std::get_if<Error>(&step)) ADD_FAILURE() << error->context;
      if (std::holds_alternative<AtVisibleEnd>(step) && cursor->position().segment < log->ends().visible.segment)
        cursor.reset();
    }
  });
  for (int number = 101; number < 160; ++number) {
    rotate_to("binlog.000" + std::to_string(number));
    append_transactions(20);
    ASSERT_OK(log->sync());
  }
  over = true;
  housekeeping.join();
  reader.join();
  close();
  expect_verified();
  open();
  EXPECT_EQ(log->executed(), GtidState(samples::mysql_set(1, transactions)));
}

}  // namespace
}  // namespace binrelay
