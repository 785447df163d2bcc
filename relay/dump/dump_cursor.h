#pragma once
// DumpCursor is what a dump reads: the log as it is, or an account's view of it. Thread: one at a time. Owner: a dump.
#include <memory>
#include <optional>
#include <utility>

#include "relay/filter/filtered_cursor.h"
#include "storage/log_cursor.h"

namespace binrelay {

class DumpCursor {
 public:
  explicit DumpCursor(LogCursor plain) : plain_(std::move(plain)) {}
  explicit DumpCursor(std::unique_ptr<FilteredCursor> filtered) : filtered_(std::move(filtered)) {}

  CursorStep next() { return filtered_ ? filtered_->next() : plain_->next(); }
  // As LogCursor's; a view shows its events one by one.
  EventRun next_run(const EventTypeSet& types, std::size_t most) {
    return filtered_ ? EventRun{} : plain_->next_run(types, most);
  }
  // What next_run() gave stays valid over next() now; a view lends nothing.
  bool keeps_bytes() const { return filtered_ || !plain_->at_hand().empty(); }
  // Of a view only.
  std::optional<ShownGroup> next_group() { return filtered_ ? filtered_->next_group() : std::nullopt; }
  void release_buffer() { filtered_ ? filtered_->release_buffer() : plain_->release_buffer(); }
  PieceStep next_piece() { return filtered_ ? filtered_->next_piece() : plain_->next_piece(); }
  Result<bool> read(ReadMode mode) { return filtered_ ? filtered_->read(mode) : plain_->read(mode); }
  std::optional<Error> known_damage(const CursorEvent& event) const {
    return filtered_ ? filtered_->known_damage(event) : plain_->known_damage(event);
  }
  LogPosition position() const { return filtered_ ? filtered_->position() : plain_->position(); }
  ReadPins::Pin pin() const { return filtered_ ? filtered_->pin() : plain_->pin(); }
  bool looks_ahead() const { return filtered_ && filtered_->looks_ahead(); }

 private:
  std::optional<LogCursor> plain_;
  std::unique_ptr<FilteredCursor> filtered_;
};

}  // namespace binrelay
