#pragma once
// LogWriter: the writing side of a log: checks that an event can follow, buffers it, hands written bytes to the
// EndsBoard, rolls segments.
//
// Thread: upstream thread. Owner: EventLog, which makes a new one to go on after a failure. Borrows: board, feed,
// journal, counters, disk and files outlive it.
//
// Invariant: an event that was refused left no trace; after a failed write or sync nothing is accepted any more.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/ends_board.h"
#include "storage/event_log.h"
#include "storage/file/disk.h"
#include "storage/file/file_names.h"
#include "storage/index/index_feed.h"
#include "storage/journal/journal.h"
#include "storage/recent_bytes.h"
#include "storage/recovery.h"
#include "storage/segment/segment_writer.h"

namespace binrelay {

// What was appended since the log was opened. Written by the upstream thread, read by any.
struct AppendCounters {
  std::atomic<std::uint64_t> transactions{0}, events{0}, bytes{0}, gaps{0};
  std::atomic<std::uint32_t> last_timestamp{0};
};

class LogWriter {
 public:
  LogWriter(const StorageOptions& options, const Disk& disk, const StreamFiles& files, Journal& journal,
            EndsBoard& board, IndexFeed& feed, RecentBytes& recent, AppendCounters& appended,
            std::optional<RecoveredActive> active);

  Status open_segment(std::string_view source_name, const std::optional<SeriesBegin>& series);
  Status append(Bytes event);
  Result<std::size_t> append_run(std::span<const ArrivedEvent> events);
  Status flush(EndsBoard::SyncBy sync_by = EndsBoard::SyncBy::sync_thread);
  Status sync();
  Result<bool> sync_within(std::chrono::milliseconds time);
  Status close();  // flush, sync, and the journal's record of a clean stop

  std::optional<ResumePoint> resume_point() const;
  Result<bool> stored_bytes_equal(std::uint64_t offset, Bytes expected) const;
  std::uint64_t end() const { return active_ ? active_->writer.end() : 0; }
  SegmentNumber active_segment() const { return active_ ? active_->number : SegmentNumber{}; }
  bool in_group() const { return active_ && active_->boundary.in_group(); }

 private:
  struct Active {
    SegmentNumber number{};
    SegmentWriter writer;
    SegmentHead head;
    TransactionBoundary boundary;
    std::uint64_t last_boundary = kFirstEventOffset;
    std::uint64_t group_begin = 0;                  // of the last whole group; 0 = none
    GtidState added;                                // by whole groups, but for those of `fresh`
    std::vector<GtidRun> fresh;                     // since bytes were handed over
    std::uint64_t handed_over = kFirstEventOffset;  // the board knows the bytes below
    std::optional<DurableMark> next_mark;           // journalled when its boundary is durable
  };

  const SegmentState& active_state() const { return journal_.state().segments().back(); }
  Status check_can_follow(const EventHeader& header, Bytes event) const;
  Result<SegmentHead> head_with(const EventHeader& header, Bytes event);
  Status check_head(const SegmentHead& head);
  GtidState carried_over(Flavour flavour) const;
  void take_head(SegmentHead head);
  Status store(Bytes event);
  void account(const ScannedEvent& event);
  Status hand_over(EndsBoard::SyncBy sync_by = EndsBoard::SyncBy::sync_thread);
  LogPosition boundary() const;

  Result<DurableMark> mark_here() const;
  Status journal_marks();
  SegmentSeal seal_active() const;
  void publish_sealed();
  Result<GenerationBegun> next_generation(std::string_view source_name, const SeriesBegin& series) const;
  std::uint64_t next_served_number() const;
  Result<std::shared_ptr<File>> create_segment_file(std::uint32_t generation, std::string_view source_name);
  Status failed(Error error);

  const StorageOptions& options_;
  const Disk& disk_;
  const StreamFiles& files_;
  Journal& journal_;
  EndsBoard& board_;
  IndexFeed& feed_;
  RecentBytes& recent_;
  AppendCounters& appended_;
  std::optional<Active> active_;
  std::optional<GtidState> added_before_;  // by the newest segment of the catalog that is sealed
  std::vector<GtidRun> fresh_gtids_;       // of whole groups the board does not know yet
};

}  // namespace binrelay
