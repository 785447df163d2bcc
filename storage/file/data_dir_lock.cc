#include "storage/file/data_dir_lock.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace binrelay {
namespace {

struct flock whole_file_lock() {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

// The process id the holder wrote; only for the message.
std::string holder_of(const File& file) {
  std::array<std::byte, 20> text;
  const auto got = file.read_at(0, text);
  if (!got.ok()) return "";
  const std::string_view written = as_text(Bytes(text).first(*got));
  return std::string(written.substr(0, written.find('\n')));
}

}  // namespace

Result<DataDirLock> DataDirLock::take(const Disk& disk, const std::filesystem::path& lock_file) {
  auto created = disk.create(lock_file);
  if (!created.ok() && created.error().code != Errc::conflict) return std::move(created).error();
  if (!created.ok()) created = disk.open_for_writing(lock_file);
  if (!created.ok()) return std::move(created).error();
  File file = std::move(created).value();

  struct flock lock = whole_file_lock();
  if (::fcntl(file.descriptor(), F_OFD_SETLK, &lock) != 0) {
    if (errno != EAGAIN && errno != EACCES) return Error{Errc::io, "cannot lock " + lock_file.string()};
    const std::string holder = holder_of(file);
    return Error{Errc::conflict, lock_file.parent_path().string() + " is in use by another binrelay process" +
                                     (holder.empty() ? "" : " (" + holder + ")")};
  }
  const std::string pid = "pid " + std::to_string(::getpid()) + "\n";
  BINRELAY_TRY(file.truncate(0));
  BINRELAY_TRY(file.write_at(0, as_bytes(pid)));
  return DataDirLock(std::move(file));
}

bool DataDirLock::is_held(const std::filesystem::path& lock_file) {
  const auto file = Disk().open_for_reading(lock_file);
  if (!file.ok()) return false;
  struct flock lock = whole_file_lock();
  return ::fcntl(file->descriptor(), F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

}  // namespace binrelay
