// Clients that read their dumps as fast as they come and keep nothing: a thread each.
//   discard_dumps FD:COMMAND...     a socket that is logged in, the packet to begin the dump with (hex, may be empty)
// Prints what all of them received, from the first command to the last event.
#include <algorithm>
#include <atomic>
#include <thread>

#include "tests/bench/bare_stream.h"

using namespace binrelay::bench;

namespace {

std::atomic<std::uint64_t> bytes{0}, events{0};
std::atomic<int> unfinished{0};

void discard(int fd, const std::string& command) {
  write_all(fd, command.data(), command.size());
  std::uint64_t seen_bytes = 0, seen_events = 0;
  const bool whole = for_each_packet(fd, [&](const unsigned char*, std::size_t size) {
    seen_bytes += size;
    ++seen_events;
  });
  bytes += seen_bytes;
  events += seen_events;
  if (!whole) ++unfinished;
}

}  // namespace

int main(int count, char** arguments) {
  wait_for_start();
  const std::int64_t began = wall_ns();
  std::vector<std::thread> clients;
  for (int i = 1; i < count; ++i) {
    const std::string_view argument(arguments[i]);
    const std::size_t colon = argument.find(':');
    clients.emplace_back(discard, std::stoi(std::string(argument.substr(0, colon))),
                         from_hex(argument.substr(colon + 1)));
  }
  for (std::thread& client : clients) client.join();
  std::printf("{\"bytes\": %llu, \"events\": %llu, \"unfinished\": %d, \"seconds\": %.6f, \"cpu_s\": %.6f}\n",
              static_cast<unsigned long long>(bytes), static_cast<unsigned long long>(events), unfinished.load(),
              static_cast<double>(wall_ns() - began) / 1e9, cpu_s());
}
