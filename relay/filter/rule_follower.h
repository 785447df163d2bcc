#pragma once
// RuleFollower keeps a RuleHistory in step with the log: it reads the rule table once, and then follows the row events
// of that table, wherever they stand (Transaction_payload, XA, MariaDB's compressed rows).
//
// How the first rules are found, without locks: the source's end, the rows, the source's end again. Changes that the
// log holds before that end are undone backwards from these rows, so that the rules are known from the log's start;
// where a change cannot be undone (images that are not FULL, TRUNCATE) the rows as they were read hold back to the
// start. Until the log has come to that end nothing is known, and nobody is told anything.
//
// Of DDL: CREATE and TRUNCATE empty the rules, DROP leaves the last ones, ALTER has the columns read again, a RENAME to
// the table's name, and a change logged as a statement, have rows and columns read again. For these the dump is ended
// and begun anew (wants_source), as the source is asked between two dumps.
//
// Thread: restore() before the upstream thread runs; all else that thread. Owner: Stream. Borrows: log and history.
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "protocol/event/transaction_boundary.h"
#include "protocol/filter/query_kind.h"
#include "protocol/filter/rule_table.h"
#include "relay/filter/rule_history.h"
#include "relay/filter/rule_source.h"
#include "storage/event_log.h"

namespace spdlog {
class logger;
}

namespace binrelay {

class RuleFollower {
 public:
  RuleFollower(RuleTableName name, EventLog& log, RuleHistory& history, std::shared_ptr<spdlog::logger> logger);

  // What the journal knows, and what the log holds behind that. Errors: of reading the log.
  Status restore();

  // Between two dumps, on a connection of its own: asks what has to be asked. Errc::connection: the source is gone;
  // whatever else is wrong is logged, and no reason to stop receiving.
  Status consult(EventSource& source, Flavour flavour);
  bool wants_source() const { return wants_layout_ || wants_rows_; }

  // The dump goes on in the active segment, or begins a file. `skip`: of a series that begins; nullptr: the last goes
  // on.
  void resume();
  void begin_segment(SegmentNumber number, std::string source_name, const GtidState* skip);
  // A whole event, before it is appended, or compared with what is stored. Errors: of the journal.
  Status on_event(std::uint64_t offset, Bytes event);

 private:
  struct RowEdit {
    enum class Kind : std::uint8_t { insert, update, remove, truncate, create } kind{};
    RuleValues before, after;
  };
  using Edits = std::vector<RowEdit>;
  struct Group {
    LogPosition at;
    Edits edits;
    std::string file;  // of the source
  };
  struct Bootstrap {
    RuleSnapshot snapshot;
    std::vector<Group> groups;  // of the log, up to the snapshot's end
  };
  struct MappedTable {
    TableColumns table;
    std::optional<RuleColumns> columns;  // nullopt: not understood
  };

  Status begin_bootstrap(EventSource& source, Flavour flavour);
  Status finish_bootstrap();
  Status reread(EventSource& source, Flavour flavour);
  Status take_layout(std::vector<RuleTableColumn> layout);
  bool is_no_rule_table() const;
  bool reached(const BinlogEnd& end, const std::string& file, std::uint64_t offset) const;

  Status scan(LogPosition from);
  Status scan_group_event(const EventHeader& header, LogPosition at, Bytes event, bool whole);
  void look(const EventHeader& header, Bytes event, ChecksumAlgorithm checksum);
  void look_at_map(Bytes event, ChecksumAlgorithm checksum);
  void look_at_rows(Bytes event, ChecksumAlgorithm checksum);
  void look_at_query(Bytes event, ChecksumAlgorithm checksum);
  void look_at_ddl(const QueryReading& query, std::string_view text);
  void look_at_payload(Bytes event, ChecksumAlgorithm checksum);
  bool is_rule_table(std::string_view database, std::string_view table) const;
  void ask_again(bool rows, const std::string& why);
  void end_prepared(const std::string& xa_id, bool commits);

  Status end_group();
  Status publish(LogPosition at, const Edits& edits);
  static RowEdit edit_of(const RowChange& row, const RuleColumns& columns);
  static void apply(const RowEdit& change, RuleRows* rows);
  static bool undo(const RowEdit& change, RuleRows* rows);
  Status record(RuleChange change, std::string note);
  Status mark(LogPosition at);
  LogPosition scan_from(LogPosition at) const;
  void say(const std::string& what);  // once

  const RuleTableName name_;
  EventLog& log_;
  RuleHistory& history_;
  const std::shared_ptr<spdlog::logger> logger_;

  std::vector<RuleTableColumn> layout_;
  bool layout_changed_ = false;  // not journalled yet
  RuleRows rows_;                // the newest
  LogPosition known_until_{};    // changes of groups up to here are in the history
  LogPosition asked_for_{};      // the group for which the source was asked last
  bool wants_layout_ = false, wants_rows_ = false;
  bool dropped_ = false;
  std::optional<Bootstrap> bootstrap_;
  bool tried_ = false;  // the first rules were asked for in this session, in vain or not

  TransactionBoundary boundary_;
  ChecksumAlgorithm checksum_ = ChecksumAlgorithm::none;
  SegmentNumber segment_{};
  std::string file_;
  GtidState skip_;
  LogPosition group_at_{};
  bool skipped_ = false;  // the log has this group already
  Edits edits_;
  std::unordered_map<std::uint64_t, MappedTable> maps_;
  std::optional<std::string> prepares_;    // the open group prepares this XA transaction
  std::map<std::string, Group> prepared_;  // by XA id
  // XA transactions may have changed rules in a file that is gone, or before the log begins: when one ends that is not
  // among those that were seen, the rows are read again. `lost_from_` is where the journal says that one stood.
  bool misses_prepares_ = false;
  std::optional<LogPosition> lost_from_;
  std::set<std::string> other_prepares_;  // seen, of no rules
  std::vector<std::string> said_;
};

}  // namespace binrelay
