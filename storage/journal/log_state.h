#pragma once
// LogState: what the journal's records add up to.
//
// Thread: none.
//
// Invariant: segment numbers are 1, 2, 3 …; all but the last are sealed; names are unique within a generation, also
// those of purged segments. A purge changes purged() alone.
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "storage/journal/journal_record.h"
#include "storage/segment/segment_catalog.h"

namespace binrelay {

struct SegmentState {
  SegmentNumber number{};
  std::uint32_t generation = 1;
  std::string source_name;
  bool sealed = false;
  std::uint64_t size = 0;           // sealed: of the file
  std::uint64_t last_boundary = 0;  // sealed: the last; active: the last durable mark, 0 = none
  std::uint64_t group_begin = 0;    // active: of the last group before the mark
  std::optional<GtidState> added;   // up to last_boundary; nullopt: active without a mark
  std::uint64_t digest_block_bytes = 0;
  std::vector<std::uint32_t> digests;
  std::uint32_t rest_digest = 0;  // active: of the bytes between these blocks and the mark
};

class LogState {
 public:
  // An error when the record contradicts those before it.
  Status apply(const JournalRecord& record);

  const std::optional<LogCreated>& created() const { return created_; }
  const std::optional<SourceIdentity>& source() const { return source_; }
  const std::vector<SegmentState>& segments() const { return segments_; }  // those that were purged too
  std::span<const SegmentState> kept_segments() const { return std::span(segments_).subspan(purged_count()); }
  const std::optional<SegmentsPurged>& purged() const { return purged_; }  // the last purge
  const std::vector<GenerationBegun>& generations() const { return generations_; }
  const std::vector<HistoryBegun>& histories() const { return histories_; }
  const std::vector<RulesRecorded>& rules() const { return rules_; }          // in the order of their places in the log
  const std::optional<CleanStop>& clean_stop() const { return clean_stop_; }  // only while it is the last record

  bool names_segment(std::uint32_t generation, const std::string& source_name) const {
    return names_.contains({generation, source_name});
  }
  // A file of this name is left over from a purge that was interrupted.
  bool names_purged_segment(std::uint32_t generation, const std::string& source_name) const {
    const auto found = names_.find({generation, source_name});
    return found != names_.end() && raw(found->second) <= purged_count();
  }
  // Nobody compares what is gone; they are most of what is remembered of it.
  void forget_digests_of_purged();
  // The name consumers see: the source's own while the generation's number offset is 0.
  std::string served_name(const SegmentState& segment) const {
    return series_of(segment)->names.of(segment.source_name);
  }
  const std::shared_ptr<const Series>& series_of(const SegmentState& segment) const {
    return series_.at(segment.generation - 1);
  }
  const std::vector<std::shared_ptr<const Series>>& series() const { return series_; }  // one for each generation
  // Of history `number`: what the log had and the history's source did not.
  GtidState abandoned_by(std::uint32_t history) const;

 private:
  Status apply_record(const LogCreated& record);
  Status apply_record(const SourceSeen& record);
  Status apply_record(const HistoryBegun& record);
  Status apply_record(const GenerationBegun& record);
  Status apply_record(const SegmentOpened& record);
  Status apply_record(const DurableMark& record);
  Status apply_record(const CleanStop& record);
  Status apply_record(const LogReopened& record);
  Status apply_record(const SegmentsPurged& record);
  std::size_t purged_count() const { return purged_ ? raw(purged_->oldest) - 1 : 0; }
  Status apply_record(const SeriesOpened& record);
  Status apply_record(const RulesRecorded& record);

  std::optional<LogCreated> created_;
  std::optional<SourceIdentity> source_;
  std::vector<HistoryBegun> histories_;
  std::vector<GenerationBegun> generations_;
  std::vector<std::shared_ptr<const Series>> series_;
  std::map<std::uint32_t, GtidState> abandoned_;  // by history
  std::vector<SegmentState> segments_;
  std::map<std::pair<std::uint32_t, std::string>, SegmentNumber> names_;  // of segments, by generation
  std::optional<SegmentsPurged> purged_;
  std::optional<CleanStop> clean_stop_;
  std::vector<RulesRecorded> rules_;
};

}  // namespace binrelay
