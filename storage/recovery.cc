#include "storage/recovery.h"

#include <algorithm>
#include <set>

#include "storage/gtid_state_bytes.h"
#include "storage/segment/segment_files.h"
#include "storage/segment/segment_scan.h"
#include "storage/segment/torn_tail.h"

namespace binrelay {
namespace {

bool is_damage(Errc code) {
  return code == Errc::malformed || code == Errc::short_input || code == Errc::checksum || code == Errc::limit;
}

// What was whole once, and cannot be read.
bool is_rot(Errc code) { return is_damage(code) || code == Errc::io; }

Error rot(const Error& found) {
  return Error{Errc::checksum, found.context + "; this is not the torn end of a crash, and nothing was changed"};
}

// Digests what is in the file between where the digests are and `to`.
Status digest_from_file(const File& file, BlockDigests& digests, std::uint64_t to) {
  ByteBuffer chunk(1u << 20);
  while (digests.offset() < to) {
    const std::size_t wanted = std::min<std::uint64_t>(chunk.size(), to - digests.offset());
    BINRELAY_ASSIGN(const std::size_t got, file.read_at(digests.offset(), std::span(chunk).first(wanted)));
    if (got == 0) return Error{Errc::io, file.path().string() + " is shorter than it was"};
    digests.add(Bytes(chunk).first(got));
  }
  return Done{};
}

struct TailCut {
  std::uint64_t from = 0, to = 0;
};

// One recovery: everything is looked at first, changes come last.
class Recovery {
 public:
  Recovery(const Disk& disk, const StreamFiles& files, Journal& journal, RecoveryReport* report)
      : disk_(disk), files_(files), journal_(journal), log_(journal.state()), report_(report) {}

  Result<Recovered> run() {
    for (const SegmentState& segment : log_.kept_segments()) {
      BINRELAY_TRY(segment.sealed ? load_sealed(segment) : load_active(segment));
    }
    BINRELAY_TRY(look_for_strays());
    BINRELAY_TRY(journal_.make_ready(disk_, &report_->notes));
    BINRELAY_TRY(remove_half_opened());
    BINRELAY_TRY(remove_purged());
    BINRELAY_TRY(cut_tail());
    // What a killed process wrote may be in the page cache only; from here on it counts as durable.
    if (recovered_.active) BINRELAY_TRY(recovered_.active->file->sync());
    return std::move(recovered_);
  }

 private:
  Result<std::shared_ptr<File>> open_segment_file(const SegmentState& segment, std::uint64_t least_size) {
    const std::filesystem::path path = files_.segment(segment.generation, segment.source_name);
    auto file = disk_.open_for_writing(path);
    if (!file.ok() && file.error().code == Errc::not_found)
      return Error{Errc::checksum, "segment file " + path.string() + " is missing"};
    if (!file.ok()) return std::move(file).error();
    BINRELAY_ASSIGN(const std::uint64_t size, file->size());
    if (size < least_size || (segment.sealed && size != least_size)) {
      return Error{Errc::checksum, "segment file " + path.string() + " has " + std::to_string(size) +
                                       " bytes, the journal says " + (segment.sealed ? "" : "at least ") +
                                       std::to_string(least_size)};
    }
    return std::make_shared<File>(std::move(*file));
  }

  void add_segment(const SegmentState& state, const SegmentHead& head, std::optional<GtidState> added) {
    const Segment* before = recovered_.segments.empty() ? nullptr : recovered_.segments.back().get();
    const GtidState carried_over = before == nullptr ? state_before_kept(log_, head.flavour())
                                                     : state_behind(before, added_before_, head.flavour());
    recovered_.segments.push_back(std::make_shared<Segment>(make_segment(files_, log_, state, head, carried_over)));
    added_before_ = std::move(added);
  }

