#pragma once
// The samples of this folder: binary log files of real servers, with what the server itself says of them. See
// README.md.
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "protocol/bytes.h"
#include "protocol/event/events.h"

namespace binrelay::golden {

// One row of SHOW BINLOG EVENTS.
struct ShownEvent {
  std::uint64_t position = 0;
  std::string type;
  std::uint64_t end = 0;
  std::string info;
};

struct PlacedEvent {
  EventHeader header;
  Bytes bytes;  // points into the sample
  std::uint64_t offset = 0;
};

struct Sample {
  std::string name;
  std::string content;
  std::string executed;           // the server's GTIDs when the file ended
  std::vector<ShownEvent> shown;  // without what a Transaction_payload holds

  Bytes bytes() const { return as_bytes(content); }
  // Whole events, from offset 4 to the end.
  std::vector<PlacedEvent> events() const {
    std::vector<PlacedEvent> placed;
    for (std::uint64_t offset = kFirstEventOffset; offset < content.size();) {
      const Bytes rest = bytes().subspan(offset);
      const EventHeader header = decode_event_header(rest).value();
      placed.push_back({header, rest.first(header.size), offset});
      offset += header.size;
    }
    return placed;
  }
  FormatDescription format() const { return decode_format_description(events().front().bytes).value(); }
};

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Undoes Python's unicode_escape for what a server prints of ASCII texts.
inline std::string unescaped(const std::string& text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      result += text[i];
      continue;
    }
    const char kind = text[++i];
    result += kind == 'n' ? '\n' : kind == 't' ? '\t' : kind;
  }
  return result;
}

inline Sample load(const std::string& name) {
  const std::filesystem::path folder(BINRELAY_GOLDEN);
  Sample sample{name, read_file(folder / (name + ".binlog")), "", {}};
  std::ifstream lines(folder / (name + ".events"));
  constexpr std::string_view kExecuted = "# executed ";
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(kExecuted)) sample.executed = unescaped(line.substr(kExecuted.size()));
    if (line.starts_with("#")) continue;
    const std::size_t type = line.find('\t');
    const std::size_t end = line.find('\t', type + 1);
    const std::size_t info = line.find('\t', end + 1);
    ShownEvent shown{std::strtoull(line.c_str(), nullptr, 10), line.substr(type + 1, end - type - 1),
                     std::strtoull(line.c_str() + end, nullptr, 10), unescaped(line.substr(info + 1))};
    const bool inside_payload = shown.position == shown.end;
    if (!inside_payload) sample.shown.push_back(std::move(shown));
  }
  return sample;
}

inline std::vector<std::string> sample_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(BINRELAY_GOLDEN)) {
    if (entry.path().extension() == ".binlog") names.push_back(entry.path().stem().string());
  }
  return names;
}

}  // namespace binrelay::golden
