#include "storage/damaged_heads.h"

#include "storage/file/data_dir_lock.h"
#include "storage/file/disk.h"
#include "storage/file/file_names.h"
#include "storage/journal/journal.h"
#include "storage/segment/segment_blocks.h"
#include "storage/segment/segment_files.h"

namespace binrelay {
namespace {

Result<File> open_or_make(const Disk& disk, const std::filesystem::path& path) {
  if (Disk::exists(path)) return disk.open_for_writing(path);
  BINRELAY_TRY(disk.make_directory(path.parent_path()));
  BINRELAY_ASSIGN(File file, disk.create(path));
  BINRELAY_TRY(disk.sync_directory(path.parent_path()));
  return file;
}

// True: recovery would refuse it.
Result<bool> has_damaged_head(const Disk& disk, const Segment& segment) {
  BINRELAY_ASSIGN(const File file, open_or_make(disk, segment.path));
  BINRELAY_ASSIGN(const std::uint64_t size, file.size());
  if (size < segment.size) BINRELAY_TRY(file.truncate(segment.size));
  BINRELAY_ASSIGN(const SegmentBlocks::State state, segment.blocks->check_again(file, 0));
  return state == SegmentBlocks::State::damaged;
}

}  // namespace

Result<DamagedHeads> find_damaged_heads(const StorageOptions& options) {
  const Disk disk(options.faults);
  const StreamFiles files{options.directory};
  BINRELAY_ASSIGN(const DataDirLock lock, DataDirLock::take(disk, files.lock()));
  BINRELAY_ASSIGN(const Journal journal, Journal::open(disk, files.journal()));
  const LogState& log = journal.state();
  DamagedHeads found{log.created()->relay_uuid, log.created()->relay_server_id, {}};
  for (const SegmentState& state : log.kept_segments()) {
    if (!state.sealed || state.digests.empty()) continue;
    auto segment = std::make_shared<Segment>();
    segment->number = state.number;
    segment->generation = state.generation;
    segment->source_name = state.source_name;
    segment->path = files.segment(state.generation, state.source_name);
    segment->sealed = true;
    segment->size = state.size;
    segment->blocks = make_blocks(state);
    BINRELAY_ASSIGN(const bool damaged, has_damaged_head(disk, *segment));
    if (damaged) found.segments.push_back(std::move(segment));
  }
  return found;
}

Status restore_head(const StorageOptions& options, const Segment& segment, Bytes content) {
  BINRELAY_ASSIGN(const File file, Disk(options.faults).open_for_writing(segment.path));
  return segment.blocks->restore(file, 0, content);
}

}  // namespace binrelay
