#pragma once
// EventLog: the raw binlog of one source, kept byte for byte in segment files, with a journal beside them and an index
// behind them.
//
//   upstream thread: open_segment / append / flush          one writer
//   sync thread:     fdatasync, moves durable and visible   owned
//   index thread:    block records behind durable           owned
//   housekeeping:    purge_before
//   any thread:      catalog(), ends(), executed(), LogCursor
//
// Invariant: visible <= durable <= written with ServeAfter::fsync, visible <= written with ServeAfter::write; visible
// is always the end of a whole group or of an event outside any group; a segment holds the magic and whole, validated
// events. Errors: a failed write or fsync makes the log refuse further appends (its error is returned by every later
// append) until reopen(); reading goes on.
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/bytes.h"
#include "protocol/gtid/gtid_state.h"
#include "protocol/gtid/uuid.h"
#include "protocol/ids.h"
#include "protocol/packet/event_packets.h"
#include "protocol/result.h"
#include "storage/journal/journal_record.h"
#include "storage/latency_histogram.h"
#include "storage/retention/purge.h"
#include "storage/segment/segment_catalog.h"
#include "storage/source_identity.h"
#include "storage/storage_options.h"

namespace binrelay {

class ReadPins;
class RecentBytes;

struct LogEnds {
  LogPosition written;  // handed to the operating system
  LogPosition durable;  // on stable storage
  LogPosition visible;  // consumers see up to here
};

// What recovery did at open; empty notes = a clean stop.
struct RecoveryReport {
  std::vector<std::string> notes;  // one sentence each, naming file, offset and what was kept where
  std::uint64_t bytes_cut = 0;     // torn tail, copied to <segment>.broken first
  bool index_rebuilt = false;
};

// Where to ask the source to go on: the start of the last stored group, so that the resent bytes can be compared.
struct ResumePoint {
  std::shared_ptr<const Segment> segment;  // the active one
  std::uint64_t group_begin = 0;           // offset to ask for; kFirstEventOffset when the segment holds no group
  std::uint64_t end = 0;                   // end of what is stored
};

// What follows comes from another series of files: of a source that took over, or of the same one after a reset.
struct SeriesBegin {
  SourceIdentity source;
  // What the log holds already and its consumers have: such transactions are stored, but not served a second time.
  GtidState skip;
  // Set: nothing continues what the log held. Its transactions stay readable by file name; consumers of them cannot go
  // on.
  struct NewHistory {
    std::string reason;
    GtidState abandoned;  // what the log had and this source does not
  };
  std::optional<NewHistory> history;
};

class EventLog {
 public:
  // Opens or creates the log, takes the directory's LOCK, recovers. Errc::conflict: another process holds the lock.
  // Errc::unsupported: written by a newer version. Errc::checksum: rot before the tail (named by file and offset);
  // nothing is changed then.
  static Result<std::unique_ptr<EventLog>> open(const StorageOptions& options, RecoveryReport* report);
  ~EventLog();  // flushes, syncs, joins; a clean stop is marked in the journal
  EventLog(const EventLog&) = delete;
  EventLog& operator=(const EventLog&) = delete;

  // --- identity (journal) ---
  const Uuid& relay_uuid() const;                        // made at creation
  ServerId relay_server_id() const;                      // made at creation: random, 2^30 … 2^31
  std::optional<SourceIdentity> source() const;          // copy; any thread
  Status record_source(const SourceIdentity& identity);  // upstream thread; durable when it returns

  // --- filter rules (journal): upstream thread, or before it runs ---
  std::vector<RulesRecorded> recorded_rules() const;  // in the order of their places
  // Read back after a crash if it is durable by then; a purge makes what was recorded before it durable.
  Status record_rules(const RulesRecorded& record);

