// The least that a hop costs: what is read from the source is written to a file, synced if asked, and sent on as it is.
//   hop_forwarder FD:COMMAND FILE write|fsync CLIENTS
// Prints its port, waits for so many clients (whatever they send first is their command), then forwards until it is
// ended; SIGTERM makes it print its CPU time.
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <csignal>

#include "tests/bench/bare_stream.h"

using namespace binrelay::bench;

namespace {

void end(int) {
  std::printf("{\"cpu_s\": %.6f}\n", cpu_s());
  std::fflush(stdout);
  std::_Exit(0);
}

int listen_somewhere() {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), length) != 0 || ::listen(listener, 1024) != 0)
    die("listen");
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length);
  std::printf("%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  return listener;
}

}  // namespace

int main(int, char** arguments) {
  std::signal(SIGTERM, end);
  std::signal(SIGPIPE, SIG_IGN);
  const std::string_view argument(arguments[1]);
  const std::size_t colon = argument.find(':');
  const int source = std::stoi(std::string(argument.substr(0, colon)));
  const std::string command = from_hex(argument.substr(colon + 1));
  const int file = ::open(arguments[2], O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (file < 0) die(arguments[2]);
  const bool sync = std::string_view(arguments[3]) == "fsync";

  const int listener = listen_somewhere();
  std::vector<int> clients;
  for (int left = std::atoi(arguments[4]); left > 0; --left) {
    const int client = ::accept(listener, nullptr, nullptr);
    char asked[1024];
    if (client < 0 || ::recv(client, asked, sizeof asked, 0) <= 0) die("accept");
    const int on = 1;  // as servers do: what has been written is sent, also while something is not acknowledged yet
    ::setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    clients.push_back(client);
  }
  write_all(source, command.data(), command.size());
  std::vector<unsigned char> buffer(kChunk);
  for (;;) {
    const ssize_t count = ::recv(source, buffer.data(), buffer.size(), 0);
    if (count <= 0) die("the source has ended");
    write_all(file, buffer.data(), static_cast<std::size_t>(count));
    if (sync && ::fdatasync(file) != 0) die("fdatasync");
    for (const int client : clients) {
      if (::send(client, buffer.data(), static_cast<std::size_t>(count), MSG_NOSIGNAL) < 0 && errno != EPIPE &&
          errno != ECONNRESET)
        die("send");
    }
  }
}
