#include "relay/filter/prepare_search.h"

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
    if (event->header.type == EventType::gtid || event->header.type == EventType::anonymous_gtid ||
        event->header.type == EventType::gtid_tagged)
      group_ = event->position;
    if (event->header.type != EventType::xa_prepare || !event->whole) continue;
    const auto checksum = cursor_->segment().checksum;
    const auto prepare = decode_xa_prepare(event->bytes, checksum);
    if (!prepare) return prepare.error();
    const bool same = xa_id_text(prepare->format_id, prepare->gtrid, prepare->bqual) == xa_id_;
    if (same && !prepare->one_phase) found_ = group_;
  }
}

}  // namespace binrelay
