#include "relay/filter/filtered_cursor.h"

#include <algorithm>
#include <cstring>

#include "protocol/check.h"
#include "protocol/event/events.h"

namespace binrelay {
namespace {

constexpr std::size_t kFillerPiece = 64u << 10;
constexpr std::size_t kIdleBytes = 16u << 10;    // of each buffer, while nothing is read
constexpr std::size_t kPayloadSlice = 4u << 10;  // a little of what is compressed can be much

// Read whole before they are judged, however large.
bool must_be_whole(EventType type) {
  switch (type) {
    case EventType::query:
    case EventType::mariadb_query_compressed:
    case EventType::execute_load_query:
    case EventType::user_var:
    case EventType::table_map:
    case EventType::gtid:
    case EventType::anonymous_gtid:
    case EventType::gtid_tagged:
    case EventType::mariadb_gtid:
    case EventType::xa_prepare:
    case EventType::xid:
      return true;
    default:
      return false;
  }
}

bool begins_group(const EventHeader& header) { return is_gtid(header.type) || belongs_to_file(header.type); }

bool is_over(BoundaryPlace place) { return place == BoundaryPlace::group_end || place == BoundaryPlace::group_whole; }

std::optional<Error> failure_of(const Status& status) {
  return status.ok() ? std::nullopt : std::optional(status.error());
}

}  // namespace

FilteredCursor::FilteredCursor(const EventLog& log, LogCursor cursor, std::shared_ptr<const ConsumerView> view,
                               bool by_size, std::shared_ptr<SharedGroups> shared)
    : log_(log),
      cursor_(std::move(cursor)),
      view_(std::move(view)),
      options_(view_->options),
      from_(cursor_.position().offset),
      shared_(std::move(shared)) {
  options_.by_size = by_size;
  note_segment();
}

void FilteredCursor::note_segment() {
  flavour_ = cursor_.segment().flavour;
  checksum_ = cursor_.segment().checksum;
  boundary_.start_file(flavour_, checksum_);
  plain_.reset();
}

CursorStep FilteredCursor::next() {
  patch_.reset();
  for (;;) {
    Progress progress;
    switch (state_) {
      case State::start:
        progress = look_at_start();
        break;
      case State::find_group:
        progress = find_group();
        break;
      case State::between:
        progress = step_between();
        break;
      case State::planning:
        progress = plan();
        break;
      case State::looking_up:
        progress = look_up_prepare();
        break;
      case State::held: {
        if (anything_ready()) return show(std::move(ready_[next_ready_++]));
        state_ = State::between;
        break;
      }
      case State::rewriting:
        progress = rewrite();
        break;
      case State::passing:
        progress = pass();
        break;
    }
    if (progress) return std::move(*progress);
  }
}

// --- groups in one piece ---

std::optional<ShownGroup> FilteredCursor::next_group() {
  if (state_ == State::held && !anything_ready()) state_ = State::between;
  const LogPosition at = cursor_.position();
  if (state_ != State::between || collecting_ || !options_.judges || at.offset < from_) return std::nullopt;
  const bool at_end = is_at_end(at);
  if (!at_end && cursor_.at_hand().empty()) return std::nullopt;
  std::shared_ptr<const RuleSet> rules = view_->rules_at(at);
  if (!rules) return std::nullopt;
  if (at_end) {
    if (auto shared = take_shared(at, *rules)) return shared;
  }
  return next_plain_group(at, std::move(rules));
}

std::optional<ShownGroup> FilteredCursor::next_plain_group(LogPosition at, std::shared_ptr<const RuleSet> rules) {
  const Bytes stored = cursor_.at_hand();
  if (stored.empty()) return std::nullopt;
  if (!plain_ || rules != plain_rules_) {
    plain_rules_ = std::move(rules);
    plain_.emplace(flavour_, checksum_, ViewRules(plain_rules_, view_->allowed), options_);
  }
  plain_out_.clear();
  const auto group = plain_->next(stored, at.offset, &plain_out_);
  if (!group) return std::nullopt;
  cursor_.pass_over(group->stored_size);
  if (view_->counters != nullptr) view_->counters->add(0, group->tally);
  share_plain(*group, at);
  return ShownGroup{{plain_out_, group->events, group->last_timestamp}, group->empty};
}

std::optional<ShownGroup> FilteredCursor::take_shared(LogPosition at, const RuleSet& rules) {
  taken_ = shared_->find(at, *cursor_.reads_from(), rules);
  if (!taken_ || !cursor_.pass_to(taken_->end)) return std::nullopt;
  if (view_->counters != nullptr) view_->counters->add(taken_->tallies);
  return ShownGroup{taken_->run(), taken_->empty};
}

void FilteredCursor::note_end() {
  end_seen_ = cursor_.position();
  if (shared_ && !member_) member_.emplace(shared_);
}

bool FilteredCursor::is_at_end(LogPosition at) {
  if (!member_) return false;
  if (at.segment == end_seen_.segment && at.offset - end_seen_.offset <= kNearTheEnd) return member_->has_company();
  member_.reset();
  return false;
}

void FilteredCursor::share_plain(const PlainGroup& group, LogPosition begin) {
  if (!is_at_end(begin) || plain_out_.size() > SharedGroups::kLargestGroup) return;
  share({begin,
         begin.offset + group.stored_size,
         nullptr,
         plain_rules_,
         plain_out_,
         group.events,
         group.last_timestamp,
         group.empty,
         {{0, group.tally}}});
}

// XA: what becomes of such a group follows from others, and each remembers that for himself.
void FilteredCursor::share_held() {
  if (!is_at_end(group_begin_) || group_begin_.offset < from_ || plan_.xa_prepared || planner_->xa_finished()) return;
  FilteredGroup group{group_begin_, group_end_, nullptr, group_rules_, {}, ready_.size(), 0, false, plan_.tallies};
  for (Ready& ready : ready_) {
    make_whole(&ready);
    const Bytes bytes = ready.kind == OutEvent::Kind::made ? Bytes(ready.own) : ready.view;
    const bool in_no_file = ready.header.log_pos == 0 && flavour_ == Flavour::mysql;  // a replica does not add it up
    if (!ready.whole || in_no_file || group.bytes.size() + bytes.size() > SharedGroups::kLargestGroup) return;
    group.bytes.insert(group.bytes.end(), bytes.begin(), bytes.end());
    if (ready.header.timestamp != 0) group.last_timestamp = ready.header.timestamp;
  }
  share(std::move(group));
}

void FilteredCursor::share(FilteredGroup group) {
  group.file = cursor_.read_from();
  if (group.file) shared_->add(std::make_shared<const FilteredGroup>(std::move(group)));
}

void FilteredCursor::release_buffer() {
  taken_.reset();
  if (state_ != State::between && (state_ != State::held || anything_ready())) return;
  if (held_bytes_.capacity() > kIdleBytes) held_bytes_ = {};
  if (plain_out_.capacity() > kIdleBytes) plain_out_ = {};
  cursor_.release_buffer();
}

// --- the consumer's place ---

FilteredCursor::Progress FilteredCursor::look_at_start() {
  CursorStep step = cursor_.next();
  const auto* event = std::get_if<CursorEvent>(&step);
  if (!event) {
    if (std::holds_alternative<SegmentEnd>(step)) {
      note_segment();
      from_ = 0;
      state_ = State::between;
    }
    return step;
  }
  const bool inside = !begins_group(event->header);
  state_ = inside ? State::find_group : State::between;
  const std::uint64_t at = inside ? kFirstEventOffset : from_;
  if (auto failed = reopen({cursor_.segment().number, at})) return *failed;
  return std::nullopt;
}

FilteredCursor::Progress FilteredCursor::find_group() {
  for (;;) {
    const std::uint64_t at = cursor_.position().offset;
    if (at >= from_ && !collecting_) {
      if (at != from_) return Error{Errc::malformed, "no event begins at " + std::to_string(from_)};
      const std::uint64_t begin = boundary_.in_group() ? boundary_.group_begin_offset() : from_;
      note_segment();
      state_ = State::between;
      if (auto failed = reopen({cursor_.segment().number, begin})) return *failed;
      return std::nullopt;
    }
    CursorStep step = fetch();
    const auto* event = std::get_if<CursorEvent>(&step);
    if (!event) return step;
    const auto place = boundary_.on_event(event->header, event->bytes, event->position.offset);
    if (!place) return place.error();
  }
}

FilteredCursor::Failure FilteredCursor::reopen(LogPosition at) {
  auto again = LogCursor::open(log_, at);
  if (!again) return again.error();
  cursor_ = std::move(*again);
  return std::nullopt;
}

// --- between groups, and the first pass ---

FilteredCursor::Progress FilteredCursor::step_between() {
  CursorStep step = fetch();
  if (std::holds_alternative<SegmentEnd>(step)) {
    note_segment();
    from_ = 0;
    end_seen_ = cursor_.position();
  }
  if (std::holds_alternative<AtVisibleEnd>(step)) note_end();
  const auto* event = std::get_if<CursorEvent>(&step);
  if (!event) return step;
  const auto place = boundary_.on_event(event->header, event->bytes, event->position.offset);
  if (!place) return place.error();
  if (*place == BoundaryPlace::outside) return step;
  if (auto failed = begin_group(*event)) return *failed;
  if (auto failed = plan_event(*event, *place)) return *failed;
  state_ = State::planning;
  return std::nullopt;
}

FilteredCursor::Failure FilteredCursor::begin_group(const CursorEvent& event) {
  std::shared_ptr<const RuleSet> rules = view_->rules_at(event.position);
  if (!rules) {
    return Error{
        Errc::refused,
        "there are no filter rules for this place of the log; an account with view = \"rules\" is sent nothing "
        "before there are"};
  }
  group_rules_ = rules;
  rules_.emplace(std::move(rules), view_->allowed);
  planner_.emplace(flavour_, checksum_, *rules_, options_);
  group_begin_ = event.position;
  group_end_ = 0;
  holding_ = true;
  held_.clear();
  held_bytes_.clear();
  return std::nullopt;
}

GroupEvent FilteredCursor::group_event(const CursorEvent& event) const {
  return {event.header, event.position.offset, event.bytes, event.whole, checksum_};
}

void FilteredCursor::hold(const CursorEvent& event) {
  holding_ = holding_ && event.whole && held_bytes_.size() + event.bytes.size() <= kHeldGroup;
  if (!holding_) return;
  held_.push_back({event.header, event.position.offset, held_bytes_.size()});
  held_bytes_.insert(held_bytes_.end(), event.bytes.begin(), event.bytes.end());
}

FilteredCursor::Failure FilteredCursor::plan_event(const CursorEvent& event, BoundaryPlace place) {
  if (is_over(place)) group_end_ = event.position.offset + event.header.size;
  hold(event);
  const GroupEvent seen = group_event(event);
  if (const Status status = planner_->on_event(seen); !status) return status.error();
  if (event.header.type != EventType::transaction_payload) return std::nullopt;
  planner_->begin_payload();
  if (!event.whole) {
    begin_payload(event);
    return std::nullopt;
  }
  const Status inner =
      for_each_payload_event(seen, [this](const GroupEvent& each) { return planner_->on_event(each); });
  return failure_of(inner.ok() ? planner_->end_payload() : inner);
}

FilteredCursor::Progress FilteredCursor::plan() {
  for (;;) {
    if (payload_) {
      const auto on_event = [this](const EventHeader& header, Bytes bytes) {
        return planner_->on_event({header, payload_offset_, bytes, true, ChecksumAlgorithm::none});
      };
      if (auto step = feed_payload(on_event)) return step;
      if (payload_) continue;
      if (const Status ended = planner_->end_payload(); !ended) return ended.error();
    }
    if (group_end_ != 0) {
      if (auto failed = end_plan()) return *failed;
      return std::nullopt;
    }
    CursorStep step = fetch();
    const auto* event = std::get_if<CursorEvent>(&step);
    if (!event) return step;
    const auto place = boundary_.on_event(event->header, event->bytes, event->position.offset);
    if (!place) return place.error();
    if (auto failed = plan_event(*event, *place)) return *failed;
  }
}

FilteredCursor::Failure FilteredCursor::end_plan() {
  const std::optional<std::string>& finished = planner_->xa_finished();
  if (!finished) return finish_plan(false);
  const auto known = prepared_.find(*finished);
  if (known != prepared_.end()) return finish_plan(known->second);
  search_.emplace(log_, *finished, group_begin_);
  state_ = State::looking_up;
  return std::nullopt;
}

// What a consumer was sent of a prepare in another dump follows from the log alone.
FilteredCursor::Progress FilteredCursor::look_up_prepare() {
  if (search_) {
    PrepareSearch::Step step = search_->next();
    if (std::holds_alternative<NeedsRead>(step)) return NeedsRead{};
    if (auto* error = std::get_if<Error>(&step)) return std::move(*error);
    const auto group = std::get<PrepareSearch::Found>(step).group;
    search_.reset();
    auto cursor = group ? LogCursor::open(log_, *group) : Result<LogCursor>(Error{Errc::not_found, ""});
    if (!cursor) {  // purged: if it was emptied, the consumer will say that it does not know the transaction
      if (auto failed = finish_plan(false)) return *failed;
      return std::nullopt;
    }
    prepare_ = std::make_unique<FilteredCursor>(log_, std::move(*cursor), view_, options_.by_size);
  }
  CursorStep step = prepare_->next();
  if (!std::holds_alternative<CursorEvent>(step)) return step;
  const bool emptied = prepare_->plan_.emptied_xa;
  prepare_.reset();
  if (auto failed = finish_plan(emptied)) return *failed;
  return std::nullopt;
}

Result<bool> FilteredCursor::read(ReadMode mode) {
  if (search_) return search_->read(mode);
  return prepare_ ? prepare_->read(mode) : cursor_.read(mode);
}

FilteredCursor::Failure FilteredCursor::finish_plan(bool prepare_was_emptied) {
  if (planner_->xa_finished()) prepared_.erase(*planner_->xa_finished());
  plan_ = planner_->finish(prepare_was_emptied);
  if (plan_.xa_prepared) prepared_[*plan_.xa_prepared] = plan_.emptied_xa;
  if (view_->counters != nullptr) view_->counters->add(plan_.tallies);
  if (holding_) return rewrite_held();
  if (plan_.changed) rewriter_.emplace(flavour_, checksum_, *rules_, options_, plan_, from_);
  state_ = plan_.changed ? State::rewriting : State::passing;
  return reopen(group_begin_);
}

// --- the second pass ---

FilteredCursor::Failure FilteredCursor::rewrite_held() {
  ready_.clear();
  next_ready_ = 0;
  state_ = State::held;
  if (plan_.changed) rewriter_.emplace(flavour_, checksum_, *rules_, options_, plan_, from_);
  for (const HeldEvent& held : held_) {
    const Bytes bytes = Bytes(held_bytes_).subspan(held.at, held.header.size);
    const CursorEvent event{held.header, {group_begin_.segment, held.offset}, bytes, true};
    if (!plan_.changed) {
      if (held.offset >= from_) ready_.push_back({held.header, held.offset, bytes, {}, OutEvent::Kind::current, true});
      continue;
    }
    if (event.header.type == EventType::transaction_payload && plan_.payload_changed) {
      const GroupEvent seen = group_event(event);
      rewriter_->begin_payload(seen);
      const Status inner =
          for_each_payload_event(seen, [this](const GroupEvent& each) { return rewriter_->on_event(each, &fresh_); });
      if (auto failed = failure_of(inner.ok() ? rewriter_->end_payload(&fresh_) : inner)) return failed;
    } else if (auto failed = failure_of(rewriter_->on_event(group_event(event), &fresh_))) {
      return failed;
    }
    take_fresh(event);
  }
  if (plan_.changed) {
    rewriter_->finish(&fresh_);
    take_fresh({});
  }
  share_held();
  return std::nullopt;
}

void FilteredCursor::take_fresh(const CursorEvent& current) {
  for (OutEvent& out : fresh_) {
    Ready ready{out.header, out.offset, {}, std::move(out.bytes), out.kind, true};
    if (out.kind == OutEvent::Kind::current || out.kind == OutEvent::Kind::current_with_end) {
      ready.view = current.bytes;
      ready.whole = current.whole;
    }
    if (out.kind == OutEvent::Kind::filler) ready.whole = out.header.size <= kFillerPiece;
    ready_.push_back(std::move(ready));
  }
  fresh_.clear();
}

// An event that is not in memory as it goes out, and is to be shown as a whole.
void FilteredCursor::make_whole(Ready* ready) const {
  if (!ready->whole) return;
  if (ready->kind == OutEvent::Kind::current_with_end) {
    ready->own = with_statement_end(ready->view, checksum_);
  } else if (ready->kind == OutEvent::Kind::filler) {
    ready->own = filler(ready->header, ready->header.size, ready->header.log_pos, checksum_);
  } else {
    return;
  }
  ready->kind = OutEvent::Kind::made;
}

CursorStep FilteredCursor::show(Ready ready) {
  shown_ = std::move(ready);
  make_whole(&shown_);
  Bytes bytes = shown_.view;
  switch (shown_.kind) {
    case OutEvent::Kind::current:
      break;
    case OutEvent::Kind::made:
      bytes = shown_.own;
      break;
    case OutEvent::Kind::current_with_end:
      patch_.emplace(shown_.header.size, checksum_);
      bytes = patch_->first_with_statement_end(shown_.view);
      break;
    case OutEvent::Kind::filler:
      patch_.emplace(shown_.header.size, checksum_);
      shown_.own = filler(shown_.header, smallest_filler(ChecksumAlgorithm::none), shown_.header.log_pos,
                          ChecksumAlgorithm::none);
      std::memcpy(shown_.own.data() + kEventSizeOffset, &shown_.header.size, sizeof shown_.header.size);
      bytes = patch_->next(shown_.own);
      break;
  }
  return CursorEvent{shown_.header, {group_begin_.segment, shown_.offset}, bytes, shown_.whole};
}

PieceStep FilteredCursor::next_piece() {
  if (!patch_) return cursor_.next_piece();
  if (shown_.kind == OutEvent::Kind::filler) {
    const Bytes zeros = patch_->zeros(kFillerPiece);
    return Piece{zeros, patch_->over()};
  }
  PieceStep step = cursor_.next_piece();
  if (auto* piece = std::get_if<Piece>(&step)) piece->bytes = patch_->next(piece->bytes);
  return step;
}

std::optional<Error> FilteredCursor::known_damage(const CursorEvent& event) const {
  if (shown_.kind == OutEvent::Kind::filler && patch_) return std::nullopt;
  return cursor_.known_damage(event);
}

FilteredCursor::Failure FilteredCursor::rewrite_event(const CursorEvent& event) {
  if (event.header.type == EventType::transaction_payload && plan_.payload_changed) {
    rewriter_->begin_payload(group_event(event));
    begin_payload(event);
    return std::nullopt;
  }
  if (auto failed = failure_of(rewriter_->on_event(group_event(event), &fresh_))) return failed;
  take_fresh(event);
  return std::nullopt;
}

FilteredCursor::Progress FilteredCursor::rewrite() {
  for (;;) {
    if (anything_ready()) return show(std::move(ready_[next_ready_++]));
    ready_.clear();
    next_ready_ = 0;
    if (payload_) {
      const auto on_event = [this](const EventHeader& header, Bytes bytes) {
        return rewriter_->on_event({header, payload_offset_, bytes, true, ChecksumAlgorithm::none}, &fresh_);
      };
      if (auto step = feed_payload(on_event)) return step;
      if (!payload_) {
        if (auto failed = failure_of(rewriter_->end_payload(&fresh_))) return *failed;
      }
      take_fresh({});
      continue;
    }
    if (cursor_.position().offset >= group_end_ && !collecting_) {
      state_ = State::between;
      rewriter_->finish(&fresh_);
      take_fresh({});
      if (!ready_.empty()) state_ = State::held;
      return std::nullopt;
    }
    CursorStep step = fetch();
    const auto* event = std::get_if<CursorEvent>(&step);
    if (!event) return step;
    if (auto failed = rewrite_event(*event)) return *failed;
  }
}

FilteredCursor::Progress FilteredCursor::pass() {
  if (cursor_.position().offset >= group_end_) {
    state_ = State::between;
    return std::nullopt;
  }
  CursorStep step = cursor_.next();
  const auto* event = std::get_if<CursorEvent>(&step);
  if (event && event->position.offset < from_) return std::nullopt;
  shown_ = {};
  return step;
}

LogPosition FilteredCursor::position() const {
  switch (state_) {
    case State::start:
    case State::find_group:
      return {cursor_.segment().number, from_};
    case State::planning:
    case State::looking_up:
      return group_begin_;
    case State::held:
      if (next_ready_ < ready_.size()) return {group_begin_.segment, ready_[next_ready_].offset};
      return cursor_.position();
    default:
      return cursor_.position();
  }
}

// --- events as they are read ---

CursorStep FilteredCursor::fetch() {
  if (collecting_) return collect();
  CursorStep step = cursor_.next();
  const auto* event = std::get_if<CursorEvent>(&step);
  if (!event || event->whole || !must_be_whole(event->header.type)) return step;
  collecting_ = *event;
  collected_.assign(event->bytes.begin(), event->bytes.end());
  return collect();
}

CursorStep FilteredCursor::collect() {
  for (;;) {
    PieceStep step = cursor_.next_piece();
    if (std::holds_alternative<NeedsRead>(step)) return NeedsRead{};
    if (auto* error = std::get_if<Error>(&step)) return std::move(*error);
    const Piece& piece = std::get<Piece>(step);
    collected_.insert(collected_.end(), piece.bytes.begin(), piece.bytes.end());
    if (!piece.last) continue;
    CursorEvent event = *std::exchange(collecting_, std::nullopt);
    event.bytes = collected_;
    event.whole = true;
    return event;
  }
}

void FilteredCursor::begin_payload(const CursorEvent& event) {
  const std::size_t trailer = checksum_ == ChecksumAlgorithm::crc32 ? kChecksumSize : 0;
  payload_ = std::make_unique<PayloadEvents>();
  payload_offset_ = event.position.offset;
  payload_left_ = event.header.size - std::min<std::uint64_t>(event.header.size, kEventHeaderSize + trailer);
  payload_piece_ = event.bytes.subspan(std::min(kEventHeaderSize, event.bytes.size()));
}

FilteredCursor::Progress FilteredCursor::feed_payload(const PayloadEvents::OnEvent& on_event) {
  if (payload_left_ == 0) {
    const Status whole = payload_->finish();
    payload_.reset();
    return whole.ok() ? Progress() : Progress(whole.error());
  }
  if (payload_piece_.empty()) {
    PieceStep step = cursor_.next_piece();
    if (std::holds_alternative<NeedsRead>(step)) return CursorStep(NeedsRead{});
    if (auto* error = std::get_if<Error>(&step)) return CursorStep(std::move(*error));
    payload_piece_ = std::get<Piece>(step).bytes;
  }
  const std::size_t slice = std::min<std::uint64_t>({payload_piece_.size(), payload_left_, kPayloadSlice});
  const Status fed = payload_->feed(payload_piece_.first(slice), on_event);
  payload_left_ -= slice;
  payload_piece_ = payload_piece_.subspan(slice);
  return fed.ok() ? Progress() : Progress(fed.error());
}

}  // namespace binrelay
