#include "storage/segment/torn_tail.h"

#include <algorithm>
#include <array>

#include "protocol/event/event_header.h"
#include "protocol/limits.h"
#include "protocol/wire/byte_reader.h"
#include "storage/segment/piece_checksum.h"

namespace binrelay {
namespace {

constexpr std::size_t kWindow = 1u << 20;
constexpr std::size_t kSizeOffset = 9;  // in an event header: size, then log_pos

// Whether the bytes at `offset` are an event of the file: known type, its end where it says, and the checksum if there
// is one.
Result<bool> is_event_at(const File& file, std::uint64_t offset, std::uint64_t size, ChecksumAlgorithm checksum) {
  if (checksum == ChecksumAlgorithm::none) return true;
  PieceChecksum sum(size);
  std::array<std::byte, 64 << 10> bytes;
  for (std::uint64_t done = 0; done < size;) {
    const std::size_t wanted = std::min<std::uint64_t>(bytes.size(), size - done);
    BINRELAY_ASSIGN(const std::size_t got, file.read_at(offset + done, std::span(bytes).first(wanted)));
    if (got == 0) return false;
    sum.add(Bytes(bytes).first(got));
    done += got;
  }
  return sum.holds();
}

enum class Ask : std::uint8_t { yes, no, any };
constexpr bool fits(Ask asked, bool fact) { return asked == Ask::any || (asked == Ask::yes) == fact; }

struct TailRow {
  Ask whole, below_durable, events_follow, zero_page;
  TailAction action;
};

constexpr TailRow kTailTable[] = {
    // First matching row wins.
    {Ask::yes, Ask::any, Ask::any, Ask::any, TailAction::keep},
    {Ask::no, Ask::yes, Ask::any, Ask::any, TailAction::refuse},  // rot: these bytes had been synced
    {Ask::no, Ask::no, Ask::yes, Ask::no, TailAction::refuse},  // rot: a write cut off by a crash has nothing behind it
    {Ask::no, Ask::no, Ask::yes, Ask::yes,
     TailAction::cut},  // a power cut lost a page that was not synced, and kept a later one
    {Ask::no, Ask::no, Ask::no, Ask::any, TailAction::cut},  // a torn write
};

constexpr bool matches(const TailRow& row, const TailFacts& facts) {
  return fits(row.whole, facts.whole) && fits(row.below_durable, facts.below_durable) &&
         fits(row.events_follow, facts.events_follow) && fits(row.zero_page, facts.zero_page);
}

constexpr bool tail_table_is_total() {
  for (int bits = 0; bits < 16; ++bits) {
    const TailFacts facts{(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0};
    bool matched = false;
    for (const TailRow& row : kTailTable) matched = matched || matches(row, facts);
    if (!matched) return false;
  }
  return true;
}
static_assert(tail_table_is_total());

}  // namespace

Result<std::optional<std::uint64_t>> find_event_behind(const File& file, std::uint64_t from, std::uint64_t to,
                                                       ChecksumAlgorithm checksum) {
  const std::uint64_t least = kEventHeaderSize + (checksum == ChecksumAlgorithm::crc32 ? kChecksumSize : 0);
  ByteBuffer window(std::min<std::uint64_t>(kWindow + kEventHeaderSize, to > from ? to - from : 0));
  for (std::uint64_t base = from; base < to; base += kWindow) {
    const std::size_t wanted = std::min<std::uint64_t>(window.size(), to - base);
    BINRELAY_ASSIGN(const std::size_t got, file.read_at(base, std::span(window).first(wanted)));
    for (std::size_t i = 0; i < kWindow && i + kEventHeaderSize <= got; ++i) {
      ByteReader in(Bytes(window).subspan(i + kSizeOffset, 8));
      const std::uint32_t size = in.u32();
      const std::uint32_t log_pos = in.u32();
      const std::uint64_t offset = base + i;
      // Cheap sieve first: one byte position in four billion passes it by chance.
      if (static_cast<std::uint32_t>(offset + size) != log_pos) continue;
      if (size < least || size > kMaxEventSize || size > to - offset) continue;
      if (event_type_name(static_cast<EventType>(window[i + 4])) == "Unknown") continue;
      BINRELAY_ASSIGN(const bool found, is_event_at(file, offset, size, checksum));
      if (found) return std::optional<std::uint64_t>(offset);
    }
  }
  return std::optional<std::uint64_t>();
}

Result<bool> has_zero_page(const File& file, std::uint64_t from, std::uint64_t to) {
  constexpr std::uint64_t kPage = 4096;
  ByteBuffer window(std::min<std::uint64_t>(kWindow, to > from ? to - from : 0));
  for (std::uint64_t base = (from + kPage - 1) / kPage * kPage; base < to; base += kWindow) {
    const std::size_t wanted = std::min<std::uint64_t>(window.size(), to - base);
    BINRELAY_ASSIGN(const std::size_t got, file.read_at(base, std::span(window).first(wanted)));
    for (std::size_t page = 0; page + kPage <= got; page += kPage) {
      const auto first = window.begin() + static_cast<std::ptrdiff_t>(page);
      if (std::all_of(first, first + kPage, [](std::byte byte) { return byte == std::byte{0}; })) return true;
    }
  }
  return false;
}

TailAction decide_tail(const TailFacts& facts) {
  const auto row =
      std::find_if(std::begin(kTailTable), std::end(kTailTable), [&](const TailRow& r) { return matches(r, facts); });
  return row->action;
}

Result<TailAction> judge_tail(const File& file, std::uint64_t from, std::uint64_t size, std::uint64_t durable,
                              ChecksumAlgorithm checksum) {
  BINRELAY_ASSIGN(const std::optional<std::uint64_t> follows, find_event_behind(file, from + 1, size, checksum));
  TailFacts facts{.whole = false, .below_durable = from < durable, .events_follow = follows.has_value()};
  BINRELAY_ASSIGN(facts.zero_page, has_zero_page(file, from, follows.value_or(size)));
  return decide_tail(facts);
}

Status copy_stretch(const Disk& disk, const File& file, std::uint64_t from, std::uint64_t to,
                    const std::filesystem::path& aside) {
  BINRELAY_ASSIGN(const File copy, disk.create(aside));
  ByteBuffer chunk(1u << 20);
  for (std::uint64_t offset = from; offset < to;) {
    const std::size_t wanted = std::min<std::uint64_t>(chunk.size(), to - offset);
    BINRELAY_ASSIGN(const std::size_t got, file.read_at(offset, std::span(chunk).first(wanted)));
    if (got == 0) break;
    BINRELAY_TRY(copy.write_at(offset - from, Bytes(chunk).first(got)));
    offset += got;
  }
  BINRELAY_TRY(copy.sync());
  return disk.sync_directory(aside.parent_path());
}

}  // namespace binrelay
