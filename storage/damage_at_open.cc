#include "storage/damage_at_open.h"

#include <algorithm>

#include "protocol/wire/crc32.h"
#include "storage/file/data_dir_lock.h"
#include "storage/file/disk.h"
#include "storage/file/file_names.h"
#include "storage/gtid_state_bytes.h"
#include "storage/journal/journal.h"
#include "storage/segment/segment_blocks.h"
#include "storage/segment/segment_files.h"
#include "storage/segment/segment_scan.h"
#include "storage/segment/torn_tail.h"

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

Result<ByteBuffer> event_at(const File& file, std::uint64_t offset) {
  ByteBuffer event(kEventHeaderSize);
  BINRELAY_ASSIGN(std::size_t got, file.read_at(offset, event));
  BINRELAY_ASSIGN(const EventHeader header, decode_event_header(Bytes(event).first(got)));
  event.resize(header.size);
  BINRELAY_ASSIGN(got, file.read_at(offset, event));
  event.resize(got);
  return event;
}

ByteBuffer description_of(const SegmentHead& head) {
  Segment described;
  head.describe(described, empty_state(head.flavour()));
  return described.format_description;
}

// The first whole event behind `from`, if there is one.
Status find_witness(const File& file, std::uint64_t from, std::uint64_t size, ChecksumAlgorithm checksum,
                    DamagedTail* tail) {
  BINRELAY_ASSIGN(const auto witness, find_event_behind(file, from + 1, size, checksum));
  if (!witness) return Done{};
  tail->witness_offset = *witness;
  BINRELAY_ASSIGN(tail->witness, event_at(file, *witness));
  return Done{};
}

// Walks as recovery does; nullopt: recovery makes do with what is there.
Result<std::optional<DamagedTail>> find_damaged_tail(const Disk& disk, const SegmentState& state,
                                                     const std::filesystem::path& path, std::uint64_t durable) {
  BINRELAY_ASSIGN(File opened, disk.open_for_reading(path));
  const auto file = std::make_shared<const File>(std::move(opened));
  BINRELAY_ASSIGN(const std::uint64_t size, file->size());
  const std::uint64_t mark = state.last_boundary;
  const bool has_mark = mark > kFirstEventOffset;
  const bool from_mark = has_mark && mark <= size && check_before_mark(*file, state).ok();
  SegmentHead head;
  if (from_mark) {
    BINRELAY_ASSIGN(head, read_segment_head(file, mark));
  }
  SegmentScan scan = from_mark ? SegmentScan::from_boundary(file, mark, size, head.flavour(), head.checksum())
                               : SegmentScan::from_start(file, size);
  Result<std::optional<ScannedEvent>> event = scan.next();
  while (event.ok() && *event) event = scan.next();
  if (!from_mark) head = scan.head();
  const ChecksumAlgorithm checksum = head.described() ? head.checksum() : ChecksumAlgorithm::none;

  DamagedTail tail;
  tail.source_name = state.source_name;
  tail.path = path;
  tail.from = std::max(scan.end(), kFirstEventOffset);
  tail.to = std::max(size, durable);
  if (has_mark && !from_mark) {
    const std::uint64_t rest = state.digests.size() * state.digest_block_bytes;
    // Without checksums every event looks sound.
    if (tail.from >= mark) {
      BINRELAY_ASSIGN(tail.from, event_that_holds(path, rest));
    }
    tail.digest = DamagedTail::Digest{rest, mark, state.rest_digest};
  } else if (size >= durable) {
    if (event.ok()) return std::optional<DamagedTail>();
    BINRELAY_ASSIGN(const TailAction action, judge_tail(*file, tail.from, size, durable, checksum));
    if (action != TailAction::refuse) return std::optional<DamagedTail>();
  }
  if (tail.from > kFirstEventOffset) tail.format_description = description_of(head);
  if (!tail.digest) BINRELAY_TRY(find_witness(*file, tail.from, size, checksum, &tail));
  return std::optional<DamagedTail>(std::move(tail));
}

