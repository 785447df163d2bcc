#pragma once
// Journal: the append-only file of records behind LogState, and its copy.
//
// Thread: append() from any, one at a time inside. The upstream thread reads state() while housekeeping appends a
// purge: that changes nothing of what it reads (LogState). Owner: EventLog.
//
// Invariant: what append(…, durable) returned for is on stable storage and in state(). After a failed sync nobody knows
// what the file holds, and nothing is appended any more.
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "storage/file/disk.h"
#include "storage/journal/journal_format.h"
#include "storage/journal/log_state.h"

namespace binrelay {

class Journal {
 public:
  // Makes the file with its first record.
  static Result<Journal> create(const Disk& disk, const std::filesystem::path& path, const LogCreated& created);
  // What has rotted is restored from the copy; rot in both is Errc::checksum, and nothing is changed then. A torn tail
  // is left out. make_ready() must be called before the first append.
  static Result<Journal> open(const Disk& disk, const std::filesystem::path& path);
  bool has_torn_tail() const { return !torn_tail_.empty(); }
  // Cuts the torn tail, copied aside first, and brings the copy up to date.
  Status make_ready(const Disk& disk, std::vector<std::string>* notes);

  // All records reach the file in one write. durable: they are on stable storage when it returns.
  enum class Sync : std::uint8_t { later, durable };
  Status append(const std::vector<JournalRecord>& records, Sync sync);
  const LogState& state() const { return state_; }
  // After a failed append: the file again holds exactly what is on stable storage. Open it anew then; this object's
  // state may be ahead of it.
  Status cut_to_durable();

 private:
  Journal(File file, LogState state, std::uint64_t end, std::uint64_t next_sequence)
      : file_(std::move(file)), state_(std::move(state)), end_(end), durable_end_(end), next_sequence_(next_sequence) {}

  Status cut_torn_tail(const Disk& disk, std::vector<std::string>* notes);

  std::unique_ptr<std::mutex> mutex_ = std::make_unique<std::mutex>();  // one append at a time
  File file_;
  std::optional<File> copy_;  // nullopt: there is no room for one, till the journal is opened again
  LogState state_;
  std::uint64_t end_ = 0;
  std::uint64_t durable_end_ = 0;
  std::uint64_t next_sequence_ = 1;
  ByteBuffer torn_tail_;
  std::vector<std::uint64_t> mended_;  // offsets of what was restored from the copy
  std::optional<Error> sync_failure_;
};

}  // namespace binrelay