  Status load_sealed(const SegmentState& state) {
    BINRELAY_ASSIGN(const std::shared_ptr<File> file, open_segment_file(state, state.size));
    if (state.size == kFirstEventOffset) return Done{};  // the source never sent an event of it
    auto head = read_segment_head(file, state.size);
    if (!head.ok() && is_rot(head.error().code)) return rot(head.error());
    if (!head.ok()) return std::move(head).error();
    if (!head->described())
      return rot(Error{Errc::checksum, state.source_name + ": the format description is cut off"});
    add_segment(state, *head, state.added);
    return Done{};
  }

  Status load_active(const SegmentState& state) {
    const std::uint64_t durable = durable_end(log_, state);
    BINRELAY_ASSIGN(const std::shared_ptr<File> file, open_segment_file(state, durable));
    BINRELAY_ASSIGN(const std::uint64_t size, file->size());
    BINRELAY_ASSIGN(RecoveredActive active, scan_active(state, file, size, durable));
    if (active.head.complete()) add_segment(state, active.head, active.added);
    recovered_.active = std::move(active);
    return Done{};
  }

  Result<RecoveredActive> scan_active(const SegmentState& state, const std::shared_ptr<File>& file, std::uint64_t size,
                                      std::uint64_t durable) {
    const bool has_mark = state.last_boundary > kFirstEventOffset;
    RecoveredActive active;
    active.file = file;
    const std::uint64_t from = has_mark ? state.last_boundary : 0;
    active.digests = BlockDigests(state.digest_block_bytes, from / state.digest_block_bytes * state.digest_block_bytes);
    if (has_mark) {
      auto head = read_segment_head(file, state.last_boundary);
      if (!head.ok() && is_rot(head.error().code)) return rot(head.error());
      if (!head.ok()) return std::move(head).error();
      active.head = std::move(*head);
      if (const Status sound = check_before_mark(*file, state); !sound.ok())
        return is_rot(sound.error().code) ? rot(sound.error()) : sound.error();
    }
    SegmentScan scan = has_mark
                           ? SegmentScan::from_boundary(file, from, size, active.head.flavour(), active.head.checksum())
                           : SegmentScan::from_start(file, size);
    BINRELAY_ASSIGN(active.added, run_scan(scan, state, size, durable));

    if (!has_mark) active.head = scan.head();
    active.end = scan.end();
    active.boundary = scan.boundary();
    active.last_boundary = scan.last_boundary();
    active.group_begin = scan.group_begin() != 0 ? scan.group_begin() : state.group_begin;
    BINRELAY_TRY(digest_from_file(*file, active.digests, active.end));
    return active;
  }

  // Walks to the end of what is whole and decides what to do with the rest. Returns the GTIDs of whole groups.
  Result<GtidState> run_scan(SegmentScan& scan, const SegmentState& state, std::uint64_t size, std::uint64_t durable) {
    std::optional<GtidState> added = state.added;
    for (;;) {
      const auto event = scan.next();
      if (!event.ok()) {
        BINRELAY_TRY(take_tail(scan, state, event.error(), size, durable));
        break;
      }
      if (!*event) break;
      const bool ends_group =
          (*event)->place == BoundaryPlace::group_end || (*event)->place == BoundaryPlace::group_whole;
      if (!ends_group || !scan.boundary().gtid()) continue;
      if (!added) added = empty_state(scan.head().flavour());
      add(*added, *scan.boundary().gtid());
    }
    return added ? *added : empty_state(scan.head().flavour());
  }

  Status take_tail(const SegmentScan& scan, const SegmentState& state, const Error& found, std::uint64_t size,
                   std::uint64_t durable) {
    if (!is_damage(found.code)) return scan.placed(found);
    const bool described = state.last_boundary > 0 || scan.head().described();
    BINRELAY_ASSIGN(const File file, disk_.open_for_reading(files_.segment(state.generation, state.source_name)));
    const ChecksumAlgorithm checksum = described ? scan.checksum() : ChecksumAlgorithm::none;
    BINRELAY_ASSIGN(const TailAction action, judge_tail(file, scan.end(), size, durable, checksum));
    if (action == TailAction::refuse) return rot(scan.placed(found));
    cut_ = TailCut{scan.end(), size};
    return Done{};
  }

