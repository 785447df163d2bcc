#pragma once
// What the bare loops share: blocking sockets that Python has logged in, packets of a dump, two clocks. A loop that
// meets an error ends the process: there is no figure then.
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

namespace binrelay::bench {

inline constexpr std::size_t kChunk = 256u << 10;
inline constexpr std::size_t kPacketHeader = 4;
inline constexpr std::size_t kEventHeader = 19;
inline constexpr std::size_t kFullPacket = 0xffffff;

[[noreturn]] inline void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

inline std::int64_t nanoseconds(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}
inline std::int64_t wall_ns() { return nanoseconds(CLOCK_MONOTONIC); }
inline double cpu_s() { return static_cast<double>(nanoseconds(CLOCK_PROCESS_CPUTIME_ID)) / 1e9; }

inline void write_all(int fd, const void* bytes, std::size_t size) {
  const char* at = static_cast<const char*>(bytes);
  while (size > 0) {
    const ssize_t count = ::write(fd, at, size);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) die("write");
    at += count;
    size -= static_cast<std::size_t>(count);
  }
}

inline std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  return bytes;
}

// Python starts every loop at once by a line.
inline void wait_for_start() {
  char line[16];
  if (::read(STDIN_FILENO, line, sizeof line) <= 0) std::exit(1);
}

inline std::uint32_t little(const unsigned char* at, int bytes) {
  std::uint32_t number = 0;
  for (int i = 0; i < bytes; ++i) number |= static_cast<std::uint32_t>(at[i]) << (8 * i);
  return number;
}

// Cuts a dump into packets and hands each, without its header, to `on_packet`; split packets are handed over in parts.
// Returns at the end of the stream; false when it ended without an EOF packet.
template <typename OnPacket>
bool for_each_packet(int fd, OnPacket on_packet) {
  std::vector<unsigned char> buffer(2 * kChunk);
  std::size_t begin = 0, filled = 0;
  for (;;) {
    while (filled - begin >= kPacketHeader) {
      const std::size_t size = little(&buffer[begin], 3), wanted = kPacketHeader + size;
      if (filled - begin < wanted) {
        if (buffer.size() < wanted + kChunk) buffer.resize(wanted + kChunk);
        break;
      }
      const unsigned char* packet = &buffer[begin + kPacketHeader];
      if (size > 0 && size < 9 && packet[0] == 0xfe) return true;
      if (size > 0 && packet[0] == 0xff && size < 1000) {
        std::fprintf(stderr, "the dump failed: %.*s\n", static_cast<int>(size - 3), packet + 3);
        std::exit(1);
      }
      on_packet(packet, size);
      begin += wanted;
    }
    if (begin > 0) {
      std::memmove(buffer.data(), &buffer[begin], filled - begin);
      filled -= begin;
      begin = 0;
    }
    const ssize_t count = ::recv(fd, &buffer[filled], buffer.size() - filled, 0);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    filled += static_cast<std::size_t>(count);
  }
}

}  // namespace binrelay::bench
