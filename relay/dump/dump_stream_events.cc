// DumpStream: what becomes of each event. Nothing here suspends.
#include "protocol/event/event_builder.h"
#include "protocol/event/event_checksum.h"
#include "protocol/event/events.h"
#include "relay/dump/dump_stream.h"
#include "relay/dump/event_downgrade.h"

namespace binrelay {
std::optional<SqlError> DumpStream::check_first_event(const CursorEvent& event) const {
  // A position inside an event can look like an event; its checksum or its own idea of where it ends gives it away.
  const std::uint64_t end = event.position.offset + event.header.size;
  const bool ends_right = event.header.log_pos == 0 || event.header.log_pos == static_cast<std::uint32_t>(end);
  const bool sum_right = !event.whole || segment_->checksum == ChecksumAlgorithm::none ||
                         event.header.type == EventType::format_description ||
                         event.header.size < kEventHeaderSize + kChecksumSize || event_checksum_holds(event.bytes);
  if (ends_right && sum_right) return std::nullopt;
  return position_inside_event(flavour_, plan_.place);
}

std::optional<SqlError> DumpStream::decide(const CursorEvent& event) {
  const EventType type = event.header.type;
  if (belongs_to_file(type)) skipping_ = false;
  if (!is_gtid(type)) return std::nullopt;
  std::optional<AnyGtid> gtid;
  if (flavour_ == Flavour::mysql) {
    const auto head = decode_mysql_gtid(event.bytes, segment_->checksum);
    if (!head) return log_unreadable(flavour_, place());
    if (!head->anonymous) gtid = head->gtid;
    if (head->anonymous && plan_.gtid_command) return anonymous_group(place(), event.position.offset);
  } else {
    const auto head = decode_mariadb_gtid(event.bytes, segment_->checksum);
    if (!head) return log_unreadable(flavour_, place());
    gtid = head->gtid;
  }
  const SkipDecision decision = plan_.skip.on_group(gtid);
  if (decision == SkipDecision::refuse) return plan_.skip.refusal();
  skipping_ = decision == SkipDecision::skip || segment_->series->skips(gtid);
  return std::nullopt;
}

DumpStream::Ended DumpStream::judge_by_gtid(const CursorEvent& event, bool* send) {
  const EventType type = event.header.type;
  *send = false;
  if (skipping_ && (is_gtid(type) || belongs_to_file(type))) close_skipped_run();
  // A dump whose end has been reached before it began still shows the head of a file.
  const bool in_file_head = type == EventType::format_description || type == EventType::mariadb_gtid_list ||
                            type == EventType::mariadb_start_encryption;
  if (!in_file_head && plan_.skip.ends_here()) return finish_with_eof("@slave_until_gtid reached");
  if (const auto error = decide(event)) return fail(*error);

  const bool first_description = event.position == LogPosition{plan_.start.segment, kFirstEventOffset};
  if (flavour_ == Flavour::mysql && first_description && !plan_.file_named) {
    held_description_.emplace(event.bytes.begin(), event.bytes.end());
    return std::nullopt;
  }
  if (held_description_ && type == EventType::previous_gtids && event.whole) {
    held_rest_.assign(event.bytes.begin(), event.bytes.end());
    return std::nullopt;
  }
  release_held_head(skipping_);
  if (skipping_) {
    skipped_run_open_ = true;
    skipped_end_ = cursor_->position().offset;
    return std::nullopt;
  }
  // MySQL tells where a skipped run ended before anything else is sent.
  if (skipped_run_open_ && flavour_ == Flavour::mysql) add_heartbeat(skipped_end_);
  skipped_run_open_ = false;
  *send = true;
  return std::nullopt;
}

DumpStream::Ended DumpStream::judge_by_position(const CursorEvent& event, bool* send) {
  if (const auto error = decide(event)) return fail(*error);
  *send = !skipping_;
  if (*send) {
    jump_over_skipped();
  } else {
    skipped_run_open_ = true;
    skipped_end_ = cursor_->position().offset;
  }
  return std::nullopt;
}

// A MySQL replica adds the sizes of events up and moves by nothing else than a ROTATE; MariaDB's goes by where an event
// says it ends.
void DumpStream::jump_over_skipped() {
  if (skipped_run_open_ && flavour_ == Flavour::mysql)
    add_fake_rotate(segment_->served_name, skipped_end_, segment_->checksum);
  skipped_run_open_ = false;
}

// Events of an unpacked payload are larger than what the file has: who adds sizes up is told where it is behind them.
void DumpStream::tell_place_behind_unpacked(std::uint64_t place) {
  const bool told = flavour_ != Flavour::mysql || plan_.skip.by_gtid() || !rotated_to_.empty();
  if (told || !plan_.view || !plan_.view->options.unpack_payloads || replica_position_ == place) return;
  add_fake_rotate(segment_->served_name, place, segment_->checksum);
}

// Nothing suspends between events that are at hand: a coroutine for each would cost more than all the rest.
std::optional<CursorStep> DumpStream::add_events(Ended* ended) {
  while (!*ended && out_.size() < kWriteSize && !may_jump()) {
    if (plan_.view ? add_group(ended) : add_run()) continue;
    if (out_.has_lent() && !cursor_->keeps_bytes()) return std::nullopt;
    CursorStep step = cursor_->next();
    const auto* event = std::get_if<CursorEvent>(&step);
    if (event == nullptr) return step;
    bool in_pieces = false;
    *ended = add_event(*event, &in_pieces);
    if (in_pieces) return step;
  }
  return std::nullopt;
}

// For a client that is spared some kinds of events, or wants to stop somewhere.
bool DumpStream::looks_at_all_events() const {
  const bool downgraded =
      flavour_ == Flavour::mariadb && (plan_.mariadb_capability < kCapabilityGtid || !plan_.send_annotate);
  const bool unpacked = plan_.view && plan_.view->options.unpack_payloads;
  return plan_.leave_out_marked || downgraded || unpacked || plan_.skip.may_end();
}

// Of a renumbered series: what the log had before.
bool DumpStream::skips_by_position() const { return !plan_.skip.by_gtid() && !is_empty(segment_->series->skip); }

// By GTID the first event of each group is looked at, and the rest goes as that one did.
EventTypeSet DumpStream::types_in_runs() const {
  if (looks_at_all_events()) return {};
  return EventTypeSet::of_groups(plan_.skip.by_gtid() ? EventTypeSet::Heads::out : EventTypeSet::Heads::in);
}

bool DumpStream::add_run() {
  const bool within_sent = !skipping_ && !skipped_run_open_ && !held_description_;
  if (first_event_ || !within_sent || skips_by_position()) return false;
  const EventRun run = cursor_->next_run(run_types_, kWriteSize - out_.size());
  if (run.count == 0) return false;
  framer_.run(out_, run, lend_from_);
  if (run.last_timestamp != 0) event_time_ = run.last_timestamp;
  return true;
}

bool DumpStream::add_group(Ended* ended) {
  if (first_event_ || skips_by_position() || looks_at_all_events()) return false;
  const LogPosition begin = cursor_->position();
  const auto group = cursor_->next_group();
  if (!group) return false;
  const EventRun& run = group->run;
  if (run.last_timestamp != 0) event_time_ = run.last_timestamp;
  if (plan_.skip.by_gtid()) {
    const EventHeader header = decode_event_header(run.bytes).value();
    bool send = true;
    *ended = judge_by_gtid({header, begin, run.bytes.first(header.size), true}, &send);
    if (*ended || !send) return true;
  }
  const std::size_t before = out_.size();
  framer_.run(out_, run);
  if (group->empty) empty_bytes_ += out_.size() - before;
  if (flavour_ == Flavour::mysql) replica_position_ += run.bytes.size();
  return true;
}

DumpStream::Ended DumpStream::add_event(const CursorEvent& event, bool* in_pieces) {
  if (first_event_) {
    const auto error = plan_.view ? std::nullopt : check_first_event(event);
    if (error) return fail(*error);
    first_event_ = false;
  }
  last_event_began_ = event.position.offset;
  if (event.header.timestamp != 0) event_time_ = event.header.timestamp;
  if (plan_.skip.by_gtid()) {
    bool send = true;
    const Ended ended = judge_by_gtid(event, &send);
    if (ended || !send) return ended;
  } else if (skips_by_position()) {
    bool send = true;
    const Ended ended = judge_by_position(event, &send);
    if (ended || !send) return ended;
  }
  if (is_gtid(event.header.type)) tell_place_behind_unpacked(event.position.offset);
  if (plan_.leave_out_marked && (event.header.flags & kFlagSkipReplication) != 0) return std::nullopt;
  if (flavour_ == Flavour::mariadb && (plan_.mariadb_capability < kCapabilityGtid || !plan_.send_annotate)) {
    if (add_downgraded(event)) return std::nullopt;
  }
  *in_pieces = !event.whole;
  if (event.whole) add_file_event(event);
  return std::nullopt;
}

bool DumpStream::add_downgraded(const CursorEvent& event) {
  if (!event.whole) return event.header.type == EventType::mariadb_annotate_rows && !plan_.send_annotate;
  const auto downgraded =
      downgrade_for_capability(event.bytes, plan_.mariadb_capability, segment_->checksum, plan_.send_annotate);
  if (const auto* other = std::get_if<ByteBuffer>(&downgraded)) add(*other);
  return !std::holds_alternative<SendAsIs>(downgraded);
}

void DumpStream::close_skipped_run() {
  const auto progress = plan_.skip.take_progress();
  if (progress.empty()) return;
  add(build_fake_gtid_list(source_server_id_, progress, 0, static_cast<std::uint32_t>(skipped_end_),
                           segment_->checksum));
}

void DumpStream::release_held_head(bool first_group_skipped) {
  if (!held_description_) return;
  clear_created_ = first_group_skipped;
  add_format_description(*held_description_);
  if (!held_rest_.empty()) add(held_rest_);
  held_description_.reset();
  held_rest_.clear();
}

void DumpStream::add(Bytes event) {
  framer_.whole(out_, event);
  if (!plan_.view) return;
  if (const auto header = decode_event_header(event)) note_sent(*header);
}

void DumpStream::add_fake_rotate(const std::string& name, std::uint64_t position, ChecksumAlgorithm checksum) {
  add(build_fake_rotate(source_server_id_, name, position, checksum));
  replica_position_ = position;
}

void DumpStream::note_sent(const EventHeader& header) {
  const bool heartbeat = header.type == EventType::heartbeat || header.type == EventType::heartbeat_v2;
  if (header.log_pos != 0 && !heartbeat && flavour_ == Flavour::mysql) replica_position_ += header.size;
}

// A replica drops its temporary tables at an FDE with `created` set: not what a consumer wants that goes on where it
// was. MySQL clears it in every file of such a dump; MariaDB until the consumer's place has been passed.
void DumpStream::add_format_description(Bytes stored) {
  const bool clear = clear_created_ || (flavour_ == Flavour::mariadb && !plan_.skip.position_reached());
  add(clear ? build_mid_file_format_description(stored, false) : stored);
}

// In a renumbered series the name of the next file is not the one the source gave it.
void DumpStream::add_file_event(const CursorEvent& event) {
  if (event.header.type == EventType::format_description) return add_format_description(event.bytes);
  if (event.header.type == EventType::rotate) {
    const auto rotate = decode_rotate(event.bytes, segment_->checksum);
    if (rotate) {
      const std::string name = segment_->series->names.of(rotate->file_name);
      rotated_to_ = name;
      if (name != rotate->file_name) return add(build_renamed_rotate(event.bytes, name, segment_->checksum));
    }
  }
  add(event.bytes);
}

void DumpStream::add_heartbeat(std::uint64_t position) {
  // Behind a ROTATE a replica is in the next file, also while that has yet to come, and stops at the name of another.
  const bool rotated = !rotated_to_.empty();
  const std::string& name = rotated ? rotated_to_ : segment_->served_name;
  const std::uint64_t believed = plan_.view ? std::max(position, replica_position_) : position;
  const std::uint64_t at = rotated ? kFirstEventOffset : believed;
  // By GTID a heartbeat moves the replica, by file and position it does not.
  if (!rotated && plan_.skip.by_gtid()) replica_position_ = at;
  add(plan_.heartbeat_v2 ? build_heartbeat_v2(source_server_id_, name, at, segment_->checksum)
                         : build_heartbeat_v1(source_server_id_, name, at, segment_->checksum));
}

}  // namespace binrelay