  // Files that no record names: a crash came between making a file and journalling it, or somebody put them there.
  Status look_for_strays() {
    for (const GenerationBegun& generation : log_.generations()) BINRELAY_TRY(look_for_strays_in(generation.number));
    // The first file of a generation is made before the generation is journalled.
    return look_for_strays_in(static_cast<std::uint32_t>(log_.generations().size()) + 1);
  }

  Status look_for_strays_in(std::uint32_t generation) {
    const std::filesystem::path directory = files_.generation(generation);
    if (!Disk::exists(directory)) return Done{};  // a missing segment is told by name
    BINRELAY_ASSIGN(const std::vector<std::string> names, disk_.names_in(directory));
    for (const std::string& name : names) {
      if (log_.names_purged_segment(generation, name)) purged_.push_back(directory / name);
      if (is_broken_name(name) || log_.names_segment(generation, name)) continue;
      BINRELAY_ASSIGN(const bool half_opened, holds_magic_at_most(directory / name));
      if (half_opened) {
        half_opened_.push_back(directory / name);
      } else if (journal_.has_torn_tail()) {
        return Error{Errc::checksum,
                     (directory / name).string() + " is not in the journal, whose last record is damaged"};
      } else {
        report_->notes.push_back(files_.relative(directory / name) + ": not a segment of this log, ignored");
      }
    }
    return Done{};
  }

  Result<bool> holds_magic_at_most(const std::filesystem::path& path) {
    if (!std::filesystem::is_regular_file(path)) return false;
    const auto content = disk_.read_whole(path, kBinlogMagic.size());
    if (!content.ok() && content.error().code == Errc::limit) return false;
    if (!content.ok()) return content.error();
    return std::equal(content->begin(), content->end(), kBinlogMagic.begin());
  }

  Status remove_half_opened() {
    for (const std::filesystem::path& path : half_opened_) {
      BINRELAY_TRY(disk_.remove(path));
      BINRELAY_TRY(disk_.sync_directory(path.parent_path()));
      report_->notes.push_back(files_.relative(path) + ": removed, it was being created when the process ended");
    }
    return Done{};
  }

  Status remove_purged() {
    std::set<std::filesystem::path> directories;
    for (const std::filesystem::path& path : purged_) {
      BINRELAY_TRY(disk_.remove(path));
      directories.insert(path.parent_path());
      report_->notes.push_back(files_.relative(path) + ": removed, its purge had been interrupted");
    }
    for (const std::filesystem::path& directory : directories) BINRELAY_TRY(disk_.sync_directory(directory));
    return Done{};
  }

  Status cut_tail() {
    if (!cut_) return Done{};
    const File& file = *recovered_.active->file;
    const std::filesystem::path aside = free_broken_name(file.path());
    BINRELAY_TRY(copy_stretch(disk_, file, cut_->from, cut_->to, aside));
    BINRELAY_TRY(file.truncate(cut_->from));
    BINRELAY_TRY(file.sync());
    report_->bytes_cut = cut_->to - cut_->from;
    report_->notes.push_back(files_.relative(file.path()) + ": the last event, at offset " +
                             std::to_string(cut_->from) + ", was not written to its end; these " +
                             std::to_string(report_->bytes_cut) + " bytes were moved to " + aside.filename().string());
    return Done{};
  }

  const Disk& disk_;
  const StreamFiles& files_;
  Journal& journal_;
  const LogState& log_;
  RecoveryReport* report_;
  Recovered recovered_;
  std::optional<GtidState> added_before_;                    // by the last of recovered_.segments
  std::vector<std::filesystem::path> half_opened_, purged_;  // to be removed
  std::optional<TailCut> cut_;
};

}  // namespace

Result<Recovered> recover(const Disk& disk, const StreamFiles& files, Journal& journal, RecoveryReport* report) {
  return Recovery(disk, files, journal, report).run();
}

}  // namespace binrelay
