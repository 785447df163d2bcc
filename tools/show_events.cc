// binrelay events: one line for each stored event, in log order.
#include <charconv>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>

#include "protocol/event/events.h"
#include "relay/config/relay_config.h"
#include "relay/runtime/logging.h"
#include "storage/archive.h"
#include "tools/console.h"
#include "tools/stream_directory.h"
#include "tools/subcommands.h"

namespace binrelay {
namespace {

// One end of the range: a byte position in the one file asked for, or a second.
struct Bound {
  std::optional<std::uint64_t> position;
  std::optional<std::int64_t> time;
};

Result<Bound> parse_bound(std::string_view text) {
  if (text.empty()) return Bound{};
  std::uint64_t position = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), position);
  if (error == std::errc() && end == text.data() + text.size()) return Bound{position, {}};
  BINRELAY_ASSIGN(const std::chrono::sys_seconds time, parse_time(text));
  return Bound{{}, time.time_since_epoch().count()};
}

const char* place_text(BoundaryPlace place) {
  switch (place) {
    case BoundaryPlace::outside:
      return "outside";
    case BoundaryPlace::group_begin:
      return "begin";
    case BoundaryPlace::group_middle:
      return "middle";
    case BoundaryPlace::group_end:
      return "end";
    case BoundaryPlace::group_whole:
      return "whole";
  }
  return "outside";
}

std::string info_of(const ArchivedEvent& event) {
  if (event.bytes.empty()) return "(" + size_text(event.header.size) + ")";
  return describe_event(event.bytes, event.segment->checksum);
}

// EventPrinter prints the events inside the bounds and counts. Thread: one.
class EventPrinter {
 public:
  EventPrinter(Bound from, Bound to, std::uint64_t limit, bool json)
      : from_(from), to_(to), limit_(limit), json_(json) {}

  // False: nothing more of this file is wanted.
  bool visit(const ArchivedEvent& event) {
    if (to_.position && event.offset >= *to_.position) return false;
    const std::int64_t time = event.header.timestamp;
    // Times of events are those of their statements and go back and forth: a late one ends nothing.
    const bool inside = (!from_.time || time >= *from_.time) && (!to_.time || time < *to_.time);
    if (!inside) return true;
    json_ ? print_as_json(event) : print_as_text(event);
    ++shown_;
    return !full();
  }
  bool full() const { return limit_ != 0 && shown_ >= limit_; }
  std::uint64_t shown() const { return shown_; }

 private:
  static void print_as_json(const ArchivedEvent& event) {
    print_json_line({{"file", event.segment->served_name},
                     {"offset", event.offset},
                     {"end", event.offset + event.header.size},
                     {"time", time_text(event.header.timestamp)},
                     {"type", event_type_name(event.header.type)},
                     {"type_code", static_cast<unsigned>(event.header.type)},
                     {"server_id", static_cast<std::uint32_t>(event.header.server_id)},
                     {"size", event.header.size},
                     {"log_pos", event.header.log_pos},
                     {"flags", event.header.flags},
                     {"place", place_text(event.place)},
                     {"info", info_of(event)}});
  }
  void print_as_text(const ArchivedEvent& event) {
    if (event.segment->number != last_segment_) {
      std::printf("%s\n%12s  %-20s  %-20s  %10s  %12s  info\n",
                  escape_control_characters(event.segment->served_name).c_str(), "offset", "time", "type", "server_id",
                  "end");
      last_segment_ = event.segment->number;
    }
    const std::string type(event_type_name(event.header.type));
    std::printf("%12llu  %-20s  %-20s  %10u  %12llu  %s\n", static_cast<unsigned long long>(event.offset),
                time_text(event.header.timestamp).c_str(), type.c_str(),
                static_cast<std::uint32_t>(event.header.server_id),
                static_cast<unsigned long long>(event.offset + event.header.size),
                escape_control_characters(info_of(event)).c_str());
  }

  const Bound from_, to_;
  const std::uint64_t limit_;
  const bool json_;
  std::uint64_t shown_ = 0;
  SegmentNumber last_segment_{};
};

// The files asked for, in log order.
Result<std::vector<std::shared_ptr<const Segment>>> chosen_files(const SegmentCatalog& catalog,
                                                                 const std::string& name) {
  if (name.empty()) return catalog.segments();
  const auto segment = catalog.find(name);
  if (!segment) return Error{Errc::not_found, "there is no file '" + name + "'; `binrelay ls` lists them"};
  return std::vector<std::shared_ptr<const Segment>>{segment};
}

// What was looked at, so that "nothing found" is not taken for "nothing there". `names`: of the files asked for.
void print_coverage(const std::vector<std::string>& names, std::size_t searched, std::uint64_t shown) {
  std::string range = "nothing";
  if (searched > 0) range = names.front();
  if (searched > 1) range += " to " + names[searched - 1];
  std::fprintf(stderr, "%s shown; searched %s (%s of %s)\n", count_text(shown, "event", "events").c_str(),
               escape_control_characters(range).c_str(), std::to_string(searched).c_str(),
               count_text(names.size(), "file", "files").c_str());
}

Status print_events(const EventsOptions& options, Bound from, Bound to) {
  BINRELAY_ASSIGN(const std::filesystem::path directory, find_stream_directory(options.archive));
  BINRELAY_ASSIGN(Archive archive, Archive::open(directory, options.file.empty() ? from.time : std::nullopt));
  EventPrinter printer(from, to, options.limit, options.archive.json);
  std::size_t searched = 0;
  for (bool more = true; more;) {
    BINRELAY_ASSIGN(const auto files, chosen_files(archive.catalog(), options.file));
    for (; searched < files.size() && !printer.full(); ++searched) {
      const Segment& segment = *files[searched];
      const auto begin = from.time ? archive.begin_not_before(segment, *from.time)
                                   : std::optional(from.position.value_or(kFirstEventOffset));
      if (!begin) continue;
      const auto visit = [&](const ArchivedEvent& event) { return printer.visit(event); };
      BINRELAY_TRY(archive.events(segment, *begin, visit));
    }
    if (printer.full()) break;
    BINRELAY_ASSIGN(more, archive.open_further());
  }
  const auto names = options.file.empty() ? archive.names() : std::vector<std::string>{options.file};
  std::fflush(stdout);
  print_coverage(names, archive.left_out() + searched, printer.shown());  // the index was searched for the first ones
  return Done{};
}

}  // namespace

int show_events(const EventsOptions& options) {
  const Result<Bound> from = parse_bound(options.from), to = parse_bound(options.to);
  if (!from.ok()) return usage_error("--from: " + from.error().context + ", nor a position");
  if (!to.ok()) return usage_error("--to: " + to.error().context + ", nor a position");
  const bool positions = from->position || to->position;
  if (positions && options.file.empty())
    return usage_error("a position needs --file: --from and --to are then offsets in it");
  const Status printed = print_events(options, *from, *to);
  return printed.ok() ? kExitOk : problem(printed.error());
}

}  // namespace binrelay
