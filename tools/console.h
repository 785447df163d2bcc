#pragma once
// What the subcommands say on a terminal or into a pipe.
#include <chrono>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/result.h"
#include "storage/archive.h"

namespace binrelay {

// "binrelay: <text>" on standard error, control characters escaped: the text may come from a source or a damaged file.
void complain(std::string_view text);
int problem(const Error& error);         // complains; kExitProblem
int usage_error(std::string_view text);  // complains; kExitUsage

void print_json(const nlohmann::json& value);       // indented
void print_json_line(const nlohmann::json& value);  // one line

std::string time_text(std::int64_t unix_seconds);  // "2026-11-22T10:00:00Z"; 0 is ""
std::string size_text(std::uint64_t bytes);        // "1.2 GiB"
std::string duration_text(std::int64_t seconds);   // "2 h 3 min"
std::string count_text(std::uint64_t count, std::string_view one, std::string_view many);  // "1 file", "3 files"

// Rows of cells printed as aligned columns; control characters are escaped.
class TextTable {
 public:
  explicit TextTable(std::vector<std::string> header) : rows_{std::move(header)} {}
  void align_right(std::size_t column) { right_.push_back(column); }
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  // One line a row, the header first; each ends in a newline.
  std::vector<std::string> lines(std::string_view indent = "") const;

 private:
  std::vector<std::vector<std::string>> rows_;
  std::vector<std::size_t> right_;
};

// Says on standard error how far long work has come: after 2 seconds, then in place on a terminal, as a line every 10
// seconds otherwise.
class ProgressReport {
 public:
  explicit ProgressReport(std::string_view what);
  ~ProgressReport();
  ProgressReport(const ProgressReport&) = delete;
  ProgressReport& operator=(const ProgressReport&) = delete;
  Progress callback();  // borrows this

 private:
  void show(std::uint64_t done, std::uint64_t total);

  using Clock = std::chrono::steady_clock;
  const std::string what_;
  const bool terminal_;
  const Clock::time_point started_ = Clock::now();
  Clock::time_point next_;
  bool line_open_ = false;
};

}  // namespace binrelay
