// Archive::verify: reads everything a stream's directory holds and compares it with everything that is said about it.
#include <algorithm>
#include <chrono>
#include <thread>

#include "storage/archive.h"
#include "storage/continuity.h"
#include "storage/file/data_dir_lock.h"
#include "storage/file/disk.h"
#include "storage/file/file_names.h"
#include "storage/gtid_state_bytes.h"
#include "storage/index/index_store.h"
#include "storage/journal/journal_copy.h"
#include "storage/journal/journal_format.h"
#include "storage/segment/segment_files.h"
#include "storage/segment/segment_scan.h"
#include "storage/segment/torn_tail.h"

namespace binrelay {
namespace {

// Compares the records of one segment's blocks with what the scan of the segment finds.
class IndexCheck {
 public:
  IndexCheck(std::vector<BlockRecord> records, SegmentNumber segment, Flavour flavour)
      : records_(std::move(records)), block_(segment, kFirstEventOffset, flavour) {}

  // A sentence when the record that ends here is wrong.
  std::optional<std::string> on_event(const ScannedEvent& event, const SegmentScan& scan) {
    if (at_ == records_.size()) return std::nullopt;
    const BlockRecord& record = records_[at_];
    block_.add(event, scan.boundary());
    if (record.begin != block_.begin()) return give_up("the records of its blocks leave a gap or overlap");
    if (scan.end() < record.end) return std::nullopt;
    if (scan.end() > record.end || scan.boundary().in_group())
      return give_up("a block's record does not end where a group ends");
    const bool equal = block_.finish(record.end) == record;
    ++at_;
    if (!equal)
      return "the record of the block that ends at " + std::to_string(record.end) + " does not agree with the data";
    return std::nullopt;
  }
  // `whole`: what the index has of the file as a whole. A time that is too late makes a search longer; one that is too
  // early hides events.
  std::optional<std::string> at_end(const std::optional<FileSpan>& whole) {
    if (at_ != records_.size()) return give_up("there is a record of a block that is not in the segment");
    if (!whole) return std::nullopt;
    const FileSpan sum = records_.empty() ? FileSpan{} : sum_up(records_, 0, 0);
    if (whole->end == sum.end && whole->last_timestamp >= sum.last_timestamp) return std::nullopt;
    return "the record of the whole file does not agree with those of its blocks";
  }

 private:
  std::string give_up(const char* why) {
    at_ = records_.size();
    return why;
  }
  std::vector<BlockRecord> records_;
  BlockBuilder block_;
  std::size_t at_ = 0;
};

class Verifier {
 public:
  Verifier(const std::filesystem::path& directory, const Progress& progress) : files_{directory}, progress_(progress) {}

  VerifyReport run() {
    in_use_ = DataDirLock::is_held(files_.lock());
    if (const Status format = check_format(Disk(), files_); !format.ok())
      find(files_.format(), 0, format.error().context);
    check_journal();
    open_index();
    for (const SegmentState& state : log_.kept_segments()) all_bytes_ += state.size;
    if (log_.purged()) {
      series_before_ = log_.series_of(log_.kept_segments().front());
      // Of a series that skips, the journal has what the log contained, not what the files listed.
      if (is_empty(series_before_->skip)) behind_ = log_.purged()->before;
    }
    for (const SegmentState& state : log_.kept_segments()) check_segment(state);
    // A relay that is running may be opening a segment right now, and its index may know of it already.
    if (!in_use_) {
      look_for_strays();
      look_for_unknown_blocks();
    }
    return std::move(report_);
  }

 private:
  void find(const std::filesystem::path& file, std::uint64_t offset, std::string problem) {
    if (report_.findings.size() < kMaxFindings)
      report_.findings.push_back({files_.relative(file), offset, std::move(problem)});
  }

  // --- the journal ---

