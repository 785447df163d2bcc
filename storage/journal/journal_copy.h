#pragma once
// The journal is kept twice: `journal`, which everything depends on, and `journal.copy`, the same bytes at the same
// offsets, written behind it and never waited for. What has rotted in the one is read from the other.
//
// Thread: none; blocks on the disk.
#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "protocol/bytes.h"
#include "protocol/result.h"
#include "storage/file/disk.h"

namespace binrelay {

struct JournalBytes {
  ByteBuffer content;
  std::vector<std::uint64_t> mended;  // where the copy's bytes stand in for the file's
};

// Goes through `journal` record by record; one that is not whole is taken from `copy`, if it is whole there.
JournalBytes mend_journal(ByteBuffer journal, Bytes copy);

// The journal at `path`, mended; changes nothing. Errc::not_found: there is none, and no copy.
Result<JournalBytes> read_journal(const Disk& disk, const std::filesystem::path& path);

// Writes what was mended back into the file at `path`.
Status restore_journal(const Disk& disk, const std::filesystem::path& path, const JournalBytes& mended);

std::filesystem::path journal_copy_of(const std::filesystem::path& path);
bool journal_exists(const std::filesystem::path& path);  // or its copy

// The copy, holding exactly `journal`, for what is appended from now on. nullopt: the disk has no room for one; an old
// one is gone then.
Result<std::optional<File>> begin_journal_copy(const Disk& disk, const std::filesystem::path& path, Bytes journal);

}  // namespace binrelay
