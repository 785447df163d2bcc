#include "storage/journal/log_state.h"

#include "storage/event_log.h"
#include "storage/file/file_names.h"

namespace binrelay {
namespace {

Error contradicts(const std::string& what) {
  return Error{Errc::malformed, "a record contradicts those before it: " + what};
}

Status add_digests(SegmentState& segment, const DigestRun& run) {
  if (run.first_block != segment.digests.size()) return contradicts("digest blocks");
  segment.digests.insert(segment.digests.end(), run.digests.begin(), run.digests.end());
  return Done{};
}

std::uint64_t blocks_in(std::uint64_t bytes, std::uint64_t block_bytes) {
  return bytes / block_bytes + (bytes % block_bytes != 0);
}

}  // namespace

Status LogState::apply(const JournalRecord& record) {
  if (!created_ && !std::holds_alternative<LogCreated>(record)) return contradicts("the log was not created yet");
  clean_stop_.reset();
  return std::visit([this](const auto& alternative) { return apply_record(alternative); }, record);
}

Status LogState::apply_record(const LogCreated& record) {
  if (created_) return contradicts("the log was created before");
  created_ = record;
  return Done{};
}

Status LogState::apply_record(const SourceSeen& record) {
  source_ = record.identity;
  return Done{};
}

Status LogState::apply_record(const HistoryBegun& record) {
  if (record.number != histories_.size() + 1) return contradicts("history number");
  histories_.push_back(record);
  return Done{};
}

Status LogState::apply_record(const GenerationBegun& record) {
  if (record.number != generations_.size() + 1 || record.history != histories_.size())
    return contradicts("generation number");
  generations_.push_back(record);
  series_.push_back(std::make_shared<Series>(
      Series{record.history, record.number, ServedNames{record.base_name, record.number_offset}, record.skip}));
  return Done{};
}

Status LogState::apply_record(const SegmentOpened& record) {
  if (raw(record.number) != segments_.size() + 1) return contradicts("segment number");
  if (generations_.empty() || record.generation != generations_.back().number)
    return contradicts("generation of a segment");
  if (!is_safe_file_name(record.source_name)) return contradicts("a segment's name");
  if (names_segment(record.generation, record.source_name)) return contradicts("two segments of one name");
  if (record.digest_block_bytes == 0) return contradicts("digest block size");
  if (record.sealed_before.has_value() == segments_.empty()) return contradicts("seal of the segment before");
  if (record.sealed_before) {
    const SegmentSeal& seal = *record.sealed_before;
    SegmentState& segment = segments_.back();
    if (seal.last_boundary > seal.size || seal.last_boundary < segment.last_boundary)
      return contradicts("ends of a segment");
    BINRELAY_TRY(add_digests(segment, seal.digests));
    if (segment.digests.size() != blocks_in(seal.size, segment.digest_block_bytes))
      return contradicts("number of digests");
    segment.sealed = true;
    segment.size = seal.size;
    segment.last_boundary = seal.last_boundary;
    segment.added = seal.added;
  }
  SegmentState opened;
  opened.number = record.number;
  opened.generation = record.generation;
  names_.emplace(std::pair(record.generation, record.source_name), record.number);
  opened.source_name = record.source_name;
  opened.digest_block_bytes = record.digest_block_bytes;
  segments_.push_back(std::move(opened));
  return Done{};
}

Status LogState::apply_record(const DurableMark& record) {
  if (segments_.empty() || segments_.back().number != record.segment)
    return contradicts("a mark in a segment that is not active");
  SegmentState& segment = segments_.back();
  if (record.boundary < segment.last_boundary || record.group_begin > record.boundary) return contradicts("a mark");
  BINRELAY_TRY(add_digests(segment, record.digests));
  if (segment.digests.size() != record.boundary / segment.digest_block_bytes)
    return contradicts("digests up to a mark");
  segment.last_boundary = record.boundary;
  segment.group_begin = record.group_begin;
  segment.added = record.added;
  segment.rest_digest = record.rest_digest;
  return Done{};
}

Status LogState::apply_record(const CleanStop& record) {
  const SegmentNumber active = segments_.empty() ? SegmentNumber{} : segments_.back().number;
  if (record.segment != active) return contradicts("a clean stop in a segment that is not active");
  if (!segments_.empty() && record.end < segments_.back().last_boundary) return contradicts("end of a clean stop");
  clean_stop_ = record;
  return Done{};
}

// Any record voids the clean stop before it.
Status LogState::apply_record(const LogReopened&) { return Done{}; }

Status LogState::apply_record(const SegmentsPurged& record) {
  const std::uint64_t oldest = raw(record.oldest);
  if (oldest <= purged_count() + 1 || oldest > segments_.size()) return contradicts("the oldest segment after a purge");
  purged_ = record;
  return Done{};
}

void LogState::forget_digests_of_purged() {
  for (std::size_t i = 0; i < purged_count(); ++i) segments_[i].digests = {};
}

Status LogState::apply_record(const SeriesOpened& record) {
  if (segments_.empty() || record.segment.generation != record.generation.number || !record.segment.sealed_before)
    return contradicts("a series without segments before it");
  if (record.history) {
    BINRELAY_TRY(apply_record(*record.history));
    abandoned_.emplace(record.history->number, record.abandoned);
  }
  BINRELAY_TRY(apply_record(record.generation));
  BINRELAY_TRY(apply_record(record.source));
  return apply_record(record.segment);
}

Status LogState::apply_record(const RulesRecorded& record) {
  while (!rules_.empty() && (record.complete ? rules_.back().at >= record.at : rules_.back().at > record.at))
    rules_.pop_back();
  // Of marks only the last is worth anything.
  const auto is_mark = [](const RulesRecorded& each) {
    return !each.complete && each.rules.empty() && each.removed.empty() && each.layout.empty() && each.note.empty();
  };
  if (!rules_.empty() && is_mark(rules_.back())) rules_.pop_back();
  rules_.push_back(record);
  return Done{};
}

GtidState LogState::abandoned_by(std::uint32_t history) const {
  const auto found = abandoned_.find(history);
  return found == abandoned_.end() ? GtidState{} : found->second;
}

}  // namespace binrelay
