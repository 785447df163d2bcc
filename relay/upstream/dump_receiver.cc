#include "relay/upstream/dump_receiver.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "protocol/event/event_checksum.h"
#include "protocol/event/events.h"
#include "storage/event_log.h"

namespace binrelay {
namespace {

constexpr std::size_t kCreatedOffset = kEventHeaderSize + 2 + 50;  // behind the binlog version and the server version

// A format description resent before mid-file data differs from the file's in log_pos, flags, created and so in its
// CRC.
bool same_format_description(Bytes left, Bytes right) {
  if (left.size() != right.size() || left.size() < kCreatedOffset + 4 + kChecksumSize) return false;
  const auto equal = [&](std::size_t begin, std::size_t end) {
    return std::equal(left.begin() + static_cast<std::ptrdiff_t>(begin),
                      left.begin() + static_cast<std::ptrdiff_t>(end),
                      right.begin() + static_cast<std::ptrdiff_t>(begin));
  };
  return equal(0, kLogPosOffset) && equal(kEventHeaderSize, kCreatedOffset) &&
         equal(kCreatedOffset + 4, left.size() - kChecksumSize);
}

bool is_heartbeat(EventType type) { return type == EventType::heartbeat || type == EventType::heartbeat_v2; }

const EventTypeSet kOfDumps = EventTypeSet::of_dumps();

}  // namespace

DumpReceiver::DumpReceiver(DumpStart start) : start_(std::move(start)) {}

Error DumpReceiver::bad(std::string_view what) const {
  return Error{Errc::malformed, (file_.empty() ? start_.file : place()) + ": " + std::string(what)};
}

Error DumpReceiver::differs(std::uint64_t offset) const {
  return Error{Errc::conflict, "the source's " + file_ + " differs from the stored one at " + std::to_string(offset) +
                                   ": its logs were reset, or it was restored from an older copy"};
}

Status DumpReceiver::check_checksum(Bytes event) const {
  if (checksum_ == ChecksumAlgorithm::none) return Done{};
  if (event.size() < kEventHeaderSize + kChecksumSize) return bad("an event too short for its checksum");
  if (!event_checksum_holds(event)) return bad("an event's checksum does not match");
  return Done{};
}

Result<ReceiverStep> DumpReceiver::on_event(Bytes event) {
  const auto header = decode_event_header(event);
  if (!header) return bad(header.error().context);
  if (header->size != event.size()) {
    return bad("an event of " + std::to_string(event.size()) + " bytes says it has " + std::to_string(header->size));
  }
  const bool artificial = (header->flags & kFlagArtificial) != 0;
  if (artificial && header->type == EventType::rotate) return on_fake_rotate(event);
  if (file_.empty()) return bad("an event before the one that names the file");
  if (header->type == EventType::format_description) return on_format_description(*header, event);
  if (!described_) return bad("an event before the format description");
  BINRELAY_TRY(check_checksum(event));
  if (is_heartbeat(header->type)) return on_heartbeat(event);
  const bool resent = header->type == EventType::mariadb_start_encryption && header->log_pos == 0;
  if (artificial || resent) return ReceiverStep{PassOver{}};
  return on_file_event(*header, event);
}

std::span<const ArrivedEvent> DumpReceiver::next_run(Bytes stream, std::size_t most) {
  if (!described_ || offset_ < stored_end_) return {};
  const std::span<ArrivedEvent> room = std::span(run_).first(std::min(most, run_.size()));
  return room.first(find_arrived(stream, offset_, kOfDumps, checksum_, room));
}

Result<ReceiverStep> DumpReceiver::on_fake_rotate(Bytes event) {
  // The first carries a checksum because we announced one, later ones as the file before them.
  BINRELAY_TRY(check_checksum(event));
  const auto rotate = decode_rotate(event, checksum_);
  if (!rotate) return bad(rotate.error().context);
  if (!is_safe_file_name(rotate->file_name)) return bad("a file name that cannot be stored");
  const std::string name(rotate->file_name);
  const bool first = file_.empty();
  if (first && (name != start_.file || rotate->position != start_.position)) {
    return bad("asked for position " + std::to_string(start_.position) + ", the source starts at " + name + ":" +
               std::to_string(rotate->position));
  }
  described_ = false;
  if (!first && name == file_) {
    if (rotate->position != offset_) return bad("the source goes on at " + std::to_string(rotate->position));
    return ReceiverStep{PassOver{}};
  }
  if (first && start_.stored) {
    file_ = name;
    offset_ = start_.position;
    stored_end_ = start_.stored->end;
    format_description_ = start_.stored->format_description;
    return ReceiverStep{PassOver{}};
  }
  if (!first && offset_ < stored_end_) return differs(offset_);  // its file ends here, ours does not
  if (rotate->position != kFirstEventOffset) return bad("the next file, " + name + ", does not start at its beginning");
  file_ = name;
  offset_ = stored_end_ = kFirstEventOffset;
  format_description_.clear();
  return ReceiverStep{BeginFile{name}};
}

Result<ReceiverStep> DumpReceiver::on_format_description(const EventHeader& header, Bytes event) {
  const auto description = decode_format_description(event);
  if (!description) return bad(description.error().context);
  if (offset_ != kFirstEventOffset) return on_resent_format_description(event);
  // At the start of a file its CRC is valid whatever the file's algorithm.
  if (!event_checksum_holds(event)) return bad("the format description's checksum does not match");
  if ((header.flags & kFlagBinlogInUse) != 0) return bad("a format description with the in-use flag");
  checksum_ = description->checksum;
  described_ = true;
  format_description_.assign(event.begin(), event.end());
  return on_file_event(header, event);
}

Result<ReceiverStep> DumpReceiver::on_resent_format_description(Bytes event) {
  if (!same_format_description(event, format_description_)) return differs(kFirstEventOffset);
  BINRELAY_ASSIGN(const FormatDescription description, decode_format_description(event));
  checksum_ = description.checksum;
  BINRELAY_TRY(check_checksum(event));  // stale in files without checksums
  described_ = true;
  return ReceiverStep{PassOver{}};
}

Result<ReceiverStep> DumpReceiver::on_heartbeat(Bytes event) const {
  const auto heartbeat = decode_heartbeat(event, checksum_);
  if (!heartbeat) return bad(heartbeat.error().context);
  // Version 1 tells 32 bits only.
  const bool comparable = offset_ <= std::numeric_limits<std::uint32_t>::max();
  if (heartbeat->file_name != file_ || (comparable && heartbeat->position > offset_)) {
    return bad("the source says it has sent everything up to " + std::string(heartbeat->file_name) + ":" +
               std::to_string(heartbeat->position));
  }
  return ReceiverStep{PassOver{}};
}

Result<ReceiverStep> DumpReceiver::on_file_event(const EventHeader& header, Bytes event) {
  const std::uint64_t begin = offset_, end = offset_ + event.size();
  const bool must_have_position = header.type == EventType::format_description;
  if ((header.log_pos != 0 || must_have_position) && header.log_pos != static_cast<std::uint32_t>(end)) {
    return bad("an event says it ends at " + std::to_string(header.log_pos) + ", it ends at " + std::to_string(end));
  }
  if (begin < stored_end_ && end > stored_end_) return differs(begin);
  offset_ = end;
  if (end <= stored_end_) return ReceiverStep{CompareEvent{event, begin}};
  return ReceiverStep{StoreEvent{event, begin}};
}

}  // namespace binrelay