  // --- writing: upstream thread ---
  std::optional<ResumePoint> resume_point() const;  // nullopt: nothing stored yet
  // Compares stored bytes of the active segment with `expected`. False: they differ. `offset + expected.size()` must
  // not pass the end.
  Result<bool> stored_bytes_equal(std::uint64_t offset, Bytes expected) const;
  // Seals the active segment (flush, fdatasync, journal) and creates the next. Errc::refused: the name does not pass
  // is_safe_file_name(). Errc::conflict: a segment of this name is stored already. Readers see the new segment once its
  // head (FDE and PREVIOUS_GTIDS or GTID_LIST) is appended and visible.
  // `series`: a new generation begins with it.
  Status open_segment(std::string_view source_name, const std::optional<SeriesBegin>& series = std::nullopt);
  // One whole, validated event; the first of a segment must be an FDE. Errc::malformed when it cannot follow
  // (TransactionBoundary). Errc::conflict: the file does not continue the one before (a gap, or another family); both
  // are named. A refused event leaves no trace. May wait for the disk when more than 64 MiB are not durable.
  Status append(Bytes event);
  // The same for many events, once the head of the segment is stored; none of them a part of a file's head. Returns how
  // many were appended: append() tells what is wrong with the next one. Errors: of the log.
  Result<std::size_t> append_run(std::span<const ArrivedEvent> events);
  Status flush();  // everything appended is written; the sync thread takes over
  // For who waits for more: with ServeAfter::fsync what was written is on stable storage, too, when it returns, unless
  // a sync was under way already; the sync thread takes over then.
  Status flush_and_sync();
  std::uint64_t appended_end() const;    // own offset in the active segment: where the next event must start
  SegmentNumber active_segment() const;  // the one it is in; 0: none
  bool in_group() const;                 // the last event appended is inside a group
  // Flushes and waits until everything appended is durable.
  Status sync();
  // The same, for so long at most. False: not durable yet.
  Result<bool> sync_within(std::chrono::milliseconds time);
  // After a failed write or sync: cuts what is not known to be on stable storage, reads the rest again as open() does,
  // and takes appends again from resume_point(). An error leaves the log as it was: failed, and readable.
  Status reopen(RecoveryReport* report);
  bool failed() const;

  // --- retention: any thread, one purge at a time inside ---
  // Removes the sealed segments before `oldest`: in the journal first, then from the catalog, then their files. It
  // stops before the first segment a LogCursor stands at, and before the one `visible` is in. Errors: nothing was
  // removed. Goes on working after a write has failed for want of space.
  Result<PurgeOutcome> purge_before(SegmentNumber oldest);
  std::optional<SegmentNumber> oldest_in_use() const;  // where the hindmost LogCursor stands

  // --- blocks: any thread ---
  // Reads a block of a segment from the disk, past the page cache as far as the system allows.
  Status check_block(const Segment& segment, std::uint64_t block) const;
  // Writes a damaged block of a segment anew. Errc::checksum: `content` is not what was stored.
  Status restore_block(const Segment& segment, std::uint64_t block, Bytes content) const;

  // --- index: any thread that may wait for the disk ---
  // Where the blocks end that `segment` begins with and of which `passes` says so, told what GTIDs a block's groups
  // have and how many groups there are: a place between groups. The last block in the index is not among them: in it
  // stands what ends a file. kFirstEventOffset: there are none, or the index does not help now.
  std::uint64_t end_of_blocks(const Segment& segment,
                              const std::function<bool(const GtidState& added, std::uint64_t groups)>& passes) const;

  // --- reading: any thread ---
  std::shared_ptr<const SegmentCatalog> catalog() const;
  LogEnds ends() const;
  GtidState executed() const;    // every GTID in whole visible groups, and all that came before the log; a copy
  GtidState before_log() const;  // what came before the oldest segment of this history: gtid_purged
  GtidState abandoned() const;   // what the log had when this history began and its source had not
  // Called by the thread that moved `visible` (sync or upstream), without locks held. Set before the first append, must
  // not block.
  void on_visible(std::function<void()> listener);

  struct Counters {
    std::uint64_t transactions = 0, events = 0, bytes = 0;  // appended since open
    std::uint64_t syncs = 0, last_sync_us = 0, max_sync_us = 0;
    std::int64_t last_synced_at = 0;  // unix seconds; 0: nothing yet
    std::uint64_t gaps = 0;           // files refused: transactions are missing before them
    std::uint64_t bad_blocks = 0;     // stored blocks found damaged: count_bad_block()
    std::uint64_t indexed_segment = 0, indexed_offset = 0;
    std::uint32_t last_event_timestamp = 0;  // of the last appended group, seconds since 1970
  };
  Counters counters() const;
  LatencyCounts sync_times() const;
  void count_bad_block() const;
  std::optional<Error> failure() const;  // set: the log takes no more; what is stored stays readable
  // Set: the index stays behind until it is restarted; starts are searched for in the files, nothing else is affected.
  std::optional<Error> index_failure() const;
  void restart_index(RecoveryReport* report);  // any thread; notes say what is wrong with it

 private:
  class Core;
  explicit EventLog(std::unique_ptr<Core> core);
  std::unique_ptr<Core> core_;
  ReadPins& pins() const;
  const RecentBytes& recent() const;
  friend class LogCursor;
};

// Rejects what could leave the segment directory: "", ".", "..", '/', NUL, control characters, names over
// kMaxFileNameLength.
bool is_safe_file_name(std::string_view name);

}  // namespace binrelay
