#include "tools/console.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>

#include "relay/runtime/logging.h"
#include "tools/subcommands.h"

namespace binrelay {
namespace {

constexpr std::chrono::seconds kQuietStart{2}, kLinePeriod{10};
constexpr std::chrono::milliseconds kTerminalPeriod{200};

std::string dump(const nlohmann::json& value, int indent) {
  return value.dump(indent, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace

void complain(std::string_view text) {
  std::fprintf(stderr, "binrelay: %s\n", escape_control_characters(text).c_str());
}

int problem(const Error& error) {
  complain(error.context);
  return kExitProblem;
}

int usage_error(std::string_view text) {
  complain(text);
  return kExitUsage;
}

void print_json(const nlohmann::json& value) { std::fputs(dump(value, 2).c_str(), stdout); }
void print_json_line(const nlohmann::json& value) { std::fputs(dump(value, -1).c_str(), stdout); }

std::string time_text(std::int64_t unix_seconds) {
  if (unix_seconds == 0) return "";
  const std::time_t seconds = unix_seconds;
  std::tm fields{};
  if (::gmtime_r(&seconds, &fields) == nullptr) return std::to_string(unix_seconds);
  char text[64];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &fields);
  return text;
}

std::string size_text(std::uint64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + " B";
  constexpr const char* kUnits[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double size = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  for (; size >= 1024; ++unit) size /= 1024;
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %s", size, kUnits[unit]);
  return text;
}

std::string duration_text(std::int64_t seconds) {
  const auto with = [](std::int64_t number, const char* unit) { return std::to_string(number) + " " + unit; };
  if (seconds < 60) return with(seconds, "s");
  if (seconds < 3600) return with(seconds / 60, "min ") + with(seconds % 60, "s");
  if (seconds < 86400) return with(seconds / 3600, "h ") + with(seconds % 3600 / 60, "min");
  return with(seconds / 86400, "d ") + with(seconds % 86400 / 3600, "h");
}

std::string count_text(std::uint64_t count, std::string_view one, std::string_view many) {
  return std::to_string(count) + " " + std::string(count == 1 ? one : many);
}

std::vector<std::string> TextTable::lines(std::string_view indent) const {
  std::vector<std::vector<std::string>> cells;
  std::vector<std::size_t> width;
  for (const auto& row : rows_) {
    auto& printable = cells.emplace_back();
    width.resize(std::max(width.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) {
      printable.push_back(escape_control_characters(row[i]));
      width[i] = std::max(width[i], printable.back().size());
    }
  }
  std::vector<std::string> lines;
  for (const auto& row : cells) {
    std::string line(indent);
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string padding(width[i] - row[i].size(), ' ');
      const bool right = std::find(right_.begin(), right_.end(), i) != right_.end();
      line += (i == 0 ? "" : "  ") + (right ? padding + row[i] : row[i] + padding);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    lines.push_back(line + "\n");
  }
  return lines;
}

ProgressReport::ProgressReport(std::string_view what)
    : what_(what), terminal_(::isatty(STDERR_FILENO) == 1), next_(started_ + kQuietStart) {}

ProgressReport::~ProgressReport() {
  if (line_open_) std::fputs("\r\x1b[K", stderr);
}

Progress ProgressReport::callback() {
  return [this](std::uint64_t done, std::uint64_t total) { show(done, total); };
}

void ProgressReport::show(std::uint64_t done, std::uint64_t total) {
  const Clock::time_point now = Clock::now();
  if (now < next_) return;
  next_ = now + (terminal_ ? Clock::duration(kTerminalPeriod) : Clock::duration(kLinePeriod));
  const int percent = total == 0 ? 0 : static_cast<int>(static_cast<double>(done) * 100 / static_cast<double>(total));
  std::fprintf(stderr, "%s%s: %d %% (%s of %s)%s", terminal_ ? "\r\x1b[K" : "", what_.c_str(), percent,
               size_text(done).c_str(), size_text(total).c_str(), terminal_ ? "" : "\n");
  std::fflush(stderr);
  line_open_ = terminal_;
}

}  // namespace binrelay
