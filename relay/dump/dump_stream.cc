#include "relay/dump/dump_stream.h"

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <ctime>
#include <utility>

#include "protocol/event/event_builder.h"
#include "protocol/event/event_checksum.h"
#include "protocol/event/events.h"
#include "relay/dump/event_downgrade.h"

namespace binrelay {

namespace asio = boost::asio;
using asio::awaitable;

namespace {

// One write covers about this much; larger buffers fall out of the processor's cache.
constexpr std::size_t kWriteSize = 128u << 10;
// What a dump keeps that waits for more.
constexpr std::size_t kIdleBuffer = 16u << 10;
// A dump replaced or told to end says so to its client, if the client still reads within this time.
constexpr auto kLastWordTime = std::chrono::seconds(5);
// Stored bytes that were found damaged are fetched from the source meanwhile, if it can be reached.
constexpr auto kRestoreTime = std::chrono::seconds(30);
constexpr auto kRestoreLook = std::chrono::milliseconds(250);
// While a consumer at the end of the log has not acknowledged everything.
constexpr auto kAcknowledgementLook = std::chrono::milliseconds(100);

awaitable<std::optional<Error>> read_blocking(DumpCursor& cursor) {
  const auto read = cursor.read(ReadMode::may_block);
  if (!read) co_return read.error();
  co_return std::nullopt;
}

constexpr std::array kGroupHeads{EventType::gtid, EventType::anonymous_gtid, EventType::gtid_tagged,
                                 EventType::mariadb_gtid};

bool is_group_head(EventType type) { return std::ranges::find(kGroupHeads, type) != kGroupHeads.end(); }

}  // namespace

DumpStream::DumpStream(DumpPlan plan, const EventLog& log, const SourceIdentity& source, PacketChannel& channel,
                       TailSignal& signal, asio::io_context& context, asio::thread_pool& readers,
                       std::shared_ptr<ConnectionEntry::Progress> progress)
    : plan_(std::move(plan)),
      log_(log),
      source_(source),
      source_server_id_(source.server_id),
      flavour_(source.flavour),
      channel_(channel),
      waiter_(signal, context),
      readers_(readers),
      progress_(std::move(progress)),
      framer_(*channel.sequence()),
      run_types_(types_in_runs()) {}

void DumpStream::open() {
  auto cursor = LogCursor::open(log_, plan_.start);
  if (!cursor) return;
  if (!plan_.view) {
    cursor_.emplace(std::move(*cursor));
    return;
  }
  const bool by_size = flavour_ == Flavour::mysql && !plan_.skip.by_gtid();
  cursor_.emplace(std::make_unique<FilteredCursor>(log_, std::move(*cursor), plan_.view, by_size));
}

void DumpStream::end(EndReason reason) {
  end_reason_ = reason;
  if (reason == EndReason::killed || reason == EndReason::shutdown) {
    channel_.close();
  } else {
    channel_.set_deadline(kLastWordTime);
  }
  waiter_.wake();
}

awaitable<DumpEnd> DumpStream::run() {
  DumpEnd end = co_await serve();
  co_await flush();  // its last words
  co_return end;
}

awaitable<DumpEnd> DumpStream::serve() {
  const Ended refused = co_await send_head();
  if (refused) co_return *refused;
  for (;;) {
    if (end_reason_ == EndReason::query_killed) co_return finish_with_eof("KILL QUERY");
    if (end_reason_ == EndReason::replaced_by_same_replica) co_return fail(replaced_by_same_replica(source_, place()));
    if (end_reason_) co_return DumpEnd{*end_reason_ == EndReason::shutdown ? "shutdown" : "killed"};

    Ended ended;
    const std::optional<CursorStep> step = add_events(&ended);
    if (ended) co_return *ended;
    if (!step) {
      ended = co_await flush();
    } else if (const auto* event = std::get_if<CursorEvent>(&*step)) {
      ended = co_await send_large_event(*event);
    } else if (std::get_if<NeedsRead>(&*step)) {
      ended = co_await read_more();
    } else if (std::get_if<AtVisibleEnd>(&*step)) {
      ended = co_await on_visible_end();
    } else if (const auto* segment_end = std::get_if<SegmentEnd>(&*step)) {
      ended = co_await on_segment_end(*segment_end->following);
    } else {
      ended = fail_step(std::get<Error>(*step));
    }
    if (ended) co_return *ended;
  }
}

DumpEnd DumpStream::fail_step(const Error& error) {
  const bool of_view = error.code == Errc::refused || error.code == Errc::unsupported || error.code == Errc::limit;
  if (plan_.view && of_view) return fail(view_unavailable(error.context));
  const bool inside_event = first_event_ && error.code != Errc::io;
  DumpEnd ended = fail(inside_event ? position_inside_event(flavour_, plan_.place) : log_unreadable(flavour_, place()));
  ended.reason += " (" + error.context + ")";
  return ended;
}

awaitable<DumpStream::Ended> DumpStream::send_head() {
  if (!cursor_) co_return fail(file_not_found());
  segment_ = log_.catalog()->find(plan_.start.segment);
  if (!segment_) co_return fail(file_not_found());
  enter_segment(segment_->number);

  const auto announced =
      plan_.announced == AnnouncedChecksum::crc32 ? ChecksumAlgorithm::crc32 : ChecksumAlgorithm::none;
  add_fake_rotate(segment_->served_name, plan_.start.offset, announced);
  if (plan_.error_after_rotate) co_return fail(*plan_.error_after_rotate);
  if (plan_.start.offset > kFirstEventOffset) {
    const ByteBuffer& stored = segment_->format_description;
    add(plan_.file_named ? stored : build_mid_file_format_description(stored, !plan_.gtid_command));
  }
  co_return std::nullopt;
}

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
  if (!is_group_head(type)) return std::nullopt;
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
  if (skipping_ && (is_group_head(type) || belongs_to_file(type))) close_skipped_run();
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
  while (!*ended && out_.size() < kWriteSize) {
    if (plan_.view ? add_plain_group(ended) : add_run()) continue;
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

// By GTID the first event of each group is looked at, and the rest goes as that one did.
EventTypeSet DumpStream::types_in_runs() const {
  if (looks_at_all_events()) return {};
  EventTypeSet types = EventTypeSet::of_groups();
  if (!plan_.skip.by_gtid()) return types;
  for (const EventType head : kGroupHeads) types.remove(head);
  return types;
}

bool DumpStream::add_run() {
  const bool within_sent = !skipping_ && !skipped_run_open_ && !held_description_;
  const bool all_of_file = plan_.skip.by_gtid() || is_empty(segment_->series->skip);
  if (first_event_ || !within_sent || !all_of_file) return false;
  const EventRun run = cursor_->next_run(run_types_, kWriteSize - out_.size());
  if (run.count == 0) return false;
  framer_.run(out_, run);
  if (run.last_timestamp != 0) event_time_ = run.last_timestamp;
  return true;
}

bool DumpStream::add_plain_group(Ended* ended) {
  const bool all_of_file = plan_.skip.by_gtid() || is_empty(segment_->series->skip);
  if (first_event_ || !all_of_file || looks_at_all_events()) return false;
  const LogPosition begin = cursor_->position();
  const auto group = cursor_->next_plain_group();
  if (!group) return false;
  if (group->last_timestamp != 0) event_time_ = group->last_timestamp;
  if (plan_.skip.by_gtid()) {
    const EventHeader header = decode_event_header(group->bytes).value();
    bool send = true;
    *ended = judge_by_gtid({header, begin, group->bytes.first(header.size), true}, &send);
    if (*ended || !send) return true;
  }
  framer_.run(out_, *group);
  if (flavour_ == Flavour::mysql) replica_position_ += group->bytes.size();
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
  } else if (!is_empty(segment_->series->skip)) {
    bool send = true;
    const Ended ended = judge_by_position(event, &send);
    if (ended || !send) return ended;
  }
  if (is_group_head(event.header.type)) tell_place_behind_unpacked(event.position.offset);
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

awaitable<DumpStream::Ended> DumpStream::send_large_event(const CursorEvent& event) {
  // What is known to be damaged is said now: once half an event is out no error packet fits in.
  std::optional<Error> damage = cursor_->known_damage(event);
  if (damage) {
    const Ended ended = co_await flush();
    if (ended) co_return ended;
    const Look look = [&]() -> awaitable<std::optional<Error>> { co_return cursor_->known_damage(event); };
    damage = co_await wait_while_damaged(std::move(*damage), look);
  }
  if (damage) co_return fail_unreadable(*damage);
  framer_.begin(out_, event.header.size);
  note_sent(event.header);
  framer_.piece(out_, event.bytes);
  for (bool last = false;;) {
    Ended ended = co_await flush_if_large();
    if (ended || last) co_return ended;
    const PieceStep step = cursor_->next_piece();
    if (const auto* piece = std::get_if<Piece>(&step)) {
      framer_.piece(out_, piece->bytes);
      last = piece->last;
    } else if (std::get_if<NeedsRead>(&step)) {
      ended = co_await read_more();
      if (ended) co_return ended;
    } else {
      co_return fail_unreadable(std::get<Error>(step));
    }
  }
}

awaitable<DumpStream::Ended> DumpStream::on_segment_end(const Segment& following) {
  if (following.series->history != segment_->series->history)
    co_return fail(history_ended(segment_->served_name, following.served_name));
  release_held_head(skipped_run_open_);
  if (skipping_) close_skipped_run();
  add_fake_rotate(following.served_name, kFirstEventOffset, segment_->checksum);
  segment_ = log_.catalog()->find(following.number);
  if (!segment_) co_return fail(next_file_gone(flavour_, place()));
  enter_segment(segment_->number);
  rotated_to_.clear();
  skipping_ = false;
  skipped_run_open_ = false;
  if (auto error = refuse_checksum(plan_, *segment_, place())) co_return fail(*error);
  co_return co_await flush_if_large();
}

awaitable<DumpStream::Ended> DumpStream::on_visible_end() {
  release_held_head(skipped_run_open_);
  if (skipped_run_open_) {
    if (!plan_.skip.by_gtid()) {
      jump_over_skipped();
    } else if (flavour_ == Flavour::mysql) {
      add_heartbeat(cursor_->position().offset);
    } else {
      close_skipped_run();
    }
    skipped_run_open_ = false;
  }
  tell_place_behind_unpacked(cursor_->position().offset);
  if (plan_.skip.ends_here()) co_return finish_with_eof("@slave_until_gtid reached");
  if (plan_.non_blocking) co_return finish_with_eof("end of the log");
  const Ended ended = co_await flush();
  if (ended) co_return ended;

  const LogPosition at = cursor_->position();
  const auto due = heartbeat_due();
  note_acknowledged(true);
  const auto until = sent_.more_than_one() ? std::min(due, Clock::now() + kAcknowledgementLook) : due;
  out_.release_above(kIdleBuffer);
  cursor_->release_buffer();
  rested_ =
      co_await waiter_.wait(until, [&] { return !end_reason_ && !channel_.closed() && log_.ends().visible <= at; });
  if (channel_.closed() && !end_reason_) co_return DumpEnd{"the consumer has left"};
  if (!end_reason_ && Clock::now() >= due && log_.ends().visible <= at) {
    add_heartbeat(at.offset);
    co_return co_await flush();
  }
  co_return std::nullopt;
}

awaitable<std::optional<Error>> DumpStream::wait_while_damaged(Error found, const Look& look) {
  const auto until = Clock::now() + kRestoreTime;
  std::optional<Error> failed = std::move(found);
  while (failed && failed->code == Errc::checksum && Clock::now() < until && !end_reason_ && !channel_.closed()) {
    co_await waiter_.wait(Clock::now() + kRestoreLook, [&] { return !end_reason_ && !channel_.closed(); });
    failed = co_await look();
  }
  co_return failed;
}

DumpEnd DumpStream::fail_unreadable(const Error& error) {
  if (framer_.in_event()) {
    channel_.close();  // The client reconnects and asks for the event again.
    return DumpEnd{"cannot read the log: " + error.context, true};
  }
  DumpEnd ended = fail(log_unreadable(flavour_, place()));
  ended.reason += " (" + error.context + ")";
  return ended;
}

awaitable<DumpStream::Ended> DumpStream::read_more() {
  auto read = cursor_->read(ReadMode::cached_only);
  std::optional<Error> failed;
  if (!read) failed = read.error();
  if (read && !*read) {
    const Ended ended = co_await flush();
    if (ended) co_return ended;
    failed = co_await asio::co_spawn(readers_, read_blocking(*cursor_), asio::use_awaitable);
  }
  if (failed && failed->code == Errc::checksum) {
    const Look look = [this] { return asio::co_spawn(readers_, read_blocking(*cursor_), asio::use_awaitable); };
    failed = co_await wait_while_damaged(std::move(*failed), look);
  }
  if (failed) co_return fail_unreadable(*failed);
  // Others have the thread when a client does not take what it is sent; not everybody waits for that.
  if (!std::exchange(rested_, false)) co_await asio::post(channel_.executor(), asio::use_awaitable);
  // Nor is it silence.
  const bool silent = skipped_run_open_ || cursor_->looks_ahead();
  if (silent && !framer_.in_event() && !held_description_ && Clock::now() >= heartbeat_due()) {
    add_heartbeat(skipped_run_open_ ? skipped_end_ : cursor_->position().offset);
    co_return co_await flush();
  }
  co_return std::nullopt;
}

awaitable<DumpStream::Ended> DumpStream::flush_if_large() {
  if (out_.size() < kWriteSize) co_return std::nullopt;
  co_return co_await flush();
}

awaitable<DumpStream::Ended> DumpStream::flush() {
  if (out_.empty()) co_return std::nullopt;
  // Most of the time the connection takes all of it, and nothing has to suspend.
  Status sent = Done{};
  const Result<std::size_t> taken = channel_.send_at_once(out_.bytes());
  if (!taken) {
    sent = taken.error();
  } else if (*taken < out_.size()) {
    sent = co_await channel_.send_raw(out_.bytes().subspan(*taken));
    rested_ = true;
  }
  if (!sent)
    co_return DumpEnd{end_reason_          ? "ended"
                      : channel_.stalled() ? "the consumer reads nothing"
                                           : "the consumer has left: " + sent.error().context};
  progress_->sent_bytes += out_.size();
  if (cursor_) {
    progress_->segment = raw(cursor_->position().segment);
    progress_->offset = cursor_->position().offset;
  }
  progress_->event_time = event_time_;
  progress_->moved_at = std::time(nullptr);
  out_.clear();
  note_acknowledged(false);
  last_sent_ = Clock::now();
  co_return std::nullopt;
}

void DumpStream::enter_segment(SegmentNumber segment) {
  sent_.enter(segment, cursor_->pin(), progress_->sent_bytes + out_.size());
}

void DumpStream::note_acknowledged(bool caught_up) {
  if (!sent_.more_than_one()) return;
  const auto under_way = channel_.unacknowledged_bytes();
  if (!under_way) return;
  const std::uint64_t sent = progress_->sent_bytes;
  sent_.acknowledged(sent - std::min<std::uint64_t>(sent, *under_way), caught_up && *under_way == 0);
  progress_->needed = raw(sent_.oldest());
}

DumpEnd DumpStream::fail(const SqlError& error) {
  append_packet(out_, build_error(error), framer_.mutable_sequence());
  return DumpEnd{"error " + std::to_string(error.code) + ": " + error.text, true};
}

DumpEnd DumpStream::finish_with_eof(std::string reason) {
  if (plan_.skip.ends_here()) {
    add(build_fake_gtid_list(source_server_id_, plan_.skip.until_list(), GroupSkip::kUntilReached,
                             static_cast<std::uint32_t>(cursor_->position().offset), segment_->checksum));
  }
  append_packet(out_, build_dump_eof(), framer_.mutable_sequence());
  return DumpEnd{std::move(reason)};
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

DumpStream::Clock::time_point DumpStream::heartbeat_due() const {
  if (plan_.heartbeat_period.count() == 0) return Clock::time_point::max();
  return last_sent_ + std::chrono::duration_cast<Clock::duration>(plan_.heartbeat_period);
}

DumpPlace DumpStream::place() const {
  DumpPlace place = plan_.place;
  if (cursor_ && segment_ && cursor_->position() != plan_.start) {
    place.last_file = segment_->served_name;
    place.last_byte = cursor_->position().offset;
    place.last_event = flavour_ == Flavour::mysql ? place.last_byte : last_event_began_;
  }
  return place;
}

}  // namespace binrelay
