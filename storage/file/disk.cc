#include "storage/file/disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "protocol/check.h"

namespace binrelay {
namespace {

Error system_error(const char* doing, const std::filesystem::path& path, int number) {
  Errc code = Errc::io;
  if (number == ENOSPC || number == EDQUOT) code = Errc::no_space;
  if (number == ENOENT) code = Errc::not_found;
  if (number == EEXIST) code = Errc::conflict;
  return Error{code, std::string("cannot ") + doing + " " + path.string() + ": " +
                         std::error_code(number, std::generic_category()).message()};
}

Result<int> open_descriptor(const std::filesystem::path& path, int flags, const char* doing, mode_t mode = 0) {
  int descriptor = -1;
  do {
    descriptor = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  } while (descriptor < 0 && errno == EINTR);
  if (descriptor < 0) return system_error(doing, path, errno);
  return descriptor;
}

std::optional<Error> refusal(DiskFaults* faults, DiskStep step, const std::filesystem::path& path, std::size_t& bytes) {
  if (faults == nullptr) return std::nullopt;
  return faults->before(step, path, bytes);
}

}  // namespace

File::File(File&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), path_(std::move(other.path_)), faults_(other.faults_) {}

File& File::operator=(File&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(path_, other.path_);
  std::swap(faults_, other.faults_);
  return *this;
}

File::~File() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<std::size_t> File::read_at(std::uint64_t offset, std::span<std::byte> into) const {
  std::size_t done = 0;
  while (done < into.size()) {
    const ssize_t got = ::pread(descriptor_, into.data() + done, into.size() - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error("read", path_, errno);
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

Result<std::optional<std::size_t>> File::read_cached_at(std::uint64_t offset, std::span<std::byte> into) const {
  iovec part{into.data(), into.size()};
  const ssize_t got = ::preadv2(descriptor_, &part, 1, static_cast<off_t>(offset), RWF_NOWAIT);
  if (got >= 0) return std::optional<std::size_t>(static_cast<std::size_t>(got));
  for (const int cannot_tell : {EAGAIN, EINTR, EOPNOTSUPP, EINVAL, ENOSYS, EIO}) {
    if (errno == cannot_tell) return std::optional<std::size_t>();
  }
  return system_error("read", path_, errno);
}

void File::forget_cached(std::uint64_t offset, std::uint64_t size) const {
  ::posix_fadvise(descriptor_, static_cast<off_t>(offset), static_cast<off_t>(size), POSIX_FADV_DONTNEED);
}

void File::do_not_read_ahead() const { ::posix_fadvise(descriptor_, 0, 0, POSIX_FADV_RANDOM); }

Status File::write_at(std::uint64_t offset, Bytes bytes) const {
  std::size_t allowed = bytes.size();
  const std::optional<Error> refused = refusal(faults_, DiskStep::write, path_, allowed);
  const Bytes part = refused ? bytes.first(std::min(allowed, bytes.size())) : bytes;
  if (refused && allowed == bytes.size()) return *refused;

  std::size_t done = 0;
  while (done < part.size()) {
    const ssize_t put =
        ::pwrite(descriptor_, part.data() + done, part.size() - done, static_cast<off_t>(offset + done));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return system_error("write", path_, errno);
    done += static_cast<std::size_t>(put);
  }
  if (refused) return *refused;
  return Done{};
}

Status File::sync() const {
  std::size_t none = 0;
  if (auto refused = refusal(faults_, DiskStep::sync, path_, none)) return *refused;
  // Not retried, not even on EINTR: after a failed fdatasync the page cache no longer tells what reached the disk.
  if (::fdatasync(descriptor_) != 0) return system_error("sync", path_, errno);
  return Done{};
}

Status File::truncate(std::uint64_t size) const {
  std::size_t none = 0;
  if (auto refused = refusal(faults_, DiskStep::truncate, path_, none)) return *refused;
  if (::ftruncate(descriptor_, static_cast<off_t>(size)) != 0) return system_error("truncate", path_, errno);
  return Done{};
}

void File::reserve(std::uint64_t size) const {
  static_cast<void>(::fallocate(descriptor_, FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(size)));
}

Result<std::uint64_t> File::size() const {
  struct stat found {};
  if (::fstat(descriptor_, &found) != 0) return system_error("stat", path_, errno);
  return static_cast<std::uint64_t>(found.st_size);
}

Status Disk::step(DiskStep step, const std::filesystem::path& path) const {
  std::size_t none = 0;
  if (auto refused = refusal(faults_, step, path, none)) return *refused;
  return Done{};
}

Result<File> Disk::open_for_reading(const std::filesystem::path& path) const {
  BINRELAY_ASSIGN(const int descriptor, open_descriptor(path, O_RDONLY, "open"));
  return File(descriptor, path, faults_);
}

Result<File> Disk::open_for_writing(const std::filesystem::path& path) const {
  BINRELAY_ASSIGN(const int descriptor, open_descriptor(path, O_RDWR, "open"));
  return File(descriptor, path, faults_);
}

Result<File> Disk::create(const std::filesystem::path& path, Access access) const {
  BINRELAY_TRY(step(DiskStep::create, path));
  const mode_t mode = access == Access::owner_only ? 0600 : 0640;
  BINRELAY_ASSIGN(const int descriptor, open_descriptor(path, O_RDWR | O_CREAT | O_EXCL, "create", mode));
  return File(descriptor, path, faults_);
}

Status Disk::rename(const std::filesystem::path& from, const std::filesystem::path& to) const {
  BINRELAY_TRY(step(DiskStep::rename, to));
  if (::rename(from.c_str(), to.c_str()) != 0) return system_error("rename to", to, errno);
  return Done{};
}

Status Disk::remove(const std::filesystem::path& path) const {
  BINRELAY_TRY(step(DiskStep::remove, path));
  if (::unlink(path.c_str()) != 0) return system_error("remove", path, errno);
  return Done{};
}

Status Disk::remove_tree(const std::filesystem::path& path) const {
  BINRELAY_TRY(step(DiskStep::remove, path));
  std::error_code failed;
  std::filesystem::remove_all(path, failed);
  if (failed) return system_error("remove", path, failed.value());
  return Done{};
}

// Each new name is durable before the next is made in it: a lost parent would take the log with it.
Status Disk::make_directory(const std::filesystem::path& path) const {
  if (path.empty() || std::filesystem::is_directory(path)) return Done{};
  const std::filesystem::path parent = path.parent_path();
  BINRELAY_TRY(make_directory(parent));
  BINRELAY_TRY(step(DiskStep::make_directory, path));
  if (::mkdir(path.c_str(), 0750) != 0 && errno != EEXIST) return system_error("create directory", path, errno);
  return sync_directory(parent.empty() ? "." : parent);
}

Status Disk::sync_directory(const std::filesystem::path& path) const {
  BINRELAY_TRY(step(DiskStep::sync_directory, path));
  BINRELAY_ASSIGN(const int descriptor, open_descriptor(path, O_RDONLY | O_DIRECTORY, "open directory"));
  const int outcome = ::fsync(descriptor);
  const int number = errno;
  ::close(descriptor);
  if (outcome != 0) return system_error("sync directory", path, number);
  return Done{};
}

Result<std::vector<std::string>> Disk::names_in(const std::filesystem::path& directory) const {
  DIR* const stream = ::opendir(directory.c_str());
  if (stream == nullptr) return system_error("list", directory, errno);
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(stream)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  ::closedir(stream);
  std::sort(names.begin(), names.end());
  return names;
}

bool Disk::exists(const std::filesystem::path& path) {
  struct stat found {};
  return ::lstat(path.c_str(), &found) == 0;
}

Status Disk::create_whole(const std::filesystem::path& path, Bytes content, Access access) const {
  const std::filesystem::path aside = path.string() + ".new";
  if (exists(aside)) BINRELAY_TRY(remove(aside));
  {
    BINRELAY_ASSIGN(const File file, create(aside, access));
    BINRELAY_TRY(file.write_at(0, content));
    BINRELAY_TRY(file.sync());
  }
  BINRELAY_TRY(rename(aside, path));
  return sync_directory(path.parent_path());
}

Result<ByteBuffer> Disk::read_whole(const std::filesystem::path& path, std::uint64_t limit) const {
  BINRELAY_ASSIGN(const File file, open_for_reading(path));
  BINRELAY_ASSIGN(const std::uint64_t size, file.size());
  if (size > limit) {
    return Error{Errc::limit,
                 path.string() + " has " + std::to_string(size) + " bytes, the limit is " + std::to_string(limit)};
  }
  ByteBuffer content(size);
  BINRELAY_ASSIGN(const std::size_t got, file.read_at(0, content));
  content.resize(got);
  return content;
}

}  // namespace binrelay
