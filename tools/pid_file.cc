#include "tools/pid_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <string>

namespace binrelay {

namespace {

constexpr mode_t kOwnerWrites = 0644;

std::filesystem::path file_in(const std::filesystem::path& data_dir) { return data_dir / "binrelay.pid"; }

Error failed(const std::filesystem::path& path) { return Error{Errc::io, path.string() + ": " + std::strerror(errno)}; }

}  // namespace

Result<PidFile> PidFile::write(const std::filesystem::path& data_dir) {
  const std::filesystem::path path = file_in(data_dir);
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kOwnerWrites);
  if (fd < 0) return failed(path);
  PidFile file(path, fd);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const Error busy = failed(path);
    file.path_.clear();  // another's
    return busy;
  }
  const std::string number = std::to_string(::getpid()) + "\n";
  const bool written =
      ::ftruncate(fd, 0) == 0 && ::write(fd, number.data(), number.size()) == static_cast<ssize_t>(number.size());
  if (!written) return failed(path);
  return file;
}

PidFile::~PidFile() {
  if (fd_ < 0) return;
  if (!path_.empty()) ::unlink(path_.c_str());
  ::close(fd_);
}

Result<pid_t> PidFile::find(const std::filesystem::path& data_dir) {
  const std::filesystem::path path = file_in(data_dir);
  const Error nobody{Errc::not_found, "no relay serves from " + data_dir.string()};
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return errno == ENOENT ? nobody : failed(path);
  const PidFile file({}, fd);
  if (::flock(fd, LOCK_SH | LOCK_NB) == 0) return nobody;
  char text[32] = "";
  const ssize_t size = ::pread(fd, text, sizeof text, 0);
  pid_t pid = 0;
  if (size <= 0 || std::from_chars(text, text + size, pid).ec != std::errc() || pid <= 1)
    return Error{Errc::malformed, path.string() + " does not name a process"};
  return pid;
}

}  // namespace binrelay
