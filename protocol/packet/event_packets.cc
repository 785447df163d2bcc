#include "protocol/packet/event_packets.h"

#include <optional>

#include "protocol/event/event_checksum.h"
#include "protocol/limits.h"
#include "protocol/wire/byte_reader.h"

namespace binrelay {
namespace {

constexpr std::size_t kStreamPacketHeader = 4;

bool sum_holds(Bytes event, ChecksumAlgorithm checksum) {
  if (checksum == ChecksumAlgorithm::none) return true;
  return event.size() >= kEventHeaderSize + kChecksumSize && event_checksum_holds(event);
}

// nullopt: there is no whole packet, or what is in it is no event of a file at `offset`.
std::optional<ArrivedEvent> event_in_front(Bytes stream, std::uint64_t offset) {
  if (stream.size() < kBeforeEvent) return std::nullopt;
  const std::size_t size = ByteReader(stream).u24();
  if (size == kMaxPacketPayload || size < 1 || size > stream.size() - kStreamPacketHeader) return std::nullopt;
  if (stream[kStreamPacketHeader] != std::byte{0}) return std::nullopt;
  const Bytes event = stream.subspan(kBeforeEvent, size - 1);
  const auto header = whole_event(event, offset);
  if (!header || header->size != event.size() || (header->flags & kFlagArtificial) != 0) return std::nullopt;
  return ArrivedEvent{*header, event};
}

}  // namespace

std::size_t find_arrived(Bytes stream, std::uint64_t offset, const EventTypeSet& types, ChecksumAlgorithm checksum,
                         std::span<ArrivedEvent> run) {
  std::size_t count = 0;
  while (count < run.size()) {
    const auto arrived = event_in_front(stream, offset);
    if (!arrived || !types.contains(arrived->header.type) || !sum_holds(arrived->bytes, checksum)) break;
    run[count++] = *arrived;
    stream = stream.subspan(kBeforeEvent + arrived->bytes.size());
    offset += arrived->bytes.size();
  }
  return count;
}

}  // namespace binrelay