  void check_journal() {
    for (int attempt = 1;; ++attempt) {
      const auto content = Disk().read_whole(files_.journal(), kMaxJournalSize);
      if (!content.ok()) return find(files_.journal(), 0, content.error().context);
      if (const Status header = check_journal_header(*content); !header.ok()) {
        return find(files_.journal(), 0, header.error().context);
      }
      log_ = LogState();
      const JournalScan scan =
          scan_journal(*content, [&](std::uint64_t, const JournalRecord& record) { return log_.apply(record); });
      if (!scan.problem) break;
      // A record that is being written is whole a moment later.
      if (in_use_ && !scan.records_follow && attempt < kJournalAttempts) {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        continue;
      }
      return find(files_.journal(), scan.end, scan.problem->context);
    }
    if (!log_.created()) find(files_.journal(), kJournalHeaderSize, "the journal has no records");
    check_journal_copy();
  }

  // It may lag behind the journal, or be missing for want of room.
  void check_journal_copy() {
    const std::filesystem::path path = journal_copy_of(files_.journal());
    const auto copy = Disk().read_whole(path, kMaxJournalSize);
    if (!copy.ok()) return;
    const auto journal = Disk().read_whole(files_.journal(), kMaxJournalSize);
    if (!journal.ok()) return find(files_.journal(), 0, journal.error().context);
    const std::size_t common = std::min(copy->size(), journal->size());
    const auto differs =
        std::mismatch(copy->begin(), copy->begin() + static_cast<std::ptrdiff_t>(common), journal->begin()).first;
    const auto offset = static_cast<std::size_t>(differs - copy->begin());
    if (offset < common) find(path, offset, "it is not what the journal has here");
  }

  // --- the index ---

  // Opened before the segments' sizes are asked for: what it knows of was durable before.
  void open_index() {
    if (!log_.created()) return;
    auto opened = IndexStore::open_for_reading(files_.index(), log_.created()->relay_uuid);
    report_.index_checked = opened.ok();
    if (opened.ok()) {
      index_ = std::move(*opened);
      auto files = index_->file_spans();
      if (!files.ok()) return give_up_index(files.error());
      files_indexed_ = std::move(*files);
    } else if (opened.error().code != Errc::not_found) {
      give_up_index(opened.error());
    }
  }
  // RocksDB may take files away under a second reader; that says nothing about the index.
  void give_up_index(const Error& error) {
    if (!in_use_) find(files_.index(), 0, error.context);
    report_.index_checked = false;
    index_.reset();
  }
  std::vector<BlockRecord> blocks_of(SegmentNumber segment) {
    if (!index_) return {};
    auto records = index_->of_segment(segment);
    if (records.ok()) return std::move(*records);
    give_up_index(records.error());
    return {};
  }
  std::optional<FileSpan> file_of(SegmentNumber segment) const {
    const auto found = std::find_if(files_indexed_.begin(), files_indexed_.end(),
                                    [&](const FileSpan& file) { return file.segment == segment; });
    return index_ && found != files_indexed_.end() ? std::optional(*found) : std::nullopt;
  }
  void look_for_unknown_blocks() {
    if (!index_) return;
    const SegmentNumber behind = next(log_.segments().empty() ? SegmentNumber{} : log_.segments().back().number);
    const Status read = index_->for_each(behind, [&](const BlockRecord& record) {
      find(files_.index(), 0,
           "there is a record of segment " + std::to_string(raw(record.segment)) + ", which the journal does not know");
      return false;
    });
    if (!read.ok()) give_up_index(read.error());
  }

  // --- one segment ---

