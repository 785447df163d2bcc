#include "protocol/filter/group_plan.h"

#include <algorithm>

#include "protocol/filter/event_edit.h"

namespace binrelay {

std::uint64_t GroupPlanner::out_size(const GroupEvent& event) const {
  const bool gains_checksum = in_payload_ && checksum_ == ChecksumAlgorithm::crc32;
  return event.header.size + (gains_checksum ? kChecksumSize : 0);
}

RuleTally& RuleTally::operator+=(const RuleTally& more) {
  events_passed += more.events_passed;
  bytes_passed += more.bytes_passed;
  events_dropped += more.events_dropped;
  bytes_dropped += more.bytes_dropped;
  rows_passed += more.rows_passed;
  rows_dropped += more.rows_dropped;
  events_uncounted += more.events_uncounted;
  return *this;
}

Status GroupPlanner::on_event(const GroupEvent& event) {
  using Kind = Judgement::Kind;
  if (!options_.judges) {
    const bool payload = event.header.type == EventType::transaction_payload;
    (payload ? payload_size_ : plan_.out_size) += out_size(event);
    return Done{};
  }
  BINRELAY_ASSIGN(const Judgement judgement, judge_.on_event(event));
  if (judgement.ends_open_statement) BINRELAY_TRY(end_statement());
  if (judgement.begins_statement) {
    statement_ = {};
    statement_.open = true;
  }
  switch (judgement.kind) {
    case Kind::companion:
      ++companions_;
      companion_bytes_ += out_size(event);
      return Done{};
    case Kind::query:
      on_query(event, judgement);
      return Done{};
    case Kind::load_block:
      flush_companions(judgement.passes);
      if (judgement.passes) {
        plan_.out_size += out_size(event);
      } else {
        drop();
      }
      return Done{};
    case Kind::text:
      ++statement_.texts;
      statement_.text_bytes += out_size(event);
      statement_.text_too_long |= event.header.size > kMaxHeldText;
      return Done{};
    case Kind::map:
      statement_.late_map |= statement_.kept + statement_.dropped > 0 && !judge_.maps()[judgement.map].monitored;
      statement_.maps.push_back({out_size(event), judge_.maps()[judgement.map].monitored});
      if (judge_.maps()[judgement.map].verdict.rule)
        statement_.maps.back().widths = RowWidths::of(event.bytes, event.checksum);
      return Done{};
    case Kind::rows:
      return on_rows(event, judgement);
    case Kind::xa_prepare:
      xa_prepare_size_ = out_size(event);
      if (!judgement.one_phase) plan_.xa_prepared = judgement.xa_id;
      break;
    case Kind::payload:
      payload_size_ = event.header.size;
      return Done{};
    default:
      break;
  }
  flush_companions(true);
  plan_.out_size += out_size(event);
  return Done{};
}

void GroupPlanner::on_query(const GroupEvent& event, const Judgement& judgement) {
  flush_companions(judgement.passes);
  if (judgement.query == QueryKind::xa_start) xa_start_size_ = out_size(event);
  if (judgement.query == QueryKind::xa_end) xa_end_size_ = out_size(event);
  if (judgement.query == QueryKind::xa_finish && flavour_ == Flavour::mysql) plan_.xa_finished = judgement.xa_id;
  query_size_ = out_size(event);
  if (judgement.passes) {
    plan_.out_size += out_size(event);
    return;
  }
  drop();
  if (!judge_.begun()) plan_.emptied_query = true;
  plan_.dropped_ddl |= judge_.drops_all_rows();
}

void GroupPlanner::flush_companions(bool kept) {
  if (companions_ == 0) return;
  if (kept) {
    plan_.out_size += companion_bytes_;
  } else {
    drop();
  }
  companions_ = companion_bytes_ = 0;
}

Status GroupPlanner::on_rows(const GroupEvent& event, const Judgement& judgement) {
  const std::uint64_t ordinal = rows_seen_++;
  bool kept = judgement.passes;
  if (judgement.dummy) {
    kept = statement_.kept > 0 || statement_.dropped == 0;
  } else {
    count(event, judgement.map, kept);
    MapFate& fate = statement_.maps[judgement.map];
    (kept ? fate.any_kept : fate.any_dropped) = true;
  }
  statement_.last_row = ordinal;
  if (kept) {
    ++statement_.kept;
    statement_.kept_bytes += out_size(event);
    statement_.last_kept = ordinal;
    plan_.any_row_kept |= !judgement.dummy;
  } else {
    ++statement_.dropped;
    drop();
  }
  statement_.ended_by_flag = judgement.ends_statement;
  return judgement.ends_statement ? end_statement() : Status(Done{});
}

void GroupPlanner::count(const GroupEvent& event, std::size_t map, bool kept) {
  RuleTally& tally = plan_.tallies[judge_.maps()[map].verdict.rule.value_or(0)];
  (kept ? tally.events_passed : tally.events_dropped) += 1;
  (kept ? tally.bytes_passed : tally.bytes_dropped) += event.header.size;
  const std::optional<RowWidths>& widths = statement_.maps[map].widths;
  const auto rows = widths && event.whole ? widths->rows_in(event.bytes, event.checksum) : std::nullopt;
  if (rows) {
    (kept ? tally.rows_passed : tally.rows_dropped) += *rows;
  } else {
    ++tally.events_uncounted;
  }
}

// What GroupRewriter does by itself: at the first row event of a statement it takes all others for like it, sends the
// maps of monitored tables when the row event goes out, and the text when every map did.
Status GroupPlanner::end_statement() {
  const std::uint64_t statement = statements_++;
  Statement ended = std::move(statement_);
  statement_ = {};
  const auto& maps = ended.maps;
  const bool all_monitored =
      !maps.empty() && std::all_of(maps.begin(), maps.end(), [](const MapFate& map) { return map.monitored; });
  const bool without_rows = ended.kept + ended.dropped == 0;
  if (ended.kept == 0 && !(without_rows && all_monitored)) {
    if (ended.texts != 0 || !maps.empty()) drop();
    return Done{};
  }
  MixedStatement mixed{statement};
  bool all_maps_kept = true;
  for (std::size_t i = 0; i < maps.size(); ++i) {
    const MapFate& fate = maps[i];
    const bool unused = fate.any_dropped && !fate.any_kept;
    if (fate.monitored && !unused) {
      plan_.out_size += fate.size;
      continue;
    }
    all_maps_kept = false;
    drop();
    if (fate.monitored) mixed.unused_maps.push_back(i);
  }
  if (ended.dropped != 0 && ended.ended_by_flag && ended.last_row != ended.last_kept) mixed.new_last = ended.last_kept;
  const bool text_kept = ended.dropped == 0 && all_maps_kept && !ended.text_too_long;
  if (ended.texts != 0) {
    if (text_kept) {
      plan_.out_size += ended.text_bytes;
    } else {
      drop();
    }
  }
  plan_.out_size += ended.kept_bytes;
  if (ended.dropped == 0 && !ended.late_map) return Done{};
  if (plan_.mixed.size() >= kMaxMixedStatements) {
    return Error{Errc::limit, "a transaction with more than " + std::to_string(kMaxMixedStatements) +
                                  " statements that change both monitored and other tables"};
  }
  plan_.mixed.push_back(std::move(mixed));
  return Done{};
}

void GroupPlanner::begin_payload() {
  in_payload_ = true;
  changed_before_payload_ = plan_.changed;
  size_before_payload_ = plan_.out_size;
  plan_.changed = false;
}

Status GroupPlanner::end_payload() {
  if (statement_.open) BINRELAY_TRY(end_statement());
  in_payload_ = false;
  plan_.changed |= options_.unpack_payloads;
  plan_.payload_changed = plan_.changed;
  if (!plan_.changed) plan_.out_size = size_before_payload_ + payload_size_;
  plan_.changed |= changed_before_payload_;
  return Done{};
}

GroupPlan GroupPlanner::finish(bool prepare_was_emptied) {
  const bool prepare = plan_.xa_prepared && xa_start_size_ && flavour_ == Flavour::mysql;
  if (prepare && plan_.changed && !plan_.any_row_kept) {
    plan_.emptied_xa = true;
    plan_.out_size -= *xa_start_size_ + xa_end_size_.value_or(0) + xa_prepare_size_;
    plan_.out_size += query_size("BEGIN", checksum_) + query_size("COMMIT", checksum_);
  }
  if (plan_.xa_finished && prepare_was_emptied) {
    plan_.emptied_query = plan_.changed = true;
    plan_.out_size -= query_size_;
  }
  if (plan_.emptied_query) plan_.out_size += query_size("BEGIN", checksum_) + query_size("COMMIT", checksum_);
  return std::move(plan_);
}

}  // namespace binrelay
