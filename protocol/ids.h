#pragma once
// Strong names for the numbers of replication.
#include <compare>
#include <cstdint>

namespace binrelay {

enum class ServerId : std::uint32_t {};
enum class Flavour : std::uint8_t { mysql = 1, mariadb = 2 };
enum class ChecksumAlgorithm : std::uint8_t { none = 0, crc32 = 1 };  // the FDE's algorithm byte

constexpr const char* to_text(Flavour flavour) { return flavour == Flavour::mysql ? "MySQL" : "MariaDB"; }
constexpr const char* to_text(ChecksumAlgorithm algorithm) {
  return algorithm == ChecksumAlgorithm::crc32 ? "CRC32" : "NONE";
}

// Number of a segment within a stream: 1, 2, 3 … in log order over all generations. Never re-used.
enum class SegmentNumber : std::uint64_t {};
constexpr std::uint64_t raw(SegmentNumber number) { return static_cast<std::uint64_t>(number); }
constexpr SegmentNumber next(SegmentNumber number) { return SegmentNumber{raw(number) + 1}; }

// A byte position in the log: `offset` is the 64-bit offset in the segment file (its magic counts, so the first event
// is at 4).
struct LogPosition {
  SegmentNumber segment{};
  std::uint64_t offset = 0;
  friend auto operator<=>(const LogPosition&, const LogPosition&) = default;
};

inline constexpr std::uint64_t kFirstEventOffset = 4;

}  // namespace binrelay
