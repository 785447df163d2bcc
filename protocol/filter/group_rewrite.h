#pragma once
// GroupRewriter is the second pass: it sees the events of a group again, in the same order, and yields what goes out,
// as GroupPlan says. Deterministic: the same events, rules and options give the same bytes. Thread: none of its own.
// Memory: the texts and table maps in front of a statement's first row event (kMaxHeldBytes), a payload that is packed
// again, and one event of a payload that goes out unpacked. Borrows: rules, options and plan outlive it.
#include <cstdint>
#include <memory>
#include <vector>

#include "protocol/filter/group_judge.h"
#include "protocol/filter/group_plan.h"
#include "protocol/filter/payload_events.h"

namespace binrelay {

inline constexpr std::size_t kMaxHeldBytes = 64u << 20;
// Holes are filled with one event as long as that stays small: a consumer may ask for any place between two events.
inline constexpr std::uint64_t kMaxFilledAtOnce = 64u << 10;

struct OutEvent {
  enum class Kind : std::uint8_t {
    current,           // the event just given, as it is
    current_with_end,  // the same row event with STMT_END_F
    made,              // `bytes`
    filler,            // IGNORABLE with `header` and zeros: event_edit.h
  };
  Kind kind = Kind::current;
  std::uint64_t offset = 0;  // of the stored event it comes from (of the last of several)
  EventHeader header{};
  ByteBuffer bytes{};
};

class GroupRewriter {
 public:
  // Nothing goes out for events before `from`, an offset in the file: the consumer has it.
  GroupRewriter(Flavour flavour, ChecksumAlgorithm checksum, const ViewRules& rules, const ViewOptions& options,
                const GroupPlan& plan, std::uint64_t from)
      : flavour_(flavour),
        checksum_(checksum),
        options_(options),
        plan_(plan),
        from_(from),
        judge_(flavour, rules, options) {}

  // Appends to `out`. A payload event that changes (plan.payload_changed) is not given here but to begin_payload(),
  // then its events here, then end_payload().
  Status on_event(const GroupEvent& event, std::vector<OutEvent>* out);
  void begin_payload(const GroupEvent& event);
  Status end_payload(std::vector<OutEvent>* out);
  void finish(std::vector<OutEvent>* out);

 private:
  struct Held {
    bool text = false;
    std::size_t map = 0;
    EventHeader header;
    std::uint64_t offset = 0;
    ByteBuffer bytes;
    bool monitored = false;
  };
  enum class Fate : std::uint8_t { undecided, kept, dropped, mixed };

  Status hold(const GroupEvent& event, const Judgement& judgement);
  Status on_query(const GroupEvent& event, const Judgement& judgement, std::vector<OutEvent>* out);
  Status empty_query(const GroupEvent& event, std::vector<OutEvent>* out);
  Status on_map(const GroupEvent& event, const Judgement& judgement, std::vector<OutEvent>* out);
  Status on_rows(const GroupEvent& event, const Judgement& judgement, std::vector<OutEvent>* out);
  Status on_gtid(const GroupEvent& event, std::vector<OutEvent>* out);
  Status end_statement(std::vector<OutEvent>* out);
  Status release_companions(bool kept, std::vector<OutEvent>* out);
  Status release_statement(Fate fate, std::vector<OutEvent>* out);
  bool map_is_used(std::size_t map) const;
  const MixedStatement* mixed() const;

  Status keep(const GroupEvent& event, std::vector<OutEvent>* out);
  Status put(ByteBuffer bytes, std::uint64_t offset, std::vector<OutEvent>* out);
  void drop(const EventHeader& header, std::uint64_t offset, std::vector<OutEvent>* out);
  void fill_hole(std::vector<OutEvent>* out);

  const Flavour flavour_;
  const ChecksumAlgorithm checksum_;
  const ViewOptions& options_;
  const GroupPlan& plan_;
  const std::uint64_t from_;
  GroupJudge judge_;

  std::vector<Held> held_;        // of the statement that begins
  std::vector<Held> companions_;  // of the query that follows
  std::size_t held_bytes_ = 0;
  Fate fate_ = Fate::undecided;
  bool any_kept_ = false, any_dropped_ = false;
  std::uint64_t statement_ = 0, row_event_ = 0;
  std::size_t next_mixed_ = 0;

  std::uint64_t hole_ = 0;
  std::uint64_t hole_offset_ = 0;
  EventHeader hole_like_{};

  bool in_payload_ = false;
  EventHeader payload_{};
  std::uint64_t payload_offset_ = 0;
  // Of an unpacked payload: the event that goes out next. Only the last says that the payload ends, the others that it
  // begins: a consumer that stops among them and comes again with file and position gets all of it.
  ByteBuffer unpacked_;
  std::unique_ptr<PayloadPacker> packer_;
};

// The whole of it for a group that is in memory: every event as it goes out. `prepare_was_emptied` as for
// GroupPlanner::finish().
Result<std::vector<ByteBuffer>> rewrite_group(const std::vector<GroupEvent>& events, Flavour flavour,
                                              const ViewRules& rules, const ViewOptions& options,
                                              bool prepare_was_emptied = false);

// Feeds the events inside a payload event that is whole to `on_event`.
Status for_each_payload_event(const GroupEvent& payload, const std::function<Status(const GroupEvent&)>& on_event);

}  // namespace binrelay
