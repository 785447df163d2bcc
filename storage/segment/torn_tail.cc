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

}  // namespace binrelay
