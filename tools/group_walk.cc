#include "tools/group_walk.h"

#include <charconv>
#include <optional>

#include "protocol/wire/ascii.h"
#include "relay/filter/view_trial.h"

namespace binrelay {
namespace {

std::optional<std::uint64_t> file_position(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

Result<GroupPlace> group_at(const Archive& archive, std::shared_ptr<const Segment> segment, std::uint64_t position) {
  std::optional<std::uint64_t> begin;
  BINRELAY_TRY(walk_groups(archive, *segment, kFirstEventOffset, [&](const WalkedEvent& walked) -> Result<bool> {
    if (walked.event.offset > position) return false;
    if (position < walked.event.offset + walked.event.header.size) begin = walked.group_begin;
    return !begin;
  }));
  if (begin) return GroupPlace{std::move(segment), *begin};
  return Error{Errc::not_found, "no transaction of " + segment->served_name + " holds " + std::to_string(position)};
}

// nullopt: the text is no GTID of this family.
std::optional<GtidState> parse_gtid(const std::string& text, Flavour flavour) {
  if (flavour == Flavour::mysql) {
    auto set = MysqlGtidSet::parse(text);
    return set && !is_empty(*set) ? std::optional<GtidState>(std::move(*set)) : std::nullopt;
  }
  auto state = MariadbBinlogState::parse(text);
  return state && !is_empty(*state) ? std::optional<GtidState>(std::move(*state)) : std::nullopt;
}

Result<GroupPlace> group_of(const Archive& archive, std::string gtid) {
  const auto& segments = archive.catalog().segments();
  const Error nowhere{Errc::not_found, "'" + gtid + "' is neither a stored GTID nor FILE:POSITION"};
  if (segments.empty()) return nowhere;
  for (char& letter : gtid) letter = lower(letter);
  const auto wanted = parse_gtid(gtid, segments.front()->flavour);
  if (!wanted) return nowhere;
  for (const auto& segment : segments) {
    BINRELAY_ASSIGN(const SegmentListing listing, archive.listing_of(segment));
    if (!is_empty(lacking(*wanted, listing.added))) continue;
    std::optional<std::uint64_t> begin;
    BINRELAY_TRY(walk_groups(archive, *segment, kFirstEventOffset, [&](const WalkedEvent& walked) -> Result<bool> {
      if (walked.begins_group() && walked.gtid && to_text(*walked.gtid) == gtid) begin = walked.group_begin;
      return !begin;
    }));
    if (begin) return GroupPlace{segment, *begin};
  }
  return nowhere;
}

}  // namespace

Status walk_groups(const Archive& archive, const Segment& segment, std::uint64_t from,
                   const std::function<Result<bool>(const WalkedEvent&)>& visit) {
  TransactionBoundary boundary;
  boundary.start_file(segment.flavour, segment.checksum);
  Status failed = Done{};
  const auto on_event = [&](const ArchivedEvent& event) {
    const auto place = boundary.on_event(event.header, event.front, event.offset);
    if (!place) {
      failed = place.error();
      return false;
    }
    if (*place == BoundaryPlace::outside || segment.series->skips(boundary.gtid())) return true;
    const GroupEvent seen{event.header, event.offset, event.front, !event.bytes.empty(), segment.checksum};
    auto more = visit({segment, seen, *place, boundary.group_begin_offset(), boundary.gtid()});
    if (!more) failed = std::move(more).error();
    return failed.ok() && *more;
  };
  const Status read = archive.events(segment, from, on_event, kTrialEventBytes);
  return read.ok() ? failed : read;
}

Result<GroupPlace> find_group(const Archive& archive, const std::string& named) {
  const std::size_t colon = named.rfind(':');
  if (colon != std::string::npos) {
    const auto segment = archive.catalog().find(std::string_view(named).substr(0, colon));
    const auto position = file_position(std::string_view(named).substr(colon + 1));
    if (segment && position) return group_at(archive, segment, *position);
  }
  return group_of(archive, named);
}

}  // namespace binrelay
