#include "protocol/event/events.h"
#include "protocol/limits.h"
#include "protocol/wire/byte_reader.h"

namespace binrelay {
namespace {

Result<HeartbeatView> decode_heartbeat_v2(Bytes body) {
  enum Field : std::uint64_t { kEnd = 0, kFileName = 1, kPosition = 2 };
  constexpr int kMaxFields = 16;  // two are known
  ByteReader in(body);
  HeartbeatView heartbeat;
  for (int fields = 0;; ++fields) {
    const std::uint64_t id = in.length_encoded();
    if (in.failed() || fields > kMaxFields) return Error{Errc::malformed, "heartbeat v2: fields"};
    if (id == kEnd) break;
    const Bytes value = in.take(in.length_encoded());
    ByteReader number(value);
    if (id == kFileName) heartbeat.file_name = as_text(value);
    if (id == kPosition) heartbeat.position = number.length_encoded();
    if (in.failed() || number.failed()) return Error{Errc::malformed, "heartbeat v2: field " + std::to_string(id)};
  }
  return heartbeat;
}

Status check_file_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxFileNameLength) {
    return Error{Errc::malformed, "a file name of " + std::to_string(name.size()) + " bytes"};
  }
  return Done{};
}

}  // namespace

Result<RotateView> decode_rotate(Bytes event, ChecksumAlgorithm checksum) {
  BINRELAY_ASSIGN(const Bytes body, event_body(event, checksum));
  ByteReader in(body);
  RotateView rotate;
  rotate.position = in.u64();
  if (in.failed()) return Error{Errc::short_input, "rotate event"};
  rotate.file_name = as_text(in.rest());
  BINRELAY_TRY(check_file_name(rotate.file_name));
  return rotate;
}

Result<HeartbeatView> decode_heartbeat(Bytes event, ChecksumAlgorithm checksum) {
  BINRELAY_ASSIGN(const EventHeader header, decode_event_header(event));
  BINRELAY_ASSIGN(const Bytes body, event_body(event, checksum));
  HeartbeatView heartbeat{as_text(body), header.log_pos};
  if (header.type == EventType::heartbeat_v2) {
    BINRELAY_ASSIGN(heartbeat, decode_heartbeat_v2(body));
  }
  BINRELAY_TRY(check_file_name(heartbeat.file_name));
  return heartbeat;
}

}  // namespace binrelay
