#include "relay/config/secret_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "storage/file/disk.h"

namespace binrelay {
namespace {

Error cannot(const std::filesystem::path& file, const char* verb) {
  return Error{Errc::io, "cannot " + std::string(verb) + " " + file.string() + ": " + std::strerror(errno)};
}

// Checks and reads through one descriptor, so that the file that was checked is the one that is read.
Result<std::string> read_descriptor(int descriptor, const std::filesystem::path& file) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) return cannot(file, "examine");
  if (!S_ISREG(status.st_mode)) return Error{Errc::refused, file.string() + " is not a regular file"};
  if (status.st_mode & (S_IROTH | S_IWOTH)) {
    return Error{Errc::refused,
                 file.string() + " is open to every user of this machine; run: chmod 600 " + file.string()};
  }
  std::string text(kMaxSecretSize + 1, '\0');
  std::size_t filled = 0;
  while (filled < text.size()) {
    const ssize_t count = ::read(descriptor, text.data() + filled, text.size() - filled);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return cannot(file, "read");
    if (count == 0) break;
    filled += static_cast<std::size_t>(count);
  }
  text.resize(filled);
  return text;
}

}  // namespace

Result<std::string> read_secret_file(const std::filesystem::path& file) {
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (descriptor < 0) return cannot(file, "read");
  Result<std::string> read = read_descriptor(descriptor, file);
  ::close(descriptor);
  BINRELAY_ASSIGN(std::string text, std::move(read));

  if (text.size() > kMaxSecretSize) return Error{Errc::limit, file.string() + " is too long for a password"};
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  if (text.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
    return Error{Errc::malformed,
                 file.string() + " holds more than one line; a password file holds the password alone"};
  }
  return text;
}

Status write_secret_file(const std::filesystem::path& file, const std::string& content) {
  return Disk().create_whole(file, as_bytes(content), Disk::Access::owner_only);
}

bool holds_secret(const std::filesystem::path& file) {
  std::error_code failed;
  return std::filesystem::exists(file, failed) && std::filesystem::file_size(file, failed) != 0;
}

}  // namespace binrelay
