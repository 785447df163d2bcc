// What a disk that fails, or forgets what was not synced, can do to a log: it keeps serving, goes on in place when the
// disk works again, and after a crash holds a prefix of the source with all that was promised or served.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>

#include "storage/archive.h"
#include "tests/storage/log_bench.h"

namespace binrelay {
namespace {

// A disk whose n-th step fails, and every one after it until it is mended.
class FailingDisk : public DiskFaults {
 public:
  explicit FailingDisk(Errc code) : code_(code) {}
  std::optional<Error> before(DiskStep step, const std::filesystem::path& path, std::size_t& bytes) override {
    if (!only_.empty() && path.filename() != only_) return std::nullopt;
    if (writes_only_ && step != DiskStep::write && step != DiskStep::create) return std::nullopt;
    if (steps_left_.fetch_sub(1) > 0) return std::nullopt;
    failed_ = true;
    if (step == DiskStep::write) bytes /= 2;
    return Error{code_, code_ == Errc::no_space ? "No space left on device" : "Input/output error"};
  }
  void fails_after(long steps) { steps_left_ = steps; }
  void concerns_only(std::string file_name) { only_ = std::move(file_name); }
  void fails_writes_only() { writes_only_ = true; }
  void mend() { steps_left_ = 1L << 40; }
  bool failed() const { return failed_; }

 private:
  const Errc code_;
  std::atomic<long> steps_left_{1L << 40};
  std::atomic<bool> failed_{false};
  std::string only_;
  bool writes_only_ = false;
};

// What a crash leaves of what was not synced of a file: its name, and bytes of it.
enum class Kept : std::uint8_t { nothing, half, later_page, everything };
using PowerCut = std::function<Kept(const std::filesystem::path&, long steps)>;  // each file fares by itself

// A disk that knows what is on stable storage. It stops after a number of steps; crash() then takes back what was
// only in the page cache.
class ForgetfulDisk : public DiskFaults {
 public:
  explicit ForgetfulDisk(long steps) : steps_(steps), steps_left_(steps) {}

  std::optional<Error> before(DiskStep step, const std::filesystem::path& path, std::size_t& bytes) override {
    const std::lock_guard lock(mutex_);
    if (steps_left_-- <= 0) {
      died_ = true;
      if (step == DiskStep::write) bytes = 0;
      return Error{Errc::io, "the power went"};
    }
    switch (step) {
      case DiskStep::create:
        durable_[path] = std::nullopt;
        break;
      case DiskStep::sync:
        contents_[path] = read_file(path);
        break;
      case DiskStep::rename:
        durable_[path] = std::nullopt;
        contents_[path] = read_file(path.string() + ".new");  // as Disk::create_whole names what it has synced
        break;
      case DiskStep::remove:
        removed_[path] = read_file(path);
        break;
      case DiskStep::sync_directory:
        sync_names_of(path);
        break;
      case DiskStep::write:
      case DiskStep::truncate:
      case DiskStep::make_directory:
        break;
    }
    return std::nullopt;
  }
  bool died() const { return died_; }

  void crash(const PowerCut& cut) {
    for (const auto& [path, content] : removed_) {
      if (cut(path, steps_) == Kept::nothing) write_file(path, content);
    }
    for (const auto& [path, named] : durable_) {
      if (!std::filesystem::exists(path)) continue;
      const Kept kept = cut(path, steps_);
      if (!named && kept == Kept::nothing) {
        std::filesystem::remove(path);
        continue;
      }
      write_file(path, left_of(contents_[path], read_file(path), kept));
    }
  }

 private:
  void sync_names_of(const std::filesystem::path& directory) {
    for (auto& [path, named] : durable_) {
      if (path.parent_path() == directory) named = true;
    }
    std::erase_if(removed_, [&](const auto& file) { return file.first.parent_path() == directory; });
  }

