#include "relay/upstream/block_fetch.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "relay/upstream/dump_receiver.h"
#include "relay/upstream/source_error.h"
#include "relay/upstream/source_facts.h"
#include "storage/segment/segment_blocks.h"
#include "storage/segment/segment_head.h"

namespace binrelay {
namespace {

constexpr std::uint32_t kHeartbeatMs = 1000;
constexpr std::uint32_t kFetcherServerId = 1u << 29;  // relay ids are 2^30 … 2^31

// The lost bytes, filled as the events that hold them come by.
class Stretch {
 public:
  explicit Stretch(const LostStretch& lost) : from_(lost.from), to_(lost.to), bytes_(lost.to - lost.from) {
    if (from_ < kFirstEventOffset) take(0, kBinlogMagic);
  }
  void take(std::uint64_t offset, Bytes bytes) {
    const std::uint64_t begin = std::max(offset, from_), end = std::min(offset + bytes.size(), to_);
    if (begin >= end) return;
    const Bytes part = bytes.subspan(begin - offset, end - begin);
    std::copy(part.begin(), part.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(begin - from_));
  }
  ByteBuffer finish() { return std::move(bytes_); }

 private:
  const std::uint64_t from_, to_;
  ByteBuffer bytes_;
};

// Errc::not_found: it answers that it does not have what it was asked for. Errc::connection: another time it may.
Error answer_of(Error error, std::uint32_t number, Flavour flavour) {
  constexpr std::uint32_t kFatalErrorReadingBinlog = 1236;
  error = explained(std::move(error), number, flavour);
  if (error.code == Errc::refused) error.code = number == kFatalErrorReadingBinlog ? Errc::not_found : Errc::connection;
  return error;
}

Result<ByteBuffer> receive(EventSource& source, Flavour flavour, const LostStretch& lost) {
  DumpStart start{lost.file, lost.event_begin, std::nullopt};
  if (lost.event_begin > kFirstEventOffset) start.stored = StoredFile{lost.event_begin, lost.format_description};
  DumpReceiver receiver(std::move(start));
  Stretch stretch(lost);
  while (receiver.offset() < lost.to) {
    const auto event = source.next_event();
    if (!event) return answer_of(event.error(), source.server_error(), flavour);
    BINRELAY_ASSIGN(const ReceiverStep step, receiver.on_event(*event));
    if (receiver.file() != lost.file) break;
    if (const auto* stored = std::get_if<StoreEvent>(&step)) stretch.take(stored->offset, stored->event);
  }
  if (receiver.file() != lost.file || receiver.offset() < lost.to)
    return Error{Errc::not_found, "the source's " + lost.file + " ends at " + std::to_string(receiver.offset())};
  return stretch.finish();
}

Result<ByteBuffer> connect_and_receive(EventSource& source, const LostStretch& lost, const FetcherIdentity& self) {
  if (const Status connected = source.connect(); !connected.ok())
    return answer_of(connected.error(), source.server_error(), Flavour::mysql);
  const Flavour flavour = flavour_of(source.server_version());
  BINRELAY_TRY(prepare_dump_session(source, flavour, self.uuid, kHeartbeatMs));
  auto begun = source.start_dump(
      {.file = lost.file, .position = lost.event_begin, .server_id = self.server_id, .until_end = true});
  if (!begun) return answer_of(std::move(begun).error(), source.server_error(), flavour);
  return receive(source, flavour, lost);
}

Status restore_one_head(const StorageOptions& options, const Segment& segment, EventSource& source,
                        const FetcherIdentity& self) {
  const LostStretch lost{segment.source_name, kFirstEventOffset, 0, segment.blocks->end_of(0), {}};
  BINRELAY_ASSIGN(const ByteBuffer content, fetch_stretch(source, lost, self));
  return restore_head(options, segment, content);
}

}  // namespace

FetcherIdentity fetcher_of(ServerId relay_server_id, const Uuid& relay_uuid) {
  FetcherIdentity self{ServerId{static_cast<std::uint32_t>(relay_server_id) ^ kFetcherServerId}, relay_uuid};
  self.uuid.bytes[0] ^= 0x80;
  return self;
}

Status restore_damage(const StorageOptions& options, const DamageAtOpen& damage, EventSource& source) {
  const FetcherIdentity self = fetcher_of(damage.relay_server_id, damage.relay_uuid);
  Status outcome = Done{};
  for (const auto& segment : damage.heads) {
    if (segment->blocks->state(0) == SegmentBlocks::State::sound) continue;  // another source had it
    const Status restored = restore_one_head(options, *segment, source, self);
    if (!restored.ok() && outcome.ok()) outcome = restored;
  }
  if (!outcome.ok() || !damage.tail) return outcome;
  const DamagedTail& tail = *damage.tail;
  const LostStretch lost{tail.source_name, tail.from, tail.from, tail.to, tail.format_description};
  BINRELAY_ASSIGN(const ByteBuffer content, fetch_stretch(source, lost, self));
  return restore_tail(options, tail, content);
}

Result<ByteBuffer> fetch_stretch(EventSource& source, const LostStretch& lost, const FetcherIdentity& self) {
  if (lost.event_begin > std::numeric_limits<std::uint32_t>::max())
    return Error{Errc::not_found,
                 lost.file + ":" + std::to_string(lost.event_begin) + " is behind what a dump can ask for"};
  auto fetched = connect_and_receive(source, lost, self);
  source.close();
  return fetched;
}

}  // namespace binrelay
