#pragma once
// LogBench: a log on disk and a source that writes to it, with the verbs tests speak: append, crash, reopen.
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "storage/event_log.h"
#include "storage/file/disk.h"
#include "storage/log_cursor.h"
#include "tests/support/event_samples.h"

namespace binrelay {

#define ASSERT_OK(expression)                               \
  do {                                                      \
    const auto& outcome_ = (expression);                    \
    ASSERT_TRUE(outcome_.ok()) << outcome_.error().context; \
  } while (false)
#define EXPECT_OK(expression)                               \
  do {                                                      \
    const auto& outcome_ = (expression);                    \
    EXPECT_TRUE(outcome_.ok()) << outcome_.error().context; \
  } while (false)

// ThreadSanitizer makes every step ten times as long, and what it looks for is not in the thousandth round: long loops
// go in steps of this.
#ifdef __SANITIZE_THREAD__
inline constexpr int kThinning = 8;
#else
inline constexpr int kThinning = 1;
#endif

inline ByteBuffer read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const Bytes bytes = as_bytes(text);
  return ByteBuffer(bytes.begin(), bytes.end());
}
inline void write_file(const std::filesystem::path& path, Bytes bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

// Where a sync costs nothing, for tests with thousands of them.
inline std::filesystem::path memory_directory() {
  const std::filesystem::path memory = "/dev/shm";
  return std::filesystem::exists(memory) ? memory : std::filesystem::temp_directory_path();
}

// Removed with everything in it.
class TemporaryDirectory {
 public:
  explicit TemporaryDirectory(const std::filesystem::path& parent = std::filesystem::temp_directory_path()) {
    static std::atomic<int> number{0};
    path_ = parent / ("binrelay-test-" + std::to_string(::getpid()) + "-" + std::to_string(number++));
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// A disk that stops working: at once, or after a number of steps. From then on nothing changes on it, as after a crash.
class DyingDisk : public DiskFaults {
 public:
  std::optional<Error> before(DiskStep step, const std::filesystem::path&, std::size_t& bytes) override {
    if (steps_left_.fetch_sub(1) > 0) return std::nullopt;
    if (step == DiskStep::write) bytes = first_torn_.exchange(false) ? bytes / 2 : 0;
    died_ = true;
    return Error{Errc::io, "the disk died"};
  }
  void dies_after(long steps) { steps_left_ = steps; }
  void tears_the_last_write() { first_torn_ = true; }
  bool died() const { return died_; }

 private:
  std::atomic<long> steps_left_{1L << 40};
  std::atomic<bool> first_torn_{false};
  std::atomic<bool> died_{false};
};

class LogBench : public ::testing::Test {
 protected:
  LogBench() { options.directory = directory.path() / "stream"; }

  // --- the log ---
  void open() {
    report = {};
    auto opened = EventLog::open(options, &report);
    ASSERT_TRUE(opened.ok()) << opened.error().context;
    log = std::move(*opened);
  }
  void close() { log.reset(); }
  void reopen() {
    close();
    open();
  }
  // What was flushed stays, nothing is written in farewell.
  void crash() {
    DyingDisk* const dying = disk.get();
    dying->dies_after(0);
    log.reset();
    disk = std::make_unique<DyingDisk>();
    options.faults = disk.get();
  }
  void use_dying_disk() {
    disk = std::make_unique<DyingDisk>();
    options.faults = disk.get();
  }
  Error open_error() {
    auto opened = EventLog::open(options, &report);
    EXPECT_FALSE(opened.ok());
    return opened.ok() ? Error{} : opened.error();
  }

  // --- the source ---
  void append(const ByteBuffer& event) {
    ASSERT_OK(log->append(event));
    sent.insert(sent.end(), event.begin(), event.end());
  }
  void start_file(const std::string& name) {
    ASSERT_OK(log->open_segment(name));
    source = samples::SampleBinlog(flavour, checksum);
    sent.assign({std::byte{0xfe}, std::byte{'b'}, std::byte{'i'}, std::byte{'n'}});
    append(source.format_description());
    if (flavour == Flavour::mysql) {
      append(source.previous_gtids(samples::mysql_set(1, transactions)));
    } else {
      append(source.gtid_list(transactions == 0 ? std::vector<MariadbGtid>{}
                                                : std::vector<MariadbGtid>{{0, 1, transactions}}));
    }
  }
  void append_transaction(std::size_t row_bytes = 40) {
    append_open_group(row_bytes);
    append(source.xid(transactions));
  }
  // All but its end.
  void append_open_group(std::size_t row_bytes = 40) {
    ++transactions;
    append(flavour == Flavour::mysql ? source.gtid(samples::mysql_gtid(transactions))
                                     : source.gtid(MariadbGtid{0, 1, transactions}));
    if (flavour == Flavour::mysql) append(source.begin());
    append(source.table_map(transactions % 3, "orders" + std::to_string(transactions % 3)));
    append(source.write_rows(transactions % 3, row_bytes));
  }
  void append_transactions(int count, std::size_t row_bytes = 40) {
    for (int i = 0; i < count; ++i) append_transaction(row_bytes);
  }
  void rotate_to(const std::string& name) {
    append(source.rotate(name));
    start_file(name);
  }

  // --- what is there ---
  std::filesystem::path segment_path(const std::string& name) const {
    return options.directory / "segments" / "1" / name;
  }
  std::filesystem::path journal_path() const { return options.directory / "journal"; }

  // All visible bytes of segments from `from` on, as `name:bytes` runs; stops at the visible end.
  std::vector<std::pair<std::string, ByteBuffer>> read_visible(LogPosition from,
                                                               std::size_t buffer_size = LogCursor::kBufferSize) {
    std::vector<std::pair<std::string, ByteBuffer>> files;
    auto cursor = LogCursor::open(*log, from, buffer_size);
    EXPECT_TRUE(cursor.ok()) << cursor.error().context;
    if (!cursor.ok()) return files;
    files.emplace_back(cursor->segment().served_name, ByteBuffer{});
    for (;;) {
      CursorStep step = cursor->next();
      if (auto* event = std::get_if<CursorEvent>(&step)) {
        ByteBuffer& into = files.back().second;
        into.insert(into.end(), event->bytes.begin(), event->bytes.end());
        if (!event->whole) read_pieces(*cursor, into);
      } else if (std::holds_alternative<NeedsRead>(step)) {
        EXPECT_OK(cursor->read(ReadMode::may_block));
      } else if (auto* end = std::get_if<SegmentEnd>(&step)) {
        files.emplace_back(end->following->served_name, ByteBuffer{});
      } else if (auto* error = std::get_if<Error>(&step)) {
        ADD_FAILURE() << error->context;
        return files;
      } else {
        return files;
      }
    }
  }
  static void read_pieces(LogCursor& cursor, ByteBuffer& into) {
    for (;;) {
      PieceStep step = cursor.next_piece();
      if (auto* piece = std::get_if<Piece>(&step)) {
        into.insert(into.end(), piece->bytes.begin(), piece->bytes.end());
        if (piece->last) return;
      } else if (auto* error = std::get_if<Error>(&step)) {
        ADD_FAILURE() << error->context;
        return;
      } else {
        EXPECT_OK(cursor.read(ReadMode::may_block));
      }
    }
  }
  ByteBuffer sent_from_first_event() const { return ByteBuffer(sent.begin() + 4, sent.end()); }

  TemporaryDirectory directory;
  StorageOptions options;
  std::unique_ptr<DyingDisk> disk;
  std::unique_ptr<EventLog> log;
  RecoveryReport report;
  Flavour flavour = Flavour::mysql;
  ChecksumAlgorithm checksum = ChecksumAlgorithm::crc32;
  samples::SampleBinlog source;
  ByteBuffer sent;                 // the current file as the source wrote it
  std::uint64_t transactions = 0;  // written so far
};

}  // namespace binrelay
