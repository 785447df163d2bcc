#pragma once
// The journal's bytes. Little-endian.
//
//   journal := header record*
//   header  := magic[8]  version u32  crc u32                    crc over magic and version
//   record  := crc u32  body_size u32  sequence u64  type u8  body[body_size]
//              crc over everything behind it; sequence counts 1, 2, 3, …
//
// The sequence number lets a scan tell a torn tail from rot: behind a torn tail no record with a later number can
// stand.
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "protocol/bytes.h"
#include "protocol/result.h"
#include "storage/journal/journal_record.h"

namespace binrelay {

inline constexpr std::uint32_t kJournalVersion = 1;
inline constexpr std::size_t kJournalHeaderSize = 16;
inline constexpr std::size_t kJournalRecordHeaderSize = 17;
inline constexpr std::size_t kMaxJournalBody = 64u << 20;
inline constexpr std::uint64_t kMaxJournalSize = 4ull << 30;

ByteBuffer encode_journal_header();
Status check_journal_header(Bytes journal);  // Errc::unsupported for a newer version
ByteBuffer encode_journal_record(std::uint64_t sequence, const JournalRecord& record);

// The size of the record at the start of `bytes`; 0: no whole record of this sequence number stands there.
std::size_t whole_record_size(Bytes bytes, std::uint64_t sequence);

struct JournalScan {
  std::uint64_t end = 0;  // behind the last good record
  std::uint64_t next_sequence = 1;
  std::optional<Error> problem;  // of the bytes at `end`; nullopt: the journal ends there
  bool records_follow = false;   // with a problem: whole records stand behind it, so it is no torn tail
};
// Calls `visit` for each record in order. An error of `visit` ends the scan as that record's problem, with
// records_follow set. `journal` is the whole file; its header must have been checked.
JournalScan scan_journal(Bytes journal, const std::function<Status(std::uint64_t offset, const JournalRecord&)>& visit);

}  // namespace binrelay
