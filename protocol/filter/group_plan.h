#pragma once
// GroupPlanner is the first pass of a rewrite: it sees every event of a group and says what will go out, how many bytes
// that is, and where the second pass (GroupRewriter) cannot know by looking at a statement's first row event.
// Thread: none of its own. Memory: one record per statement of which some rows go out and others do not, at most
// kMaxMixedStatements.
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "protocol/filter/group_judge.h"
#include "protocol/row/row_count.h"

namespace binrelay {

inline constexpr std::size_t kMaxMixedStatements = 1u << 20;

// A statement that is neither kept nor dropped as a whole.
struct MixedStatement {
  std::uint64_t statement = 0;
  std::optional<std::uint64_t> new_last{};  // the row event that STMT_END_F moves to, counted within the group
  std::vector<std::size_t> unused_maps{};   // of monitored tables, of which no row goes out
};

// Row events by the rule that judged them; rule 0: none did, and their rows are not counted.
struct RuleTally {
  std::uint64_t events_passed = 0, bytes_passed = 0, events_dropped = 0, bytes_dropped = 0;
  std::uint64_t rows_passed = 0, rows_dropped = 0;
  std::uint64_t events_uncounted = 0;  // whose rows are in none of both: not read whole, or compressed by MariaDB

  RuleTally& operator+=(const RuleTally& more);
};

struct GroupPlan {
  bool changed = false;  // false: the group goes out byte for byte
  bool any_row_kept = false;
  bool payload_changed = false;
  bool emptied_query = false;         // the group is one statement, and that does not go out
  bool dropped_ddl = false;           // inside a transaction, with the rows that belong to it
  bool emptied_xa = false;            // an XA PREPARE that loses all its rows
  std::uint64_t out_size = 0;         // what goes out, when holes are not filled
  std::vector<MixedStatement> mixed;  // in order
  std::optional<std::string> xa_prepared, xa_finished;
  std::map<std::uint64_t, RuleTally> tallies;
};

class GroupPlanner {
 public:
  GroupPlanner(Flavour flavour, ChecksumAlgorithm checksum, const ViewRules& rules, const ViewOptions& options)
      : flavour_(flavour), checksum_(checksum), options_(options), judge_(flavour, rules, options) {}

  Status on_event(const GroupEvent& event);
  // Behind on_event() of a payload event: its events follow, until end_payload().
  void begin_payload();
  Status end_payload();
  // Of an XA COMMIT or ROLLBACK: `prepare_was_emptied` as for its xid (xa_finished) is remembered.
  GroupPlan finish(bool prepare_was_emptied);
  // Known when every event has been seen, and before finish().
  const std::optional<std::string>& xa_finished() const { return plan_.xa_finished; }

 private:
  struct MapFate {
    std::uint64_t size = 0;
    bool monitored = false;
    bool any_kept = false, any_dropped = false;
    std::optional<RowWidths> widths{};  // of a table that a rule names
  };
  struct Statement {
    bool open = false, ended_by_flag = false, late_map = false;
    std::uint64_t texts = 0, text_bytes = 0;
    bool text_too_long = false;
    std::vector<MapFate> maps;
    std::uint64_t kept = 0, dropped = 0, kept_bytes = 0;
    std::uint64_t last_row = 0, last_kept = 0;
  };

  std::uint64_t out_size(const GroupEvent& event) const;
  void drop() { plan_.changed = true; }
  void on_query(const GroupEvent& event, const Judgement& judgement);
  Status on_rows(const GroupEvent& event, const Judgement& judgement);
  void count(const GroupEvent& event, std::size_t map, bool kept);
  Status end_statement();
  void flush_companions(bool kept);

  const Flavour flavour_;
  const ChecksumAlgorithm checksum_;
  const ViewOptions& options_;
  GroupJudge judge_;
  GroupPlan plan_;
  Statement statement_;
  std::uint64_t statements_ = 0, rows_seen_ = 0;
  std::uint64_t companions_ = 0, companion_bytes_ = 0;
  std::uint64_t query_size_ = 0;  // the statement of a group that is one
  std::optional<std::uint64_t> xa_start_size_, xa_end_size_;
  std::uint64_t xa_prepare_size_ = 0;
  bool in_payload_ = false;
  bool changed_before_payload_ = false;
  std::uint64_t size_before_payload_ = 0, payload_size_ = 0;
};

}  // namespace binrelay
