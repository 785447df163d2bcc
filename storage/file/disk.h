#pragma once
// File and Disk: the POSIX calls storage makes, each with bounds, retries of EINTR and an error that names the file.
//
// Thread: a File may be read, written at distinct offsets and synced from several threads at once. Owner: whoever
// opened it.
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "protocol/bytes.h"
#include "protocol/result.h"

namespace binrelay {

// What a DiskFaults may refuse: every step that changes the disk.
enum class DiskStep : std::uint8_t { create, write, sync, truncate, rename, remove, make_directory, sync_directory };

// Tests hand one in to make the disk fail or the process "crash" at any step; production has none.
//
// Thread: called from every thread that writes.
class DiskFaults {
 public:
  virtual ~DiskFaults() = default;
  // An Error makes the step fail with it. For `write`, `bytes` may be lowered: that many are written before it fails.
  virtual std::optional<Error> before(DiskStep step, const std::filesystem::path& path, std::size_t& bytes) = 0;
};

class File {
 public:
  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;
  ~File();

  // Reads until `into` is full or the file ends; returns the bytes read.
  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) const;
  // Only what the page cache holds; nullopt when the first byte is not there, or the file system cannot tell: a read
  // may wait then.
  Result<std::optional<std::size_t>> read_cached_at(std::uint64_t offset, std::span<std::byte> into) const;
  // The next read comes from the disk, unless somebody writes there or the system does not care.
  void forget_cached(std::uint64_t offset, std::uint64_t size) const;
  // From now on the disk is asked for no more than each read says: what the system would read ahead, on its own guess,
  // stands in the queue before somebody else's sync.
  void do_not_read_ahead() const;
  Status write_at(std::uint64_t offset, Bytes bytes) const;
  Status sync() const;  // fdatasync: the bytes and the size
  Status truncate(std::uint64_t size) const;
  // Asks the file system for blocks up to `size`, without changing the file's size. A wish: nothing depends on it.
  void reserve(std::uint64_t size) const;
  Result<std::uint64_t> size() const;
  const std::filesystem::path& path() const { return path_; }
  int descriptor() const { return descriptor_; }

 private:
  friend class Disk;
  File(int descriptor, std::filesystem::path path, DiskFaults* faults)
      : descriptor_(descriptor), path_(std::move(path)), faults_(faults) {}

  int descriptor_ = -1;
  std::filesystem::path path_;
  DiskFaults* faults_ = nullptr;
};

class Disk {
 public:
  explicit Disk(DiskFaults* faults = nullptr) : faults_(faults) {}

  Result<File> open_for_reading(const std::filesystem::path& path) const;
  Result<File> open_for_writing(const std::filesystem::path& path) const;  // must exist; readable too
  enum class Access : std::uint8_t { group_reads, owner_only };
  // Errc::conflict when it exists; readable too.
  Result<File> create(const std::filesystem::path& path, Access access = Access::group_reads) const;
  Status rename(const std::filesystem::path& from, const std::filesystem::path& to) const;
  Status remove(const std::filesystem::path& path) const;
  Status remove_tree(const std::filesystem::path& path) const;     // a missing one is fine
  Status make_directory(const std::filesystem::path& path) const;  // with parents; an existing one is fine
  Status sync_directory(const std::filesystem::path& path) const;  // makes creations and renames in it durable
  Result<std::vector<std::string>> names_in(const std::filesystem::path& directory) const;  // sorted
  static bool exists(const std::filesystem::path& path);

  // The file holds `content` or does not exist: written aside, synced, renamed.
  Status create_whole(const std::filesystem::path& path, Bytes content, Access access = Access::group_reads) const;
  // A whole small file; Errc::limit when it is larger than `limit`.
  Result<ByteBuffer> read_whole(const std::filesystem::path& path, std::uint64_t limit) const;

 private:
  Status step(DiskStep step, const std::filesystem::path& path) const;
  DiskFaults* faults_;
};

}  // namespace binrelay