  void check_segment(const SegmentState& state) {
    const std::filesystem::path path = files_.segment(state.generation, state.source_name);
    ++report_.segments;
    std::optional<GtidState> behind_before = std::exchange(behind_, std::nullopt);
    auto opened = Disk().open_for_reading(path);
    if (!opened.ok() && was_purged_meanwhile(state)) return;
    if (!opened.ok()) return find(path, 0, opened.error().context);
    const auto size = opened->size();
    if (!size.ok()) return find(path, 0, size.error().context);
    const bool newest = &state == &log_.segments().back();
    const std::uint64_t durable = durable_end(log_, state);
    check_size(path, state, *size, durable);

    auto file = std::make_shared<const File>(std::move(*opened));
    SegmentScan scan = SegmentScan::from_start(file, state.sealed ? std::min(*size, state.size) : *size);
    BlockDigests digests(state.digest_block_bytes);
    scan.feed(&digests);
    std::optional<GtidState> added;
    std::optional<IndexCheck> index;
    for (;;) {
      const auto event = scan.next();
      if (!event.ok()) {
        const bool may_move = in_use_ && newest && !state.sealed && scan.end() >= durable;
        if (!may_move || !is_last(*file, scan, *size) || !is_being_written(file, scan, *size)) {
          find(path, scan.end(), event.error().context);
          // Without checksums the first event that makes no sense may stand behind the damage.
          if (scan.checksum() == ChecksumAlgorithm::none) check_digests_of_file(path, state, *file);
        }
        report_.bytes += scan.end();
        return;
      }
      if (!*event) break;
      if (!added) added = empty_state(scan.head().flavour());
      if (!index) index.emplace(blocks_of(state.number), state.number, scan.head().flavour());
      on_event(path, **event, scan, *added, *index);
    }
    report_.bytes += scan.end();
    if (scan.end() == 0) return find(path, 0, "the file is empty");
    if (index) {
      if (auto wrong = index->at_end(file_of(state.number))) find(files_.index(), 0, state.source_name + ": " + *wrong);
    }
    check_seal(path, state, scan, added);
    check_digests(path, state, digests);
    check_continuity(path, state, scan.head(), behind_before, added);
    if (scan.head().checksum() == ChecksumAlgorithm::none) {
      const std::uint64_t digested = state.sealed ? state.size : state.last_boundary;
      report_.bytes_without_checksum += scan.end() - std::min(scan.end(), digested);
    }
  }

  bool was_purged_meanwhile(const SegmentState& state) const {
    if (!in_use_) return false;
    const auto content = Disk().read_whole(files_.journal(), kMaxJournalSize);
    if (!content.ok() || !check_journal_header(*content).ok()) return false;
    LogState now;
    scan_journal(*content, [&](std::uint64_t, const JournalRecord& record) { return now.apply(record); });
    return now.names_purged_segment(state.generation, state.source_name);
  }

  void check_size(const std::filesystem::path& path, const SegmentState& state, std::uint64_t size,
                  std::uint64_t durable) {
    const bool exact = state.sealed || (log_.clean_stop() && !in_use_);
    if (size < durable || (exact && size != durable)) {
      find(path, std::min(size, durable),
           "the file has " + std::to_string(size) + " bytes, the journal says " + (exact ? "" : "at least ") +
               std::to_string(durable));
    }
  }

  // Behind the end of a segment somebody writes to stands what is being written, and nothing after it.
  static bool is_last(const File& file, const SegmentScan& scan, std::uint64_t size) {
    const auto follows = find_event_behind(file, scan.end() + 1, size, scan.checksum());
    return follows.ok() && !*follows;
  }

  // Looks again a moment later: an event that is being written grows, and is whole when the file has got past it.
  static bool is_being_written(const std::shared_ptr<const File>& file, const SegmentScan& scan, std::uint64_t size) {
    std::this_thread::sleep_for(kWriteShowsWithin);
    const auto now = file->size();
    if (!now.ok() || *now == size) return false;
    SegmentScan again = SegmentScan::from_start(file, *now);
    while (again.end() <= scan.end()) {
      const auto event = again.next();
      if (!event.ok()) return event.error().code == Errc::short_input;
      if (!*event) break;
    }
    return true;
  }

  void on_event(const std::filesystem::path& path, const ScannedEvent& event, const SegmentScan& scan, GtidState& added,
                IndexCheck& index) {
    ++report_.events;
    if (event.place == BoundaryPlace::group_end || event.place == BoundaryPlace::group_whole) {
      ++report_.transactions;
      if (scan.boundary().gtid()) add(added, *scan.boundary().gtid());
    }
    if (auto wrong = index.on_event(event, scan)) find(files_.index(), 0, path.filename().string() + ": " + *wrong);
    tell_progress(scan.end());
  }

  void tell_progress(std::uint64_t offset) {
    constexpr std::uint64_t kEvery = 4u << 20;
    const std::uint64_t done = report_.bytes + offset;
    if (!progress_ || done < told_ + kEvery) return;
    told_ = done;
    progress_(done, std::max(done, all_bytes_));
  }

