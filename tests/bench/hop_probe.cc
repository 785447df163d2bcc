// Writers that commit at a steady rate, and consumers at the tail that look for what was committed.
//   hop_probe RATE SECONDS TABLES WRITERS FD... FD:COMMAND...
// The first WRITERS sockets are logged in to the source, where bench.hop0 (number BIGINT), bench.hop1, … exist; the
// others are consumers. Latency: from the commit's acknowledgement at its writer to the event in a consumer's hands; of
// several consumers the latest. Prints microseconds. What is committed in a first second more is not counted: the
// source has its tables to open and its threads to make.
#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>

#include "tests/bench/bare_stream.h"

using namespace binrelay::bench;

namespace {

constexpr double kWarmUpSeconds = 1;
constexpr std::uint64_t kMark = 0x5a17c0deULL << 32;  // upper half of every number
constexpr unsigned char kWriteRows = 30;
// An event can be there before its writer knows that it has committed: then no time has passed, and ratios need some.
constexpr std::int64_t kShortest = 1000;

struct Commit {
  std::atomic<std::int64_t> sent{0}, acknowledged{0}, seen{0};
  std::atomic<int> seen_by{0};
};

std::unique_ptr<Commit[]> commits;
std::uint32_t expected = 0, tables = 1;
std::atomic<std::uint32_t> next_commit{0};

void commit_one(int fd, std::uint32_t number) {
  const std::string text = "\x03INSERT INTO bench.hop" + std::to_string(number % tables) + " VALUES (" +
                           std::to_string(kMark | number) + ", REPEAT('x', 120))";
  std::string packet(4, '\0');
  packet[0] = static_cast<char>(text.size());
  packet += text;
  commits[number].sent = wall_ns();
  write_all(fd, packet.data(), packet.size());
  unsigned char answer[512];
  const ssize_t count = ::recv(fd, answer, sizeof answer, 0);
  if (count < 5 || answer[4] != 0) die("a commit failed");
  commits[number].acknowledged = wall_ns();
}

// Commits are due at fixed times, whoever of the writers is free takes the next.
void write_steadily(int fd, std::int64_t began, double rate) {
  for (;;) {
    const std::uint32_t number = next_commit++;
    if (number >= expected) return;
    const std::int64_t due = began + static_cast<std::int64_t>(number / rate * 1e9), now = wall_ns();
    if (due > now) {
      const timespec pause{(due - now) / 1'000'000'000, (due - now) % 1'000'000'000};
      nanosleep(&pause, nullptr);
    }
    commit_one(fd, number);
  }
}

void consume(int fd, const std::string& command) {
  write_all(fd, command.data(), command.size());
  for_each_packet(fd, [&](const unsigned char* packet, std::size_t size) {
    if (size < 1 + kEventHeader + 20 || packet[5] != kWriteRows) return;
    for (std::size_t at = 1 + kEventHeader; at + 8 <= size; ++at) {  // the row begins after a few bytes of the table
      if (little(packet + at + 4, 4) != kMark >> 32) continue;
      const std::uint32_t number = little(packet + at, 4);
      if (number >= expected) return;
      commits[number].seen = wall_ns();
      ++commits[number].seen_by;
      return;
    }
  });
}

double percentile(std::vector<std::int64_t>& times, double share) {
  if (times.empty()) return -1;
  std::sort(times.begin(), times.end());
  return static_cast<double>(times[static_cast<std::size_t>(share * static_cast<double>(times.size() - 1))]) / 1e3;
}

}  // namespace

int main(int count, char** arguments) {
  wait_for_start();
  const double rate = std::stod(arguments[1]), seconds = std::stod(arguments[2]);
  tables = static_cast<std::uint32_t>(std::atoi(arguments[3]));
  const int writers = std::atoi(arguments[4]), consumers = count - 5 - writers;
  const auto warm_up = static_cast<std::uint32_t>(rate * kWarmUpSeconds);
  expected = warm_up + static_cast<std::uint32_t>(rate * seconds);
  commits = std::make_unique<Commit[]>(expected);

  for (int i = 5 + writers; i < count; ++i) {
    const std::string_view argument(arguments[i]);
    const std::size_t colon = argument.find(':');
    std::thread(consume, std::stoi(std::string(argument.substr(0, colon))), from_hex(argument.substr(colon + 1)))
        .detach();
  }
  sleep(1);  // they have reached the tail
  std::vector<std::thread> threads;
  const std::int64_t began = wall_ns();
  for (int i = 0; i < writers; ++i) threads.emplace_back(write_steadily, std::atoi(arguments[5 + i]), began, rate);
  for (std::thread& thread : threads) thread.join();
  const double took = static_cast<double>(wall_ns() - began) / 1e9;
  sleep(1);

  std::vector<std::int64_t> commit_times, latencies;
  int lost = 0;
  for (std::uint32_t i = 0; i < expected; ++i) {
    const Commit& commit = commits[i];
    if (commit.seen_by < consumers) ++lost;
    if (i < warm_up) continue;
    commit_times.push_back(commit.acknowledged - commit.sent);
    if (consumers > 0 && commit.seen > 0) latencies.push_back(std::max(commit.seen - commit.acknowledged, kShortest));
  }
  std::printf(
      "{\"commits\": %u, \"lost\": %d, \"rate\": %.0f, \"commit_p50\": %.1f, \"commit_p99\": %.1f, \"hop_p50\": %.1f, "
      "\"hop_p99\": %.1f, \"hop_max\": %.1f}\n",
      expected, lost, expected / took, percentile(commit_times, 0.5), percentile(commit_times, 0.99),
      percentile(latencies, 0.5), percentile(latencies, 0.99), percentile(latencies, 1));
  std::fflush(stdout);
  std::_Exit(0);
}
