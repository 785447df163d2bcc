#pragma once
// FilteredCursor is a LogCursor that shows a consumer's view: whole groups go through the rewrite of protocol/filter,
// what stands between them is shown as it is. Small groups are read once and held; of a large one a first pass learns
// what will go out, then it is read again. Memory: kHeldGroup, one event that is not of rows, and the rewrite's own.
// Thread: one at a time. Owner: a dump. Borrows: the log and the view outlive it.
//
// A CursorEvent's position is where the stored event begins that it comes from; its header and bytes are what goes out.
// A consumer may begin inside a group: what lies before its place is judged in silence. Who has come to the end of the
// log shares what is filtered there with the others of the view.
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "protocol/event/event_run.h"
#include "protocol/event/transaction_boundary.h"
#include "protocol/filter/group_rewrite.h"
#include "protocol/filter/plain_groups.h"
#include "relay/filter/consumer_view.h"
#include "relay/filter/piece_patch.h"
#include "relay/filter/prepare_search.h"
#include "relay/filter/shared_groups.h"
#include "storage/log_cursor.h"

namespace binrelay {

// A group in one piece, as it goes out.
struct ShownGroup {
  EventRun run;
  bool empty = false;  // no change and no statement is in it
};

class FilteredCursor {
 public:
  static constexpr std::size_t kHeldGroup = 1u << 20;
  // Who has read so much since it was at the end of the log is not there any more.
  static constexpr std::uint64_t kNearTheEnd = 1u << 20;

  // `cursor` stands where the consumer begins. `shared`: of this view and `by_size`; nullptr: nothing is shared.
  FilteredCursor(const EventLog& log, LogCursor cursor, std::shared_ptr<const ConsumerView> view, bool by_size,
                 std::shared_ptr<SharedGroups> shared = nullptr);

  // As LogCursor's. Errc::refused, unsupported, limit: the view cannot be shown from here on, and why.
  CursorStep next();
  // What goes out of the next group, as events one behind the other, if that can be told at one look, or somebody else
  // has filtered it; nothing otherwise: next() goes on. Valid until the next call.
  std::optional<ShownGroup> next_group();
  PieceStep next_piece();
  Result<bool> read(ReadMode mode);
  std::optional<Error> known_damage(const CursorEvent& event) const;
  LogPosition position() const;  // of what is shown next
  void release_buffer();         // nothing is read for a while
  ReadPins::Pin pin() const { return cursor_.pin(); }
  // A large group is being looked at, and nothing of it has been shown.
  bool looks_ahead() const { return state_ == State::planning || state_ == State::looking_up; }

 private:
  enum class State : std::uint8_t {
    start,       // the consumer's place has not been looked at
    find_group,  // it is inside a group: where does that begin?
    between,     // groups
    planning,    // the first pass
    looking_up,  // an XA transaction ends: what became of its prepare?
    held,        // what goes out of a group that is in memory is shown
    rewriting,   // the second pass of a large group
    passing,     // a large group that goes out as it is
  };
  struct HeldEvent {
    EventHeader header;
    std::uint64_t offset = 0;
    std::size_t at = 0;  // in held_bytes_
  };
  // What is shown next: bytes of its own, or of an event that is in memory anyway.
  struct Ready {
    EventHeader header;
    std::uint64_t offset = 0;
    Bytes view;
    ByteBuffer own;
    OutEvent::Kind kind = OutEvent::Kind::current;
    bool whole = true;
  };
  // nullopt: go on in another state.
  using Progress = std::optional<CursorStep>;
  using Failure = std::optional<Error>;

  std::optional<ShownGroup> take_shared(LogPosition at, const RuleSet& rules);
  std::optional<ShownGroup> next_plain_group(LogPosition at, std::shared_ptr<const RuleSet> rules);
  void note_end();
  bool is_at_end(LogPosition at);
  void share_plain(const PlainGroup& group, LogPosition begin);
  void share_held();
  void share(FilteredGroup group);

  Progress look_at_start();
  Progress find_group();
  Progress step_between();
  Progress plan();
  Progress rewrite();
  Failure finish_plan(bool prepare_was_emptied);
  Progress pass();
  Failure begin_group(const CursorEvent& event);
  Failure plan_event(const CursorEvent& event, BoundaryPlace place);
  Failure end_plan();
  Failure rewrite_held();
  Failure rewrite_event(const CursorEvent& event);
  Failure reopen(LogPosition at);
  void note_segment();
  void hold(const CursorEvent& event);
  void take_fresh(const CursorEvent& current);
  void make_whole(Ready* ready) const;
  CursorStep show(Ready ready);
  bool anything_ready() const { return next_ready_ < ready_.size(); }

  // An event as the rewrite wants it: whole, but for those of rows and texts, and payloads.
  CursorStep fetch();
  CursorStep collect();
  void begin_payload(const CursorEvent& event);
  // Some bytes of a large payload. nullopt: they were fed, and payload_ is reset behind the last.
  Progress feed_payload(const PayloadEvents::OnEvent& on_event);
  GroupEvent group_event(const CursorEvent& event) const;
  Progress look_up_prepare();

  const EventLog& log_;
  LogCursor cursor_;
  std::shared_ptr<const ConsumerView> view_;
  ViewOptions options_;
  State state_ = State::start;

  std::uint64_t from_;  // nothing before it is shown, in the first segment
  TransactionBoundary boundary_;
  Flavour flavour_ = Flavour::mysql;
  ChecksumAlgorithm checksum_ = ChecksumAlgorithm::none;

  std::shared_ptr<SharedGroups> shared_;        // nullptr: nothing is shared
  std::optional<SharedGroups::Member> member_;  // near the end of the log
  LogPosition end_seen_{};                      // where that was, when it was there
  std::shared_ptr<const FilteredGroup> taken_;  // what next_group() has shown

  std::shared_ptr<const RuleSet> group_rules_;  // those of rules_
  std::optional<ViewRules> rules_;
  std::optional<GroupPlanner> planner_;
  GroupPlan plan_;
  std::optional<GroupRewriter> rewriter_;
  LogPosition group_begin_{};
  std::uint64_t group_end_ = 0;  // 0: not seen yet

  std::shared_ptr<const RuleSet> plain_rules_;  // those of plain_
  std::optional<PlainGroups> plain_;
  ByteBuffer plain_out_;

  bool holding_ = false;  // the group is in memory so far
  std::vector<HeldEvent> held_;
  ByteBuffer held_bytes_;

  std::vector<OutEvent> fresh_;
  std::vector<Ready> ready_;
  std::size_t next_ready_ = 0;
  Ready shown_;  // keeps the bytes of what was shown last
  std::optional<PiecePatch> patch_;

  std::optional<CursorEvent> collecting_;
  ByteBuffer collected_;
  std::unique_ptr<PayloadEvents> payload_;
  std::uint64_t payload_offset_ = 0, payload_left_ = 0;
  Bytes payload_piece_;

  std::optional<PrepareSearch> search_;
  std::unique_ptr<FilteredCursor> prepare_;  // at the group that was found
  std::map<std::string, bool> prepared_;     // XA transactions of MySQL that are not over: emptied or not
};

}  // namespace binrelay
