#include "protocol/filter/group_rewrite.h"

#include <algorithm>
#include <utility>

#include "protocol/event/events.h"
#include "protocol/filter/event_edit.h"

namespace binrelay {
namespace {

ByteBuffer buffer_of(Bytes bytes) { return ByteBuffer(bytes.begin(), bytes.end()); }

}  // namespace

// --- what goes out ---

Status GroupRewriter::put(ByteBuffer bytes, std::uint64_t offset, std::vector<OutEvent>* out) {
  if (in_payload_ && packer_) return packer_->add(bytes);
  if (in_payload_) {
    std::swap(bytes, unpacked_);
    if (bytes.empty()) return Done{};
    bytes = unpacked_event(bytes, static_cast<std::uint32_t>(payload_offset_), checksum_);
  }
  if (offset < from_) return Done{};
  fill_hole(out);
  const auto header = decode_event_header(bytes);
  if (!header) return header.error();
  out->push_back({OutEvent::Kind::made, offset, *header, std::move(bytes)});
  return Done{};
}

Status GroupRewriter::keep(const GroupEvent& event, std::vector<OutEvent>* out) {
  if (in_payload_) return put(buffer_of(event.bytes), event.offset, out);
  if (event.offset < from_) return Done{};
  fill_hole(out);
  out->push_back({OutEvent::Kind::current, event.offset, event.header, {}});
  return Done{};
}

void GroupRewriter::drop(const EventHeader& header, std::uint64_t offset, std::vector<OutEvent>* out) {
  if (!options_.by_size || in_payload_ || offset < from_) return;
  if (hole_ + header.size > kMaxFilledAtOnce) fill_hole(out);
  hole_ += header.size;
  hole_like_ = header;
  hole_offset_ = offset;
}

void GroupRewriter::fill_hole(std::vector<OutEvent>* out) {
  if (hole_ == 0) return;
  EventHeader header = hole_like_;
  header.type = EventType::ignorable;
  header.flags = kFlagIgnorable;
  header.size = static_cast<std::uint32_t>(hole_);
  header.log_pos = static_cast<std::uint32_t>(hole_offset_ + hole_like_.size);
  out->push_back({OutEvent::Kind::filler, hole_offset_, header, {}});
  hole_ = 0;
}

void GroupRewriter::finish(std::vector<OutEvent>* out) { fill_hole(out); }

// --- the group ---

Status GroupRewriter::on_event(const GroupEvent& event, std::vector<OutEvent>* out) {
  using Kind = Judgement::Kind;
  if (!options_.judges) {
    return is_mysql_gtid(event.header.type) ? on_gtid(event, out) : keep(event, out);
  }
  BINRELAY_ASSIGN(const Judgement judgement, judge_.on_event(event));
  if (judgement.ends_open_statement) BINRELAY_TRY(end_statement(out));
  switch (judgement.kind) {
    case Kind::gtid:
      return on_gtid(event, out);
    case Kind::companion:
      return hold(event, judgement);
    case Kind::query:
      return on_query(event, judgement, out);
    case Kind::load_block:
      BINRELAY_TRY(release_companions(judgement.passes, out));
      if (judgement.passes) return keep(event, out);
      drop(event.header, event.offset, out);
      return Done{};
    case Kind::text:
      if (event.header.size <= kMaxHeldText) return hold(event, judgement);
      drop(event.header, event.offset, out);
      return Done{};
    case Kind::map:
      return on_map(event, judgement, out);
    case Kind::rows:
      return on_rows(event, judgement, out);
    case Kind::xa_prepare:
      BINRELAY_TRY(release_companions(true, out));
      if (!plan_.emptied_xa) return keep(event, out);
      if (options_.by_size) return put(as_one_phase(event.bytes, event.checksum), event.offset, out);
      return put(query_in_place_of(event.bytes, "COMMIT", event.checksum), event.offset, out);
    default:
      BINRELAY_TRY(release_companions(true, out));
      return keep(event, out);
  }
}

Status GroupRewriter::on_gtid(const GroupEvent& event, std::vector<OutEvent>* out) {
  if (flavour_ == Flavour::mysql) {
    const bool as_large = options_.by_size && !(options_.unpack_payloads && plan_.payload_changed);
    if (!plan_.changed || as_large) return keep(event, out);
    BINRELAY_ASSIGN(ByteBuffer gtid, with_group_size(event.bytes, plan_.out_size - event.header.size, event.checksum));
    return put(std::move(gtid), event.offset, out);
  }
  if (plan_.emptied_query) return put(as_plain_mariadb_gtid(event.bytes, event.checksum), event.offset, out);
  if (plan_.dropped_ddl) return put(without_mariadb_ddl_flag(event.bytes, event.checksum), event.offset, out);
  return keep(event, out);
}

Status GroupRewriter::on_query(const GroupEvent& event, const Judgement& judgement, std::vector<OutEvent>* out) {
  BINRELAY_TRY(release_companions(judgement.passes, out));
  if (plan_.emptied_query && (!judgement.passes || judgement.query == QueryKind::xa_finish))
    return empty_query(event, out);
  if (!judgement.passes) {
    drop(event.header, event.offset, out);
    return Done{};
  }
  if (plan_.emptied_xa && !options_.by_size) {
    if (judgement.query == QueryKind::xa_start)
      return put(query_in_place_of(event.bytes, "BEGIN", event.checksum), event.offset, out);
    if (judgement.query == QueryKind::xa_end) return Done{};
  }
  return keep(event, out);
}

// A group never goes out without its end.
Status GroupRewriter::empty_query(const GroupEvent& event, std::vector<OutEvent>* out) {
  if (options_.by_size) {
    if (!can_be_blank(event.header, event.checksum)) return Error{Errc::limit, "a statement too short to be emptied"};
    return put(blank_query(event.bytes, event.checksum), event.offset, out);
  }
  if (flavour_ == Flavour::mysql)
    BINRELAY_TRY(put(query_in_place_of(event.bytes, "BEGIN", event.checksum), event.offset, out));
  return put(query_in_place_of(event.bytes, "COMMIT", event.checksum), event.offset, out);
}

// --- statements of row events ---

Status GroupRewriter::hold(const GroupEvent& event, const Judgement& judgement) {
  held_bytes_ += event.bytes.size();
  if (held_bytes_ > kMaxHeldBytes) return Error{Errc::limit, "too much in front of a statement's rows"};
  const bool map = judgement.kind == Judgement::Kind::map;
  Held held{
      judgement.kind == Judgement::Kind::text,      judgement.map, event.header, event.offset, buffer_of(event.bytes),
      map && judge_.maps()[judgement.map].monitored};
  (judgement.kind == Judgement::Kind::companion ? companions_ : held_).push_back(std::move(held));
  return Done{};
}

Status GroupRewriter::release_companions(bool kept, std::vector<OutEvent>* out) {
  for (Held& held : companions_) {
    held_bytes_ -= held.bytes.size();
    if (kept) {
      BINRELAY_TRY(put(std::move(held.bytes), held.offset, out));
    } else {
      drop(held.header, held.offset, out);
    }
  }
  companions_.clear();
  return Done{};
}

const MixedStatement* GroupRewriter::mixed() const {
  if (next_mixed_ == plan_.mixed.size()) return nullptr;
  const MixedStatement& next = plan_.mixed[next_mixed_];
  return next.statement == statement_ ? &next : nullptr;
}

bool GroupRewriter::map_is_used(std::size_t map) const {
  const MixedStatement* mixed_here = mixed();
  if (!mixed_here) return true;
  const auto& unused = mixed_here->unused_maps;
  return std::find(unused.begin(), unused.end(), map) == unused.end();
}

Status GroupRewriter::release_statement(Fate fate, std::vector<OutEvent>* out) {
  fate_ = fate;
  const bool all_monitored =
      std::all_of(held_.begin(), held_.end(), [](const Held& held) { return held.text || held.monitored; });
  for (Held& held : held_) {
    held_bytes_ -= held.bytes.size();
    const bool text_goes = fate == Fate::kept && all_monitored;
    const bool map_goes = fate != Fate::dropped && held.monitored && map_is_used(held.map);
    if (held.text ? text_goes : map_goes) {
      BINRELAY_TRY(put(std::move(held.bytes), held.offset, out));
    } else {
      drop(held.header, held.offset, out);
    }
  }
  held_.clear();
  return Done{};
}

Status GroupRewriter::on_map(const GroupEvent& event, const Judgement& judgement, std::vector<OutEvent>* out) {
  if (fate_ == Fate::undecided) return hold(event, judgement);
  const bool goes = fate_ != Fate::dropped && judge_.maps()[judgement.map].monitored && map_is_used(judgement.map);
  if (goes) return keep(event, out);
  drop(event.header, event.offset, out);
  return Done{};
}

Status GroupRewriter::on_rows(const GroupEvent& event, const Judgement& judgement, std::vector<OutEvent>* out) {
  const std::uint64_t ordinal = row_event_++;
  const bool kept = judgement.dummy ? any_kept_ || !any_dropped_ : judgement.passes;
  if (fate_ == Fate::undecided)
    BINRELAY_TRY(release_statement(mixed() ? Fate::mixed : kept ? Fate::kept : Fate::dropped, out));
  (kept ? any_kept_ : any_dropped_) = true;
  const MixedStatement* mixed_here = mixed();
  if (!kept) {
    drop(event.header, event.offset, out);
  } else if (mixed_here && mixed_here->new_last == ordinal) {
    if (in_payload_) {
      BINRELAY_TRY(put(with_statement_end(event.bytes, event.checksum), event.offset, out));
    } else if (event.offset >= from_) {
      fill_hole(out);
      out->push_back({OutEvent::Kind::current_with_end, event.offset, event.header, {}});
    }
  } else {
    BINRELAY_TRY(keep(event, out));
  }
  return judgement.ends_statement ? end_statement(out) : Status(Done{});
}

Status GroupRewriter::end_statement(std::vector<OutEvent>* out) {
  if (fate_ == Fate::undecided) {  // no row event at all
    const bool any_map = std::any_of(held_.begin(), held_.end(), [](const Held& held) { return !held.text; });
    const bool goes = any_map && std::all_of(held_.begin(), held_.end(),
                                             [](const Held& held) { return held.text || held.monitored; });
    BINRELAY_TRY(release_statement(goes ? Fate::kept : Fate::dropped, out));
  }
  if (mixed()) ++next_mixed_;
  ++statement_;
  fate_ = Fate::undecided;
  any_kept_ = any_dropped_ = false;
  return Done{};
}

// --- payloads ---

void GroupRewriter::begin_payload(const GroupEvent& event) {
  in_payload_ = true;
  payload_ = event.header;
  payload_offset_ = event.offset;
  if (options_.by_size && !options_.unpack_payloads) packer_ = std::make_unique<PayloadPacker>();
}

Status GroupRewriter::end_payload(std::vector<OutEvent>* out) {
  if (fate_ != Fate::undecided || !held_.empty()) BINRELAY_TRY(end_statement(out));
  BINRELAY_TRY(release_companions(true, out));
  in_payload_ = false;
  if (!packer_) {
    const ByteBuffer last = std::exchange(unpacked_, {});
    return last.empty() ? Status(Done{}) : put(unpacked_event(last, payload_.log_pos, checksum_), payload_offset_, out);
  }
  const std::unique_ptr<PayloadPacker> packer = std::move(packer_);
  BINRELAY_ASSIGN(ByteBuffer packed, packer->finish(payload_, checksum_));
  return put(std::move(packed), payload_offset_, out);
}

// --- a group in memory ---

Status for_each_payload_event(const GroupEvent& payload, const std::function<Status(const GroupEvent&)>& on_event) {
  BINRELAY_ASSIGN(const Bytes body, event_body(payload.bytes, payload.checksum));
  PayloadEvents inner;
  BINRELAY_TRY(inner.feed(body, [&](const EventHeader& header, Bytes bytes) {
    return on_event({header, payload.offset, bytes, true, ChecksumAlgorithm::none});
  }));
  return inner.finish();
}

Result<std::vector<ByteBuffer>> rewrite_group(const std::vector<GroupEvent>& events, Flavour flavour,
                                              const ViewRules& rules, const ViewOptions& options,
                                              bool prepare_was_emptied) {
  const ChecksumAlgorithm checksum = events.empty() ? ChecksumAlgorithm::none : events.front().checksum;
  GroupPlanner planner(flavour, checksum, rules, options);
  for (const GroupEvent& event : events) {
    BINRELAY_TRY(planner.on_event(event));
    if (event.header.type != EventType::transaction_payload) continue;
    planner.begin_payload();
    BINRELAY_TRY(for_each_payload_event(event, [&](const GroupEvent& inner) { return planner.on_event(inner); }));
    BINRELAY_TRY(planner.end_payload());
  }
  const GroupPlan plan = planner.finish(prepare_was_emptied);
  std::vector<ByteBuffer> result;
  if (!plan.changed) {
    for (const GroupEvent& event : events) result.push_back(buffer_of(event.bytes));
    return result;
  }
  GroupRewriter rewriter(flavour, checksum, rules, options, plan, 0);
  std::vector<OutEvent> out;
  const auto take = [&](Bytes current) {
    for (OutEvent& event : out) {
      switch (event.kind) {
        case OutEvent::Kind::current:
          result.push_back(buffer_of(current));
          break;
        case OutEvent::Kind::current_with_end:
          result.push_back(with_statement_end(current, checksum));
          break;
        case OutEvent::Kind::made:
          result.push_back(std::move(event.bytes));
          break;
        case OutEvent::Kind::filler:
          result.push_back(filler(event.header, event.header.size, event.header.log_pos, checksum));
          break;
      }
    }
    out.clear();
  };
  for (const GroupEvent& event : events) {
    if (event.header.type == EventType::transaction_payload && plan.payload_changed) {
      rewriter.begin_payload(event);
      BINRELAY_TRY(
          for_each_payload_event(event, [&](const GroupEvent& inner) { return rewriter.on_event(inner, &out); }));
      BINRELAY_TRY(rewriter.end_payload(&out));
    } else {
      BINRELAY_TRY(rewriter.on_event(event, &out));
    }
    take(event.bytes);
  }
  rewriter.finish(&out);
  take({});
  return result;
}

}  // namespace binrelay
