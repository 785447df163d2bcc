// The least that serving costs: pread of 256 KiB chunks, framing into a 128 KiB buffer, write. No handshake, no checks.
//   serve_ceiling CLIENTS FILE...     prints its port, serves so many connections, each all files, then its CPU time
#include <fcntl.h>
#include <netinet/in.h>

#include <algorithm>
#include <memory>
#include <thread>

#include "tests/bench/bare_stream.h"

using namespace binrelay::bench;

namespace {

constexpr std::size_t kWriteSize = 128u << 10;

class Framer {
 public:
  explicit Framer(int client) : client_(client) {}

  void event(const unsigned char* bytes, std::size_t size) {
    const std::size_t framed = size + 1;
    const unsigned char header[] = {static_cast<unsigned char>(framed), static_cast<unsigned char>(framed >> 8),
                                    static_cast<unsigned char>(framed >> 16), sequence_++, 0};
    put(header, sizeof header);
    put(bytes, size);
    if (used_ >= kWriteSize) flush();
  }
  void end() {
    const unsigned char eof[] = {5, 0, 0, sequence_, 0xfe, 0, 0, 2, 0};
    put(eof, sizeof eof);
    flush();
  }

 private:
  void put(const unsigned char* bytes, std::size_t size) {
    if (used_ + size > capacity_) {
      capacity_ = used_ + size;
      auto larger = std::make_unique_for_overwrite<unsigned char[]>(capacity_);
      std::memcpy(larger.get(), out_.get(), used_);
      out_ = std::move(larger);
    }
    std::memcpy(out_.get() + used_, bytes, size);
    used_ += size;
  }
  void flush() {
    write_all(client_, out_.get(), used_);
    used_ = 0;
  }

  int client_;
  unsigned char sequence_ = 1;
  std::size_t used_ = 0, capacity_ = kWriteSize + kChunk;
  std::unique_ptr<unsigned char[]> out_ = std::make_unique_for_overwrite<unsigned char[]>(capacity_);
};

void serve_file(Framer& framer, const char* path) {
  const int file = ::open(path, O_RDONLY);
  if (file < 0) die(path);
  std::vector<unsigned char> chunk(kChunk);
  std::size_t begin = 0, filled = 0;
  off_t offset = 4;  // behind the magic
  for (;;) {
    while (filled - begin >= kEventHeader) {
      const std::size_t size = little(&chunk[begin + 9], 4);
      if (filled - begin < size) {
        if (chunk.size() < size + kChunk) chunk.resize(size + kChunk);
        break;
      }
      framer.event(&chunk[begin], size);
      begin += size;
    }
    std::memmove(chunk.data(), &chunk[begin], filled - begin);
    filled -= begin;
    begin = 0;
    const ssize_t count = ::pread(file, &chunk[filled], chunk.size() - filled, offset);
    if (count < 0) die("pread");
    if (count == 0) break;
    offset += count;
    filled += static_cast<std::size_t>(count);
  }
  ::close(file);
}

void serve(int client, char** files) {
  char command[1024];
  if (::recv(client, command, sizeof command, 0) <= 0) die("no command");
  Framer framer(client);
  for (char** file = files; *file != nullptr; ++file) serve_file(framer, *file);
  framer.end();
  ::close(client);
}

}  // namespace

int main(int, char** arguments) {
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

  std::vector<std::thread> clients;
  for (int left = std::atoi(arguments[1]); left > 0; --left) {
    const int client = ::accept(listener, nullptr, nullptr);
    if (client < 0) die("accept");
    clients.emplace_back(serve, client, arguments + 2);
  }
  for (std::thread& client : clients) client.join();
  std::printf("{\"cpu_s\": %.6f}\n", cpu_s());
}
