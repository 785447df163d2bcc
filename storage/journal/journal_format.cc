#include "storage/journal/journal_format.h"

#include <algorithm>
#include <array>

#include "protocol/wire/byte_reader.h"
#include "protocol/wire/byte_writer.h"
#include "protocol/wire/crc32.h"

namespace binrelay {
namespace {

constexpr std::string_view kMagic{"brjrnl\r\n", 8};
static_assert(kMagic.size() + 4 + 4 == kJournalHeaderSize);
static_assert(4 + 4 + 8 + 1 == kJournalRecordHeaderSize);
// How far ahead a sequence number may be to be believed when looking for records behind a bad one.
constexpr std::uint64_t kBelievableLead = 1u << 20;

struct RawRecord {
  std::uint64_t sequence = 0;
  std::uint8_t type = 0;
  Bytes body;
  std::size_t size = 0;
};

Result<RawRecord> read_raw(Bytes bytes) {
  ByteReader in(bytes);
  const std::uint32_t stored = in.u32();
  const std::uint32_t body_size = in.u32();
  RawRecord record;
  record.sequence = in.u64();
  record.type = in.u8();
  if (in.failed()) return Error{Errc::short_input, "a record header is cut off"};
  if (body_size > kMaxJournalBody) return Error{Errc::limit, "a record is larger than the limit"};
  record.body = in.take(body_size);
  if (in.failed()) return Error{Errc::short_input, "a record is cut off"};
  record.size = kJournalRecordHeaderSize + body_size;
  if (crc32(bytes.subspan(4, record.size - 4)) != stored)
    return Error{Errc::checksum, "a record's checksum does not match"};
  return record;
}

// A bad record's bytes may hold anything, so every byte behind it is tried as a beginning; the sequence number sieves
// before the CRC does.
bool any_record_in(Bytes bytes, std::uint64_t from_sequence) {
  constexpr std::size_t kSequenceAt = 8;
  for (std::size_t at = 0; at + kJournalRecordHeaderSize <= bytes.size(); ++at) {
    const std::uint64_t sequence = ByteReader(bytes.subspan(at + kSequenceAt, 8)).u64();
    if (sequence < from_sequence || sequence - from_sequence > kBelievableLead) continue;
    if (read_raw(bytes.subspan(at)).ok()) return true;
  }
  return false;
}

}  // namespace

ByteBuffer encode_journal_header() {
  ByteWriter out;
  out.text(kMagic).u32(kJournalVersion);
  const std::uint32_t crc = crc32(out.view());
  out.u32(crc);
  return std::move(out).take();
}

Status check_journal_header(Bytes journal) {
  if (journal.size() < kJournalHeaderSize) return Error{Errc::short_input, "the journal's header is cut off"};
  ByteReader in(journal);
  const std::string_view magic = in.text(kMagic.size());
  const std::uint32_t version = in.u32();
  const std::uint32_t stored = in.u32();
  if (magic != kMagic) return Error{Errc::malformed, "this is not a journal"};
  if (crc32(journal.first(kJournalHeaderSize - 4)) != stored) {
    return Error{Errc::checksum, "the journal header's checksum does not match"};
  }
  if (version != kJournalVersion) {
    return Error{Errc::unsupported, "the journal is of version " + std::to_string(version) + ", this binrelay knows " +
                                        std::to_string(kJournalVersion)};
  }
  return Done{};
}

ByteBuffer encode_journal_record(std::uint64_t sequence, const JournalRecord& record) {
  const ByteBuffer body = encode_record_body(record);
  BINRELAY_CHECK(body.size() <= kMaxJournalBody, "a journal record fits its limit");
  ByteWriter out;
  out.u32(0).u32(static_cast<std::uint32_t>(body.size())).u64(sequence).u8(record_type(record)).bytes(body);
  out.patch_u32(0, crc32(out.view().subspan(4)));
  return std::move(out).take();
}

std::size_t whole_record_size(Bytes bytes, std::uint64_t sequence) {
  const auto raw = read_raw(bytes);
  return raw.ok() && raw->sequence == sequence ? raw->size : 0;
}

JournalScan scan_journal(Bytes journal, const std::function<Status(std::uint64_t, const JournalRecord&)>& visit) {
  JournalScan scan;
  scan.end = kJournalHeaderSize;
  while (scan.end < journal.size()) {
    const Bytes rest = journal.subspan(scan.end);
    const auto raw = read_raw(rest);
    if (!raw.ok()) {
      scan.problem = raw.error();
      scan.records_follow = any_record_in(rest.subspan(1), scan.next_sequence + 1);
      return scan;
    }
    // A record whose checksum holds was written so: what is wrong with it now is never a torn write.
    Status accepted = Done{};
    if (raw->sequence != scan.next_sequence) accepted = Error{Errc::malformed, "a record is out of sequence"};
    if (accepted.ok()) {
      auto record = decode_record_body(raw->type, raw->body);
      accepted = record.ok() ? visit(scan.end, *record) : Status(std::move(record).error());
    }
    if (!accepted.ok()) {
      scan.problem = std::move(accepted).error();
      scan.records_follow = true;
      return scan;
    }
    scan.end += raw->size;
    ++scan.next_sequence;
  }
  return scan;
}

}  // namespace binrelay
