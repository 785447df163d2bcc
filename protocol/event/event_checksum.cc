#include "protocol/event/event_checksum.h"

#include <array>
#include <cstring>

#include "protocol/check.h"
#include "protocol/event/event_header.h"
#include "protocol/wire/crc32.h"

namespace binrelay {
namespace {

// The CRC of everything before the last four bytes, with IN_USE read as 0 in an FDE: the bit changes on disk, the CRC
// does not.
std::uint32_t computed_checksum(Bytes event) {
  const Bytes covered = event.first(event.size() - kChecksumSize);
  if (static_cast<EventType>(event[kTypeOffset]) != EventType::format_description) return crc32(covered);

  std::array<std::byte, kEventHeaderSize> header;
  std::memcpy(header.data(), covered.data(), kEventHeaderSize);
  header[kFlagsOffset] &= ~std::byte{kFlagBinlogInUse};
  return crc32(covered.subspan(kEventHeaderSize), crc32(header));
}

}  // namespace

bool event_checksum_holds(Bytes event) {
  BINRELAY_CHECK(event.size() >= kEventHeaderSize + kChecksumSize,
                 "an event with a checksum has a header and four bytes");
  std::uint32_t stored = 0;
  std::memcpy(&stored, event.data() + event.size() - kChecksumSize, kChecksumSize);
  return stored == computed_checksum(event);
}

void rewrite_event_checksum(ByteBuffer& event) {
  BINRELAY_CHECK(event.size() >= kEventHeaderSize + kChecksumSize,
                 "an event with a checksum has a header and four bytes");
  const std::uint32_t checksum = computed_checksum(event);
  std::memcpy(event.data() + event.size() - kChecksumSize, &checksum, kChecksumSize);
}

}  // namespace binrelay