  void check_seal(const std::filesystem::path& path, const SegmentState& state, const SegmentScan& scan,
                  const std::optional<GtidState>& added) {
    if (!state.sealed) return;
    if (state.size > kFirstEventOffset && scan.last_boundary() != state.last_boundary) {
      find(path, scan.last_boundary(),
           "its last group ends here, the journal says at " + std::to_string(state.last_boundary));
    }
    if (added && state.added && *added != *state.added) find(path, 0, "its GTIDs are not those the journal has of it");
  }

  void check_digests(const std::filesystem::path& path, const SegmentState& state, const BlockDigests& digests) {
    const std::vector<std::uint32_t> found = digests.all_blocks();
    for (std::size_t block = 0; block < std::min(found.size(), state.digests.size()); ++block) {
      if (found[block] != state.digests[block]) {
        find(path, block * state.digest_block_bytes,
             "the block of " + std::to_string(state.digest_block_bytes) + " bytes here is not what was stored");
      }
    }
    if (state.sealed || state.last_boundary <= kFirstEventOffset || state.last_boundary > digests.offset()) return;
    const auto file = Disk().open_for_reading(path);
    if (!file.ok() || check_before_mark(*file, state).ok()) return;
    find(path, state.digests.size() * state.digest_block_bytes,
         "the bytes from here to " + std::to_string(state.last_boundary) + " are not what was stored");
  }

  void check_digests_of_file(const std::filesystem::path& path, const SegmentState& state, const File& file) {
    BlockDigests digests(state.digest_block_bytes);
    ByteBuffer chunk(1u << 20);
    for (;;) {
      const auto got = file.read_at(digests.offset(), chunk);
      if (!got.ok()) return find(path, digests.offset(), got.error().context);
      if (*got == 0) break;
      digests.add(Bytes(chunk).first(*got));
    }
    check_digests(path, state, digests);
  }

  // `before`: what the files before end with; unknown behind a damaged one, and at the start.
  void check_continuity(const std::filesystem::path& path, const SegmentState& state, const SegmentHead& head,
                        const std::optional<GtidState>& before, const std::optional<GtidState>& added) {
    if (!head.described()) {  // no event of it was ever sent
      behind_ = before;
      return;
    }
    const std::shared_ptr<const Series> series_before = std::exchange(series_before_, log_.series_of(state));
    if (head.previous() && series_before && series_before->history == series_before_->history) {
      std::optional<std::string> broken;
      if (series_before != series_before_) {
        broken = series_break(series_before_->skip, *head.previous());
      } else if (before) {
        broken = continuity_break(*before, *head.previous());
      }
      if (broken) find(path, head.end(), "it does not continue the file before: " + *broken);
    }
    if (head.previous()) {
      behind_ = head.previous();
    } else {
      behind_ = before ? *before : empty_state(head.flavour());
    }
    if (added && behind_->index() == added->index()) add_all(*behind_, *added);
  }

  void look_for_strays() {
    for (const GenerationBegun& generation : log_.generations()) {
      const auto names = Disk().names_in(files_.generation(generation.number));
      if (!names.ok()) continue;  // its segments were reported
      for (const std::string& name : *names) {
        if (is_broken_name(name) || log_.names_segment(generation.number, name)) continue;
        find(files_.segment(generation.number, name), 0, "the journal knows no segment of this name");
      }
    }
  }

  static constexpr int kJournalAttempts = 5;
  static constexpr std::chrono::seconds kWriteShowsWithin{1};

  const StreamFiles files_;
  const Progress& progress_;
  VerifyReport report_;
  LogState log_;
  std::unique_ptr<IndexStore> index_;  // nullptr: none, or given up
  std::vector<FileSpan> files_indexed_;
  std::optional<GtidState> behind_;  // what the files so far contain; nullopt: unknown
  std::shared_ptr<const Series> series_before_;
  std::uint64_t all_bytes_ = 0;
  std::uint64_t told_ = 0;
  bool in_use_ = false;
};

}  // namespace

VerifyReport Archive::verify(const std::filesystem::path& stream_directory, const Progress& progress) {
  return Verifier(stream_directory, progress).run();
}

}  // namespace binrelay