  static ByteBuffer left_of(const ByteBuffer& synced, const ByteBuffer& written, Kept kept) {
    constexpr std::size_t kPage = 4096;
    if (kept == Kept::everything) return written;
    if (kept == Kept::nothing || written.size() <= synced.size()) return synced;
    ByteBuffer left = written;
    const std::size_t unsynced = written.size() - synced.size();
    const std::size_t page = (synced.size() + kPage - 1) / kPage * kPage;
    if (kept == Kept::later_page && page + kPage < written.size()) {
      std::fill_n(left.begin() + static_cast<std::ptrdiff_t>(page), kPage, std::byte{0});
    } else {
      left.resize(synced.size() + unsynced / 2);
    }
    return left;
  }

  std::mutex mutex_;
  const long steps_;
  long steps_left_;
  std::atomic<bool> died_{false};
  std::map<std::filesystem::path, std::optional<bool>> durable_;  // made here; set: the name is on stable storage
  std::map<std::filesystem::path, ByteBuffer> contents_;          // at the last sync
  std::map<std::filesystem::path, ByteBuffer> removed_;
};

bool is_journal(const std::filesystem::path& path) { return path.filename() == "journal"; }

// What a power cut may do, by what it leaves.
std::map<std::string, PowerCut> power_cuts() {
  std::map<std::string, PowerCut> cuts{
      {"nothing", [](const auto&, long) { return Kept::nothing; }},
      {"half", [](const auto&, long) { return Kept::half; }},
      {"later page", [](const auto&, long) { return Kept::later_page; }},
      {"journal", [](const auto& path, long) { return is_journal(path) ? Kept::everything : Kept::nothing; }},
      {"all else", [](const auto& path, long) { return is_journal(path) ? Kept::nothing : Kept::everything; }}};
  for (const char* chance : {"chance 1", "chance 2"}) {
    cuts[chance] = [chance](const std::filesystem::path& path, long steps) {
      return static_cast<Kept>(std::hash<std::string>()(path.filename().string() + chance + std::to_string(steps)) % 4);
    };
  }
  return cuts;
}

struct SourceFile {
  std::string name, served_name;
  bool takes_over = false;  // of another source
  std::vector<ByteBuffer> events;
};

// Four files of three transactions, one of them larger than a page; the last is of a source that took over.
std::vector<SourceFile> source_files() {
  std::vector<SourceFile> files;
  std::uint64_t number = 0;
  for (int file = 1; file <= 4; ++file) {
    samples::SampleBinlog writer;
    const std::string served_name = "binlog.00000" + std::to_string(file);
    SourceFile out{file == 4 ? "other-bin.000007" : served_name, served_name, file == 4, {}};
    out.events.push_back(writer.format_description());
    out.events.push_back(writer.previous_gtids(samples::mysql_set(1, number)));
    for (int i = 0; i < 3; ++i) {
      ++number;
      out.events.push_back(writer.gtid(samples::mysql_gtid(number)));
      out.events.push_back(writer.begin());
      out.events.push_back(writer.table_map(1, "t"));
      out.events.push_back(writer.write_rows(1, i == 1 ? 20'000 : 40));
      out.events.push_back(writer.xid(number));
    }
    out.events.push_back(writer.rotate("binlog.00000" + std::to_string(file + 1)));
    files.push_back(std::move(out));
  }
  return files;
}

class FailingDiskTest : public LogBench {
 protected:
  FailingDiskTest() {
    options.index_block_bytes = 0;
    options.directory = memory.path() / "stream";
  }

  // Sends what the log does not hold yet, as a source does that is asked from the resume point on. Ends at the first
  // error, or before file `to`. `promised`: transactions in groups that sync() returned for.
  Status feed(std::uint64_t* promised = nullptr, std::size_t to = 4) {
    std::size_t at = 0;
    std::uint64_t from = 0;  // of the file at `at`; 0: the log does not have it
    if (const auto resume = log->resume_point()) {
      while (files[at].name != resume->segment->source_name) ++at;
      from = resume->end;
    }
    for (; at < to; ++at, from = 0) {
      if (from == 0) BINRELAY_TRY(begin_file(files[at]));
      std::uint64_t offset = kFirstEventOffset;
      for (std::size_t i = 0; i < files[at].events.size(); ++i) {
        const ByteBuffer& event = files[at].events[i];
        offset += event.size();
        if (offset <= from) continue;
        BINRELAY_TRY(log->append(event));
        if (i % 2 == 0) continue;  // an fsync covers several events
        BINRELAY_TRY(log->sync());
        if (promised != nullptr) *promised = at * 3 + (i < 2 ? 0 : (i - 1) / 5);
      }
    }
    return log->sync();
  }

  Status begin_file(const SourceFile& file) {
    if (!file.takes_over) return log->open_segment(file.name);
    BINRELAY_TRY(log->sync());
    return log->open_segment(file.name, SeriesBegin{{}, log->executed(), std::nullopt});
  }

  // A log's life: two files, a purge of the first, a clean stop, the rest.
  Status live(std::uint64_t* promised, bool* purged) {
    BINRELAY_TRY(feed(promised, 2));
    BINRELAY_ASSIGN([[maybe_unused]] const PurgeOutcome outcome, log->purge_before(SegmentNumber{2}));
    *purged = true;
    log.reset();
    BINRELAY_ASSIGN(log, EventLog::open(options, &report));
    return feed(promised);
  }

  // What readers see is what the source has, from the first file that was not purged on.
  void expect_a_prefix_is_visible() {
    const auto catalog = log->catalog();
    if (catalog->segments().empty()) return;
    const SegmentNumber oldest = catalog->oldest()->number;
    const auto seen = read_visible({oldest, kFirstEventOffset});
    ASSERT_LE(raw(oldest) - 1 + seen.size(), files.size());
    for (std::size_t i = 0; i < seen.size(); ++i) {
      const SourceFile& file = files[raw(oldest) - 1 + i];
      ByteBuffer whole;
      for (const ByteBuffer& event : file.events) whole.insert(whole.end(), event.begin(), event.end());
      ASSERT_EQ(seen[i].first, file.served_name);
      ASSERT_LE(seen[i].second.size(), whole.size());
      ASSERT_TRUE(std::equal(seen[i].second.begin(), seen[i].second.end(), whole.begin())) << file.name;
      if (i + 1 < seen.size()) {
        ASSERT_EQ(seen[i].second.size(), whole.size()) << file.name;
      }
    }
  }
  bool holds(const GtidState& transactions) const {
    return std::get<MysqlGtidSet>(log->executed()).contains_all(std::get<MysqlGtidSet>(transactions));
  }
  void expect_everything_is_visible() {
    expect_a_prefix_is_visible();
    EXPECT_EQ(log->executed(), GtidState(samples::mysql_set(1, 12)));
    EXPECT_EQ(log->ends().visible.segment, SegmentNumber{4});
  }

  const TemporaryDirectory memory{memory_directory()};
  const std::vector<SourceFile> files = source_files();
};

// Every step fails once, half a write having been done, as on a full disk or a broken one; the error says which. What
// was served stays served all the time, and the rest comes when the disk works again.
TEST_F(FailingDiskTest, GoesOnInPlaceAfterAFailureAtEveryStep) {
  for (const auto& [serve_after, code] :
       {std::pair(ServeAfter::fsync, Errc::no_space), std::pair(ServeAfter::write, Errc::no_space),
        std::pair(ServeAfter::fsync, Errc::io)}) {
    options.serve_after = serve_after;
    bool completed = false;
    for (long steps = 0; !completed; ++steps) {
      ASSERT_LT(steps, 500);
      std::filesystem::remove_all(options.directory);
      FailingDisk failing(code);
      options.faults = &failing;
      open();
      // What was served before it was synced is not to be lost either, as long as it can be synced.
      if (serve_after == ServeAfter::write) failing.fails_writes_only();
      failing.fails_after(steps);
      const Status fed = feed();
      completed = !failing.failed();
      if (!completed) {
        ASSERT_FALSE(fed.ok());
        ASSERT_EQ(fed.error().code, code) << fed.error().context;
        const LogPosition visible = log->ends().visible;
        const GtidState executed = log->executed();
        expect_a_prefix_is_visible();
        failing.fails_after(0);
        static_cast<void>(log->reopen(&report).ok());  // the disk still fails: an error, or nothing had to be changed
        expect_a_prefix_is_visible();
        failing.mend();
        ASSERT_OK(log->reopen(&report));
        ASSERT_FALSE(log->failed());
        ASSERT_GE(log->ends().visible, visible) << "after " << steps << " steps";
        ASSERT_TRUE(holds(executed)) << "after " << steps << " steps";
        ASSERT_OK(feed());
      }
      failing.mend();
      expect_everything_is_visible();
      close();
      open();  // and all of it is in order on disk
      expect_everything_is_visible();
      close();
    }
  }
}

// fdatasync says the bytes are lost, once: asking it again would say all is well. They are cut and fetched again.
TEST_F(FailingDiskTest, DoesNotBelieveASecondSync) {
  FailingDisk failing(Errc::io);
  options.faults = &failing;
  open();
  flavour = Flavour::mysql;
  start_file("binlog.000001");
  append_transaction();
  ASSERT_OK(log->sync());
  const std::uint64_t durable = log->ends().durable.offset;
  append_transaction();
  failing.fails_after(1);  // the write works, the sync does not
  ASSERT_FALSE(log->sync().ok());
  failing.mend();
  ASSERT_OK(log->reopen(&report));
  EXPECT_EQ(log->resume_point()->end, durable);
  EXPECT_EQ(std::filesystem::file_size(segment_path("binlog.000001")), durable);
  close();  // the disk goes first
}

TEST_F(FailingDiskTest, ACleanStopOpensOnAFullDiskAndServes) {
  FailingDisk failing(Errc::no_space);
  options.faults = &failing;
  open();
  ASSERT_OK(feed());
  close();
  failing.concerns_only("journal");
  failing.fails_after(0);
  open();
  ASSERT_NE(log, nullptr);
  EXPECT_TRUE(log->failed());
  expect_everything_is_visible();
  failing.mend();
  ASSERT_OK(log->reopen(&report));
  EXPECT_FALSE(log->failed());
  close();
}

// The power goes at every step, and takes what was not synced: all of it, half of it, or a page in its middle, of each
// file alike or not.
TEST_F(FailingDiskTest, HoldsWhatWasPromisedAfterAPowerCutAtEveryStep) {
  for (const auto& [name, cut] : power_cuts()) {
    bool completed = false;
    for (long steps = 1; !completed; steps += kThinning) {
      ASSERT_LT(steps, 500);
      SCOPED_TRACE("kept: " + name + ", after " + std::to_string(steps) + " steps");
      std::filesystem::remove_all(options.directory);
      std::uint64_t promised = 0;
      bool purged = false;
      GtidState served = MysqlGtidSet{};
      ForgetfulDisk forgetful(steps);
      options.faults = &forgetful;
      if (auto opened = EventLog::open(options, &report); opened.ok()) {
        log = std::move(*opened);
        static_cast<void>(live(&promised, &purged).ok());
        if (log && !log->catalog()->segments().empty()) served = log->executed();
        log.reset();
      }
      completed = !forgetful.died();
      forgetful.crash(cut);

      options.faults = nullptr;
      open();
      ASSERT_NE(log, nullptr);
      ASSERT_TRUE(holds(samples::mysql_set(1, promised)));
      ASSERT_TRUE(holds(served));
      if (purged) {
        ASSERT_GT(log->catalog()->oldest()->number, SegmentNumber{1});
      }
      expect_a_prefix_is_visible();
      ASSERT_OK(feed());
      expect_everything_is_visible();
      close();
      const VerifyReport verified = Archive::verify(options.directory, nullptr);
      ASSERT_TRUE(verified.findings.empty()) << verified.findings[0].file << ": " << verified.findings[0].problem;
    }
  }
}

}  // namespace
}  // namespace binrelay
