// The least that receiving costs: read the stream, check every CRC32, append in pieces of 1 MiB, sync every 16 MiB.
//   ingest_ceiling FD:COMMAND FILE [sync]
#include <fcntl.h>
#include <isa-l/crc.h>

#include "tests/bench/bare_stream.h"

using namespace binrelay::bench;

namespace {

constexpr std::size_t kAppend = 1u << 20, kSyncEvery = 16u << 20, kChecksum = 4;

class Appender {
 public:
  Appender(const char* path, bool sync) : file_(::open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600)), sync_(sync) {
    if (file_ < 0) die(path);
    buffer_.reserve(2 * kAppend);
  }
  void add(const unsigned char* bytes, std::size_t size) {
    buffer_.insert(buffer_.end(), bytes, bytes + size);
    if (buffer_.size() >= kAppend) flush();
  }
  void finish() {
    flush();
    if (sync_) ::fdatasync(file_);
  }

 private:
  void flush() {
    write_all(file_, buffer_.data(), buffer_.size());
    unsynced_ += buffer_.size();
    buffer_.clear();
    if (!sync_ || unsynced_ < kSyncEvery) return;
    if (::fdatasync(file_) != 0) die("fdatasync");
    unsynced_ = 0;
  }

  int file_;
  bool sync_;
  std::size_t unsynced_ = 0;
  std::vector<unsigned char> buffer_;
};

}  // namespace

int main(int count, char** arguments) {
  wait_for_start();
  const std::int64_t began = wall_ns();
  const std::string_view argument(arguments[1]);
  const std::size_t colon = argument.find(':');
  const int fd = std::stoi(std::string(argument.substr(0, colon)));
  const std::string command = from_hex(argument.substr(colon + 1));
  Appender appender(arguments[2], count > 3);
  std::uint64_t bytes = 0, damaged = 0;
  write_all(fd, command.data(), command.size());
  const bool whole = for_each_packet(fd, [&](const unsigned char* packet, std::size_t size) {
    const unsigned char* event = packet + 1;
    const std::size_t covered = size - 1 - kChecksum;
    if (crc32_gzip_refl(0, event, covered) != little(event + covered, kChecksum)) ++damaged;
    appender.add(event, size - 1);
    bytes += size;
  });
  appender.finish();
  std::printf("{\"bytes\": %llu, \"damaged\": %llu, \"unfinished\": %d, \"seconds\": %.6f, \"cpu_s\": %.6f}\n",
              static_cast<unsigned long long>(bytes), static_cast<unsigned long long>(damaged), whole ? 0 : 1,
              static_cast<double>(wall_ns() - began) / 1e9, cpu_s());
}
