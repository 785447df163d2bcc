#include "storage/journal/journal.h"

#include "storage/file/file_names.h"
#include "storage/journal/journal_copy.h"

namespace binrelay {
namespace {

// So that a purge can be journalled when it is the full disk that calls for it.
constexpr std::uint64_t kReservedBytes = 64u << 10;

}  // namespace

Result<Journal> Journal::create(const Disk& disk, const std::filesystem::path& path, const LogCreated& created) {
  ByteBuffer content = encode_journal_header();
  const ByteBuffer first = encode_journal_record(1, created);
  content.insert(content.end(), first.begin(), first.end());
  BINRELAY_TRY(disk.create_whole(path, content));
  BINRELAY_ASSIGN(File file, disk.open_for_writing(path));
  LogState state;
  BINRELAY_TRY(state.apply(created));
  return Journal(std::move(file), std::move(state), content.size(), 2);
}

Result<Journal> Journal::open(const Disk& disk, const std::filesystem::path& path) {
  BINRELAY_ASSIGN(JournalBytes found, read_journal(disk, path));
  const Bytes content = found.content;
  if (auto header = check_journal_header(content); !header.ok()) {
    return Error{header.error().code, path.string() + ": " + header.error().context};
  }
  LogState state;
  const JournalScan scan =
      scan_journal(content, [&](std::uint64_t, const JournalRecord& record) { return state.apply(record); });
  if (scan.problem && scan.records_follow) {
    return Error{scan.problem->code == Errc::unsupported ? Errc::unsupported : Errc::checksum,
                 path.string() + " is damaged at offset " + std::to_string(scan.end) + ": " + scan.problem->context};
  }
  if (!state.created()) {
    return Error{Errc::checksum,
                 path.string() + " is damaged at offset " + std::to_string(scan.end) + ": its first record is lost"};
  }
  state.forget_digests_of_purged();
  if (!found.mended.empty()) BINRELAY_TRY(restore_journal(disk, path, found));
  BINRELAY_ASSIGN(File file, disk.open_for_writing(path));
  Journal journal(std::move(file), std::move(state), scan.end, scan.next_sequence);
  journal.torn_tail_.assign(content.begin() + static_cast<std::ptrdiff_t>(scan.end), content.end());
  journal.mended_ = std::move(found.mended);
  journal.file_.reserve(scan.end + kReservedBytes);
  return journal;
}

Status Journal::make_ready(const Disk& disk, std::vector<std::string>* notes) {
  for (const std::uint64_t offset : std::exchange(mended_, {})) {
    notes->push_back("journal: what stands at offset " + std::to_string(offset) +
                     " was damaged and restored from journal.copy");
  }
  BINRELAY_TRY(cut_torn_tail(disk, notes));
  ByteBuffer content(end_);
  BINRELAY_ASSIGN(const std::size_t got, file_.read_at(0, content));
  if (got != end_) return Error{Errc::io, file_.path().string() + " became shorter while it was read"};
  BINRELAY_ASSIGN(copy_, begin_journal_copy(disk, file_.path(), content));
  return Done{};
}

Status Journal::cut_torn_tail(const Disk& disk, std::vector<std::string>* notes) {
  if (torn_tail_.empty()) return Done{};
  const std::filesystem::path aside = free_broken_name(file_.path());
  BINRELAY_TRY(disk.create_whole(aside, torn_tail_));
  BINRELAY_TRY(file_.truncate(end_));
  BINRELAY_TRY(file_.sync());
  notes->push_back("journal: its last record, at offset " + std::to_string(end_) +
                   ", was not written to its end; these " + std::to_string(torn_tail_.size()) +
                   " bytes were moved to " + aside.filename().string());
  torn_tail_.clear();
  return Done{};
}

Status Journal::cut_to_durable() {
  BINRELAY_TRY(file_.truncate(durable_end_));
  // What is cut is no damage to be mended; a copy that cannot be cut brings back true records, and a note.
  if (copy_) static_cast<void>(copy_->truncate(durable_end_).ok());
  return file_.sync();
}

Status Journal::append(const std::vector<JournalRecord>& records, Sync sync) {
  const std::lock_guard lock(*mutex_);
  if (sync_failure_) return *sync_failure_;
  ByteBuffer bytes;
  std::uint64_t sequence = next_sequence_;
  for (const JournalRecord& record : records) {
    const ByteBuffer encoded = encode_journal_record(sequence++, record);
    bytes.insert(bytes.end(), encoded.begin(), encoded.end());
  }
  BINRELAY_TRY(file_.write_at(end_, bytes));
  if (sync == Sync::durable) {
    if (auto synced = file_.sync(); !synced.ok()) {
      sync_failure_ = synced.error();
      return synced;
    }
  }
  for (const JournalRecord& record : records) {
    BINRELAY_CHECK(state_.apply(record).ok(), "the log journals only what follows from what it journalled before");
  }
  if (copy_ && !copy_->write_at(end_, bytes).ok()) copy_.reset();
  end_ += bytes.size();
  if (sync == Sync::durable) durable_end_ = end_;
  next_sequence_ = sequence;
  file_.reserve(end_ + kReservedBytes);
  return Done{};
}

}  // namespace binrelay
