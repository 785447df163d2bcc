#include "relay/filter/prepare_search.h"

#include <algorithm>

#include "protocol/event/events.h"

namespace binrelay {

bool PrepareSearch::to_earlier_segment() {
  const auto catalog = log_.catalog();
  std::shared_ptr<const Segment> earlier;
  for (const auto& segment : catalog->segments()) {
    if (segment->number >= segment_) break;
    earlier = segment;
  }
  const auto current = catalog->find(segment_);
  if (!earlier || (current && current->series->history != earlier->series->history)) return false;
  segment_ = earlier->number;
  return true;
}

PrepareSearch::Step PrepareSearch::next() {
  for (;;) {
    if (!cursor_) {
      auto opened = LogCursor::open(log_, {segment_, kFirstEventOffset});
      if (!opened) return opened.error().code == Errc::not_found ? Step(Found{}) : Step(opened.error());
      cursor_.emplace(std::move(*opened));
    }
    if (payload_) {
      if (auto step = look_into_payload()) return std::move(*step);
      continue;
    }
    CursorStep step = cursor_->next();
    if (std::holds_alternative<NeedsRead>(step)) return NeedsRead{};
    if (auto* error = std::get_if<Error>(&step)) return std::move(*error);
    const auto* event = std::get_if<CursorEvent>(&step);
    if (!event || event->position >= before_) {  // this file has been looked through
      if (found_) return Found{found_};
      cursor_.reset();
      if (!to_earlier_segment()) return Found{};
      continue;
    }
    if (is_mysql_gtid(event->header.type)) group_ = event->position;
    const ChecksumAlgorithm checksum = cursor_->segment().checksum;
    if (event->header.type == EventType::xa_prepare && event->whole) look_at(event->header, event->bytes, checksum);
    if (event->header.type != EventType::transaction_payload) continue;
    const std::size_t trailer = checksum == ChecksumAlgorithm::crc32 ? kChecksumSize : 0;
    payload_.emplace();
    payload_left_ = event->header.size - std::min<std::uint64_t>(event->header.size, kEventHeaderSize + trailer);
    payload_piece_ = event->bytes.subspan(std::min(kEventHeaderSize, event->bytes.size()));
  }
}

void PrepareSearch::look_at(const EventHeader& header, Bytes event, ChecksumAlgorithm checksum) {
  if (header.type != EventType::xa_prepare) return;
  const auto prepare = decode_xa_prepare(event, checksum);
  if (!prepare || prepare->one_phase) return;
  if (xa_id_text(prepare->format_id, prepare->gtrid, prepare->bqual) == xa_id_) found_ = group_;
}

// nullopt: some of it has been looked at.
std::optional<PrepareSearch::Step> PrepareSearch::look_into_payload() {
  if (payload_left_ == 0) {
    payload_.reset();
    return std::nullopt;
  }
  if (payload_piece_.empty()) {
    PieceStep step = cursor_->next_piece();
    if (std::holds_alternative<NeedsRead>(step)) return NeedsRead{};
    if (auto* error = std::get_if<Error>(&step)) return std::move(*error);
    payload_piece_ = std::get<Piece>(step).bytes;
  }
  const std::size_t size = std::min<std::uint64_t>(payload_piece_.size(), payload_left_);
  const Status fed = payload_->feed(payload_piece_.first(size), [this](const EventHeader& header, Bytes event) {
    look_at(header, event, ChecksumAlgorithm::none);
    return Status(Done{});
  });
  payload_left_ -= size;
  payload_piece_ = payload_piece_.subspan(size);
  return fed.ok() ? std::nullopt : std::optional<Step>(fed.error());
}

}  // namespace binrelay