// Whether `content` is what stood there before the damage.
Status check_fetched(const File& file, const DamagedTail& tail, Bytes content) {
  const Error another{Errc::conflict, "the source's " + tail.source_name + " is not the file that was stored"};
  if (tail.digest) {
    const auto [begin, end, digest] = *tail.digest;
    // The magic is no event, and the same in every file: it may be damaged, too.
    std::uint32_t before = crc32(kBinlogMagic);
    if (begin != 0 || tail.from != kFirstEventOffset) {
      BINRELAY_ASSIGN(before, digest_of_stretch(file, begin, std::max(begin, tail.from)));
    }
    const std::uint64_t first = std::max(begin, tail.from) - tail.from;
    if (crc32(content.subspan(first, end - tail.from - first), before) != digest) return another;
  } else if (!tail.witness.empty()) {
    const std::uint64_t at = tail.witness_offset - tail.from;
    const Bytes there = content.subspan(at, std::min<std::uint64_t>(tail.witness.size(), content.size() - at));
    if (!std::ranges::equal(there, tail.witness)) return another;
  } else if (tail.format_description.empty()) {
    return Error{Errc::conflict, "nothing in " + tail.source_name +
                                     " is left that would tell whether the source's file of that name is the same"};
  }
  return Done{};
}

std::shared_ptr<const Segment> described_by_journal(const StreamFiles& files, const SegmentState& state) {
  auto segment = std::make_shared<Segment>();
  segment->number = state.number;
  segment->generation = state.generation;
  segment->source_name = state.source_name;
  segment->path = files.segment(state.generation, state.source_name);
  segment->sealed = state.sealed;
  segment->size = state.size;
  segment->blocks = make_blocks(state);
  return segment;
}

}  // namespace

Result<DamageAtOpen> find_damage_at_open(const StorageOptions& options) {
  const Disk disk(options.faults);
  const StreamFiles files{options.directory};
  BINRELAY_ASSIGN(const DataDirLock lock, DataDirLock::take(disk, files.lock()));
  BINRELAY_ASSIGN(const Journal journal, Journal::open(disk, files.journal()));
  const LogState& log = journal.state();
  DamageAtOpen found{log.created()->relay_uuid, log.created()->relay_server_id, {}, std::nullopt};
  for (const SegmentState& state : log.kept_segments()) {
    if (state.digests.empty()) continue;
    auto segment = described_by_journal(files, state);
    BINRELAY_ASSIGN(const bool damaged, has_damaged_head(disk, *segment));
    if (damaged) found.heads.push_back(std::move(segment));
  }
  const auto kept = log.kept_segments();
  if (!found.heads.empty() || kept.empty() || kept.back().sealed) return found;
  const SegmentState& active = kept.back();
  const std::filesystem::path path = files.segment(active.generation, active.source_name);
  BINRELAY_ASSIGN(found.tail, find_damaged_tail(disk, active, path, durable_end(log, active)));
  return found;
}

Status restore_head(const StorageOptions& options, const Segment& segment, Bytes content) {
  BINRELAY_ASSIGN(const File file, Disk(options.faults).open_for_writing(segment.path));
  return segment.blocks->restore(file, 0, content);
}

Status restore_tail(const StorageOptions& options, const DamagedTail& tail, Bytes content) {
  BINRELAY_CHECK(content.size() == tail.to - tail.from, "the whole tail was fetched");
  const Disk disk(options.faults);
  BINRELAY_ASSIGN(const File file, disk.open_for_writing(tail.path));
  BINRELAY_TRY(check_fetched(file, tail, content));
  const bool whole = tail.from == kFirstEventOffset;
  BINRELAY_TRY(copy_stretch(disk, file, whole ? 0 : tail.from, tail.to, free_broken_name(tail.path)));
  if (whole) BINRELAY_TRY(file.write_at(0, kBinlogMagic));
  BINRELAY_TRY(file.write_at(tail.from, content));
  return file.sync();
}

}  // namespace binrelay
