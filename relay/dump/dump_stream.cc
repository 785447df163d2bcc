#include "relay/dump/dump_stream.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <ctime>
#include <exception>
#include <utility>

#include "protocol/event/event_builder.h"

namespace binrelay {

namespace asio = boost::asio;
using asio::awaitable;

namespace {

// While others write much, a view's empty groups go out together: one of them tells a consumer nothing that has to be
// there at once, and a packet for each would cost both sides most of their time. A change takes along what stands
// before it.
constexpr auto kEmptyGroupsRest = std::chrono::milliseconds(5);
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
      waiter_(signal, context, [this] { return serve_in_place(); }),
      readers_(readers),
      progress_(std::move(progress)),
      framer_(*channel.sequence()),
      run_types_(types_in_runs()),
      lend_from_(channel.has_tls() ? EventFramer::kNeverLend : kLendFrom) {}

void DumpStream::open() { static_cast<void>(open_cursor(plan_.start)); }

bool DumpStream::open_cursor(LogPosition at) {
  auto cursor = LogCursor::open(log_, at, plan_.view || channel_.has_tls() ? LogCursor::kBufferSize : kReadSize);
  if (!cursor) return false;
  if (!plan_.view) {
    cursor_.emplace(std::move(*cursor));
    return true;
  }
  const bool by_size = flavour_ == Flavour::mysql && !plan_.skip.by_gtid();
  auto shared = by_size ? plan_.view->shared_by_size : plan_.view->shared;
  if (looks_at_all_events()) shared.reset();  // it takes none
  cursor_.emplace(std::make_unique<FilteredCursor>(log_, std::move(*cursor), plan_.view, by_size, shared));
  return true;
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
  if (!channel_.has_tls()) channel_.prepare_for_bulk();  // what is encrypted comes in bursts, and may lie in wait
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

    Ended ended = std::exchange(ended_in_place_, std::nullopt);
    if (ended) co_return *ended;
    std::optional<CursorStep> step = std::exchange(step_in_place_, std::nullopt);
    if (!step) step = add_events(&ended);
    if (ended) co_return *ended;
    if (!step) {
      ended = co_await flush();
      if (!ended && may_jump()) co_await jump_over_known();
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

// In the first file of a dump by MySQL's GTIDs, where it comes upon a group that the consumer has.
bool DumpStream::may_jump() const {
  return skipping_ && !looked_for_known_ && flavour_ == Flavour::mysql && plan_.skip.by_gtid() &&
         segment_->number == plan_.start.segment;
}

// Of most groups at the beginning of the file the index knows whether the consumer has them: walking past them would
// take as long as reading the file.
awaitable<void> DumpStream::jump_over_known() {
  looked_for_known_ = true;
  const auto look = [](const EventLog& log, const Segment& segment, const GroupSkip& skip) -> awaitable<std::uint64_t> {
    co_return log.end_of_blocks(
        segment, [&](const GtidState& added, std::uint64_t groups) { return skip.skips_all(added, groups); });
  };
  const std::uint64_t known = co_await asio::co_spawn(readers_, look(log_, *segment_, plan_.skip), asio::use_awaitable);
  if (known > cursor_->position().offset && open_cursor({segment_->number, known})) skipped_end_ = known;
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
  resting_ = may_rest();
  if (!resting_) {
    const Ended ended = co_await flush();
    if (ended) co_return ended;
  }

  const LogPosition at = cursor_->position();
  const auto due = heartbeat_due();
  note_acknowledged(true);
  auto until = sent_.more_than_one() ? std::min(due, Clock::now() + kAcknowledgementLook) : due;
  if (resting_) until = std::min(until, last_sent_ + kEmptyGroupsRest);
  release_buffers();
  channel_.release_buffers();
  const auto nothing_yet = [&] { return !end_reason_ && !channel_.closed() && log_.ends().visible <= at; };
  rested_ = co_await waiter_.wait(until, nothing_yet, served_by());
  if (channel_.closed() && !end_reason_) co_return DumpEnd{"the consumer has left"};
  const bool silent = out_.empty() && !step_in_place_ && !ended_in_place_ && Clock::now() >= heartbeat_due();
  if (!end_reason_ && silent && log_.ends().visible <= cursor_->position()) {
    add_heartbeat(cursor_->position().offset);
    co_return co_await flush();
  }
  co_return std::nullopt;
}

// A thread that others wait for does no more than hand bytes on.
TailSignal::ServedBy DumpStream::served_by() const {
  const bool more_to_say =
      plan_.skip.may_end() || (plan_.view && plan_.view->options.unpack_payloads) || sent_.more_than_one();
  if (more_to_say || channel_.has_tls()) return TailSignal::ServedBy::nobody;
  return plan_.view ? TailSignal::ServedBy::io_thread : TailSignal::ServedBy::any_thread;
}

// The plain case: a little that is at hand, and a connection that takes it. Whatever it leaves in the buffer or sets
// aside the coroutine goes on with.
bool DumpStream::serve_in_place() {
  if (step_in_place_ || ended_in_place_) return false;
  try {
    return serve_plain_case();
  } catch (const std::exception& exception) {  // no memory: this dump's end, not that of the thread it is served by
    ended_in_place_ = DumpEnd{exception.what(), true};
    return false;
  }
}

bool DumpStream::serve_plain_case() {
  for (bool sent = false, has_read = false;;) {
    std::optional<CursorStep> step = add_events(&ended_in_place_);
    if (ended_in_place_) return false;
    if (!step) {
      if (may_jump() || std::exchange(sent, true) || out_.size() >= kWriteSize || !send_in_place()) return false;
    } else if (std::get_if<AtVisibleEnd>(&*step)) {
      return send_in_place();
    } else if (std::get_if<NeedsRead>(&*step)) {
      // What was lent lies where the next read goes.
      const bool goes_on = out_.has_lent() || skipped_run_open_ || cursor_->looks_ahead();
      if (std::exchange(has_read, true) || goes_on) return false;
      const auto read = cursor_->read(ReadMode::cached_only);
      if (!read || !*read) return false;
    } else {
      step_in_place_ = std::move(step);
      return false;
    }
  }
}

bool DumpStream::send_in_place() {
  if (held_description_ || skipped_run_open_) return false;
  if (may_rest()) return resting_;  // the wait ends in time for them
  if (out_.empty()) return true;
  const auto sent = channel_.send_at_once(out_.pieces());
  if (!sent) return false;
  const bool all = *sent == out_.size();
  out_.drop_front(*sent);
  if (all) {
    note_progress(*sent);
    release_buffers();
  } else {
    progress_->sent_bytes += *sent;
    empty_bytes_ = 0;
  }
  return all;
}

void DumpStream::release_buffers() {
  if (out_.empty()) out_.release_above(kIdleBuffer);
  cursor_->release_buffer();
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
  if (out_.has_lent()) {
    const Ended ended = co_await flush();
    if (ended) co_return ended;
  }
  // Others have the thread when a client does not take what it is sent; not everybody waits for that. What is read is
  // looked at while it is in the processor's cache.
  if (!std::exchange(rested_, false)) co_await asio::post(channel_.executor(), asio::use_awaitable);
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

bool DumpStream::may_rest() const {
  const bool only_empty_groups = !out_.empty() && out_.size() == empty_bytes_;
  return only_empty_groups && out_.size() < kIdleBuffer && Clock::now() < last_sent_ + kEmptyGroupsRest;
}

awaitable<DumpStream::Ended> DumpStream::flush() {
  if (out_.empty()) co_return std::nullopt;
  const Status sent = co_await channel_.send_eagerly(out_.pieces());
  if (channel_.waited()) rested_ = true;
  if (!sent)
    co_return DumpEnd{end_reason_          ? "ended"
                      : channel_.stalled() ? "the consumer reads nothing"
                                           : "the consumer has left: " + sent.error().context};
  note_progress(out_.size());
  out_.clear();
  note_acknowledged(false);
  co_return std::nullopt;
}

void DumpStream::note_progress(std::size_t sent) {
  progress_->sent_bytes += sent;
  if (cursor_) {
    progress_->segment = raw(cursor_->position().segment);
    progress_->offset = cursor_->position().offset;
  }
  progress_->event_time = event_time_;
  progress_->moved_at = std::time(nullptr);
  empty_bytes_ = 0;
  last_sent_ = Clock::now();
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
