#include "storage/offline_purge.h"

#include <set>

#include "storage/file/data_dir_lock.h"
#include "storage/file/disk.h"
#include "storage/file/file_names.h"
#include "storage/journal/journal.h"
#include "storage/segment/segment_files.h"

namespace binrelay {
namespace {

const SegmentState* newest_named(const LogState& log, const std::string& served_name) {
  const SegmentState* found = nullptr;
  for (const SegmentState& segment : log.kept_segments()) {
    if (log.served_name(segment) == served_name) found = &segment;
  }
  return found;
}

// What the log contained before this file, by its own head. That no crash may take away: it is all that tells of what
// goes.
Result<GtidState> contained_before(const StreamFiles& files, const LogState& log, const SegmentState& kept) {
  BINRELAY_ASSIGN(File file, Disk().open_for_reading(files.segment(kept.generation, kept.source_name)));
  BINRELAY_ASSIGN(const std::uint64_t size, file.size());
  if (!kept.sealed) BINRELAY_TRY(file.sync());
  BINRELAY_ASSIGN(const SegmentHead head,
                  read_segment_head(std::make_shared<const File>(std::move(file)), kept.sealed ? kept.size : size));
  if (!head.complete())
    return Error{Errc::checksum, kept.source_name + " does not say yet what came before it: keep the file before it"};
  return make_segment(files, log, kept, head, state_before_kept(log, head.flavour())).previous;
}

}  // namespace

Result<OfflinePurge> purge_offline(const std::filesystem::path& stream_directory, const std::string& keep_from) {
  const StreamFiles files{stream_directory};
  const Disk disk;
  BINRELAY_TRY(check_format(disk, files));
  BINRELAY_ASSIGN([[maybe_unused]] const DataDirLock lock, DataDirLock::take(disk, files.lock()));
  BINRELAY_ASSIGN(Journal journal, Journal::open(disk, files.journal()));
  const LogState& log = journal.state();
  const SegmentState* kept = newest_named(log, keep_from);
  if (kept == nullptr) {
    const auto there = log.kept_segments();
    return Error{Errc::not_found, "no file is named " + keep_from +
                                      (there.empty() ? ""
                                                     : "; there are " + log.served_name(there.front()) + " to " +
                                                           log.served_name(there.back()))};
  }
  BINRELAY_ASSIGN(GtidState before, contained_before(files, log, *kept));

  OfflinePurge done;
  std::vector<std::filesystem::path> paths;
  for (const SegmentState& segment : log.kept_segments()) {
    if (segment.number == kept->number) break;
    done.files.push_back(log.served_name(segment));
    paths.push_back(files.segment(segment.generation, segment.source_name));
  }
  if (paths.empty()) return done;
  const SegmentNumber oldest = kept->number;  // what it points to moves with the append
  std::vector<std::string> notes;             // the next start has nothing to add to them
  BINRELAY_TRY(journal.make_ready(disk, &notes));
  BINRELAY_TRY(journal.append({SegmentsPurged{oldest, std::move(before)}}, Journal::Sync::durable));
  std::set<std::filesystem::path> directories;
  for (const std::filesystem::path& path : paths) {
    std::error_code unknown;
    const std::uintmax_t size = std::filesystem::file_size(path, unknown);
    if (unknown) continue;  // it is missing: that may be why it goes
    done.bytes += size;
    BINRELAY_TRY(disk.remove(path));
    directories.insert(path.parent_path());
  }
  for (const std::filesystem::path& directory : directories) BINRELAY_TRY(disk.sync_directory(directory));
  return done;
}

}  // namespace binrelay
