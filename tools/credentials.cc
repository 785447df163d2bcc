#include "tools/credentials.h"

#include <fcntl.h>
#include <sys/random.h>
#include <termios.h>
#include <unistd.h>

#include <cstdio>
#include <vector>

namespace binrelay {
namespace {

constexpr std::size_t kSaltLength = 20;

// Reads up to a newline, byte by byte: what follows the line belongs to somebody else.
Result<std::string> read_line(int descriptor) {
  std::string line;
  char c = 0;
  ssize_t count = 0;
  while ((count = ::read(descriptor, &c, 1)) == 1 && c != '\n') {
    if (line.size() == kMaxPasswordLength) return Error{Errc::limit, "a password has at most 255 bytes"};
    line += c;
  }
  if (count < 0 || (count == 0 && line.empty())) return Error{Errc::io, "no password was given"};
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

// NoEcho keeps a terminal from showing what is typed. Invariant: the old settings are back when it ends.
class NoEcho {
 public:
  explicit NoEcho(int terminal) : terminal_(terminal), changed_(::tcgetattr(terminal, &before_) == 0) {
    if (!changed_) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(terminal_, TCSAFLUSH, &silent);
  }
  ~NoEcho() {
    if (changed_) ::tcsetattr(terminal_, TCSAFLUSH, &before_);
  }
  NoEcho(const NoEcho&) = delete;
  NoEcho& operator=(const NoEcho&) = delete;

 private:
  const int terminal_;
  termios before_{};
  const bool changed_;
};

}  // namespace

Result<std::string> ask_password(const std::string& prompt) {
  const int terminal = ::open("/dev/tty", O_RDWR | O_CLOEXEC);
  if (terminal < 0) return Error{Errc::refused, "there is no terminal to ask for a password on"};
  Result<std::string> line = [&] {
    const NoEcho silence(terminal);  // before the prompt: whoever sees it may type
    ::dprintf(terminal, "%s", prompt.c_str());
    return read_line(terminal);
  }();
  ::dprintf(terminal, "\n");
  ::close(terminal);
  return line;
}

Result<std::string> read_password_line() { return read_line(STDIN_FILENO); }

std::string random_text(std::size_t length) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
  static_assert(kLetters.size() == 64);
  std::vector<unsigned char> bytes(length);
  BINRELAY_CHECK(length <= 256, "getrandom() fills up to 256 bytes in one call");
  BINRELAY_CHECK(::getrandom(bytes.data(), length, 0) == static_cast<ssize_t>(length), "the system's random source");
  std::string text;
  for (const unsigned char byte : bytes) text += kLetters[byte % kLetters.size()];
  return text;
}

std::string hash_password(std::string_view plugin, std::string_view password) {
  if (plugin == kNativePassword) return native_password_hash(password);
  return caching_sha2_password_hash(password, random_text(kSaltLength));
}

}  // namespace binrelay
