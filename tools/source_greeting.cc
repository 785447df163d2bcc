#include "tools/source_greeting.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "protocol/packet/greeting_view.h"
#include "protocol/wire/byte_reader.h"

namespace binrelay {
namespace {

constexpr std::size_t kMaxGreeting = 1024;

// Socket owns a descriptor.
class Socket {
 public:
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  ~Socket() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int get() const { return descriptor_; }

 private:
  const int descriptor_;
};

bool wait_for(int descriptor, short what, int timeout_ms) {
  pollfd waiting{descriptor, what, 0};
  int ready = 0;
  do {
    ready = ::poll(&waiting, 1, timeout_ms);
  } while (ready < 0 && errno == EINTR);
  if (ready == 0) errno = ETIMEDOUT;
  return ready > 0;
}

bool connect_in_time(const Socket& socket, const addrinfo& address, int timeout_ms) {
  if (::connect(socket.get(), address.ai_addr, address.ai_addrlen) == 0) return true;
  if (errno != EINPROGRESS || !wait_for(socket.get(), POLLOUT, timeout_ms)) return false;
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  errno = error;
  return error == 0;
}

// The first packet's payload, as far as it came.
Result<std::string> read_first_packet(const addrinfo& address, const std::string& name, int timeout_ms) {
  const Socket socket(
      ::socket(address.ai_family, address.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, address.ai_protocol));
  const auto failed = [&name] {
    return Error{Errc::connection, "cannot reach the source " + name + ": " + std::strerror(errno)};
  };
  if (socket.get() < 0 || !connect_in_time(socket, address, timeout_ms)) return failed();
  std::array<char, kMaxGreeting> buffer;
  std::size_t filled = 0, wanted = 4;
  while (filled < wanted) {
    if (!wait_for(socket.get(), POLLIN, timeout_ms)) return failed();
    const ssize_t count = ::recv(socket.get(), buffer.data() + filled, buffer.size() - filled, 0);
    if (count == 0) errno = ECONNRESET;
    if (count <= 0) return failed();
    filled += static_cast<std::size_t>(count);
    if (filled >= 4) {
      ByteReader header(as_bytes({buffer.data(), 4}));
      wanted = std::min<std::size_t>(buffer.size(), 4 + header.u24());
    }
  }
  return std::string(buffer.data() + 4, wanted - 4);
}

Result<SourceVersion> parse_greeting(const std::string& payload, const std::string& name) {
  const auto greeting = decode_greeting(as_bytes(payload));
  if (greeting.ok()) return parse_source_version(greeting->version);
  return greeting.error().code == Errc::refused
             ? Error{Errc::connection, "the source " + name + " refuses: " + greeting.error().context}
             : Error{Errc::connection, "what answers at " + name + " is neither MySQL nor MariaDB"};
}

}  // namespace

SourceVersion parse_source_version(std::string_view text) {
  SourceVersion version;
  if (text.find("MariaDB") != std::string_view::npos) version.flavour = Flavour::mariadb;
  constexpr std::string_view kCompatible = "5.5.5-";
  if (version.flavour == Flavour::mariadb && text.starts_with(kCompatible)) text.remove_prefix(kCompatible.size());
  std::sscanf(std::string(text).c_str(), "%3u.%3u.%3u", &version.major, &version.minor, &version.patch);
  return version;
}

Result<SourceVersion> ask_source_version(const Endpoint& source, int timeout_ms) {
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  const int error = ::getaddrinfo(source.host.c_str(), std::to_string(source.port).c_str(), &hints, &found);
  if (error != 0)
    return Error{Errc::connection, "cannot find the source " + source.host + ": " + ::gai_strerror(error)};
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> addresses(found, ::freeaddrinfo);
  const std::string name = to_text(source);
  Result<std::string> packet = Error{Errc::connection, "cannot reach the source " + name};
  for (const addrinfo* address = addresses.get(); address != nullptr && !packet.ok(); address = address->ai_next) {
    packet = read_first_packet(*address, name, timeout_ms);
  }
  if (!packet.ok()) return packet.error();
  return parse_greeting(*packet, name);
}

}  // namespace binrelay
