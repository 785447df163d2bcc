// One event header and the checksum behind it. The first four bytes are a file's magic, so a binlog file is a good
// seed.
#include <cstring>

#include "protocol/check.h"
#include "protocol/event/event_checksum.h"
#include "protocol/event/events.h"
#include "protocol/limits.h"

using namespace binrelay;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes input = std::as_bytes(std::span(data, size));
  if (input.size() < kFirstEventOffset) return 0;
  const Bytes bytes = input.subspan(kFirstEventOffset);
  const auto header = decode_event_header(bytes);
  if (!header) return 0;
  BINRELAY_CHECK(bytes.size() >= kEventHeaderSize, "a header that was read was there");
  BINRELAY_CHECK(header->size >= kEventHeaderSize && header->size <= kMaxEventSize, "sizes are within their limits");
  BINRELAY_CHECK(!event_type_name(header->type).empty(), "every type has a name");

  if (header->size > bytes.size() || header->size < kEventHeaderSize + kChecksumSize) return 0;
  ByteBuffer event(bytes.begin(), bytes.begin() + header->size);
  const auto body = event_body(event, ChecksumAlgorithm::crc32);
  BINRELAY_CHECK(body.ok() && body->size() == event.size() - kEventHeaderSize - kChecksumSize,
                 "a body is what is left");
  rewrite_event_checksum(event);
  BINRELAY_CHECK(event_checksum_holds(event), "a checksum that was written holds");
  event[event.size() - 1] ^= std::byte{1};
  BINRELAY_CHECK(!event_checksum_holds(event), "a checksum that was broken does not");
  return 0;
}
