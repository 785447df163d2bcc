#pragma once
// GroupJudge says of each event of a group, in order, what it is to a filter and whether the rules let it out: by table
// id, never by the table map that happens to come before. Both passes of a rewrite ask one, and so agree.
// Thread: none of its own. Cost: one look at the rules per table map; never holds event bytes.
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "protocol/event/event_header.h"
#include "protocol/filter/query_kind.h"
#include "protocol/filter/view_rules.h"
#include "protocol/result.h"

namespace binrelay {

struct GroupEvent {
  EventHeader header;
  std::uint64_t offset = 0;  // in its file; inside a payload that of the payload event
  Bytes bytes;               // the whole event, or of a rows event its first bytes
  bool whole = true;
  ChecksumAlgorithm checksum = ChecksumAlgorithm::none;  // inside a payload: none
};

// Texts of statements longer than this do not go through a filter.
inline constexpr std::uint64_t kMaxHeldText = 64u << 10;
inline constexpr std::size_t kMaxStatementMaps = 1u << 16;

struct Judgement {
  enum class Kind : std::uint8_t {
    gtid,
    query,       // `query` says which
    companion,   // INTVAR, RAND, USER_VAR: goes with the query behind it
    load_block,  // of LOAD DATA in statement format
    text,        // ROWS_QUERY, ANNOTATE
    map,
    rows,
    xid,
    xa_prepare,
    payload,
    other,
  };
  Kind kind = Kind::other;
  bool passes = true;  // by itself; whether a map or a text goes out its statement decides
  // Statements are counted from 0 within the group.
  bool ends_open_statement = false;  // one whose end was not marked is over before this event
  bool begins_statement = false;     // this is the first event of one
  bool ends_statement = false;       // this rows event is the last of one
  std::size_t map = 0;               // map, rows: index into maps()
  bool dummy = false;                // rows of no table: nothing but the end of a statement
  QueryKind query = QueryKind::comment;
  std::string xa_id{};  // xa_prepare, xa_finish
  bool one_phase = false;
};

class GroupJudge {
 public:
  struct Map {
    std::uint64_t table_id = 0;
    TableVerdict verdict;
    bool monitored = false;  // some change of the table may go out
  };

  GroupJudge(Flavour flavour, const ViewRules& rules, const ViewOptions& options)
      : flavour_(flavour), rules_(rules), options_(options) {}

  // Errc::refused: a change that no rule can judge (StatementDml::stop). Errc::malformed: rows without their table map.
  // Errc::unsupported: an event whose table cannot be told.
  Result<Judgement> on_event(const GroupEvent& event);

  // Of the statement the last event belongs to.
  const std::vector<Map>& maps() const { return maps_; }
  // The group is a transaction: a statement that does not go out leaves its begin and end.
  bool begun() const { return begun_; }
  bool drops_all_rows() const { return drop_all_rows_; }

 private:
  Result<Judgement> gtid(const GroupEvent& event);
  Result<Judgement> query(const GroupEvent& event);
  Result<Judgement> table_map(const GroupEvent& event, Judgement judgement);
  Result<Judgement> rows(const GroupEvent& event, Judgement judgement);
  Result<Judgement> statement_change(const GroupEvent& event, Judgement judgement) const;
  void enter_statement(Judgement* judgement);
  void leave_statement(Judgement* judgement);

  const Flavour flavour_;
  const ViewRules& rules_;
  const ViewOptions& options_;
  bool begun_ = false;
  bool drop_all_rows_ = false;  // the CREATE TABLE they belong to does not go out
  bool in_statement_ = false;
  bool statement_over_ = false;  // maps_ are those of a statement that has ended
  std::vector<Map> maps_;
  std::unordered_map<std::uint64_t, std::size_t> map_of_id_;
};

std::optional<RowOperation> row_operation(EventType type);

}  // namespace binrelay
