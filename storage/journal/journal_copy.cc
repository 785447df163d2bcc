#include "storage/journal/journal_copy.h"

#include <algorithm>
#include <utility>

#include "storage/journal/journal_format.h"

namespace binrelay {
namespace {

// Empty: there is none that can be read.
ByteBuffer read_copy(const Disk& disk, const std::filesystem::path& path) {
  auto content = disk.read_whole(journal_copy_of(path), kMaxJournalSize);
  return content.ok() ? std::move(*content) : ByteBuffer();
}

void take(JournalBytes& into, std::uint64_t offset, Bytes bytes) {
  if (into.content.size() < offset + bytes.size()) into.content.resize(offset + bytes.size());
  std::copy(bytes.begin(), bytes.end(), into.content.begin() + static_cast<std::ptrdiff_t>(offset));
  into.mended.push_back(offset);
}

}  // namespace

std::filesystem::path journal_copy_of(const std::filesystem::path& path) { return path.string() + ".copy"; }

bool journal_exists(const std::filesystem::path& path) {
  return Disk::exists(path) || Disk::exists(journal_copy_of(path));
}

JournalBytes mend_journal(ByteBuffer journal, Bytes copy) {
  JournalBytes mended{std::move(journal), {}};
  // The header's version is not argued with: a newer one is no damage.
  const Status header = check_journal_header(mended.content);
  if (!header.ok() && header.error().code != Errc::unsupported && check_journal_header(copy).ok())
    take(mended, 0, copy.first(kJournalHeaderSize));
  std::uint64_t offset = kJournalHeaderSize;
  for (std::uint64_t sequence = 1;; ++sequence) {
    std::size_t size = 0;
    if (offset < mended.content.size()) size = whole_record_size(Bytes(mended.content).subspan(offset), sequence);
    if (size == 0 && offset < copy.size()) {
      size = whole_record_size(copy.subspan(offset), sequence);
      if (size != 0) take(mended, offset, copy.subspan(offset, size));
    }
    if (size == 0) return mended;
    offset += size;
  }
}

Result<JournalBytes> read_journal(const Disk& disk, const std::filesystem::path& path) {
  ByteBuffer journal;
  auto read = disk.read_whole(path, kMaxJournalSize);
  if (!read.ok() && (read.error().code != Errc::not_found || !Disk::exists(journal_copy_of(path))))
    return std::move(read).error();
  if (read.ok()) journal = std::move(*read);
  return mend_journal(std::move(journal), read_copy(disk, path));
}

Status restore_journal(const Disk& disk, const std::filesystem::path& path, const JournalBytes& mended) {
  if (!Disk::exists(path)) return disk.create_whole(path, mended.content);
  BINRELAY_ASSIGN(const File file, disk.open_for_writing(path));
  BINRELAY_TRY(file.write_at(0, mended.content));
  return file.sync();
}

Result<std::optional<File>> begin_journal_copy(const Disk& disk, const std::filesystem::path& path, Bytes journal) {
  const std::filesystem::path copy = journal_copy_of(path);
  if (const ByteBuffer there = read_copy(disk, path); !std::ranges::equal(there, journal)) {
    if (!disk.create_whole(copy, journal).ok()) {
      if (Disk::exists(copy)) BINRELAY_TRY(disk.remove(copy));
      return std::optional<File>();
    }
  }
  BINRELAY_ASSIGN(File file, disk.open_for_writing(copy));
  return std::optional<File>(std::move(file));
}

}  // namespace binrelay
