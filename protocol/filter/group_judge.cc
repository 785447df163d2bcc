#include "protocol/filter/group_judge.h"

#include <algorithm>

#include "protocol/event/events.h"
#include "protocol/event/mariadb_compression.h"
#include "protocol/wire/byte_reader.h"

namespace binrelay {
namespace {

constexpr std::size_t kReadText = 64u << 10;  // of a compressed statement; what it does is said in front

std::string where(const GroupEvent& event) {
  return std::string(event_type_name(event.header.type)) + " event at " + std::to_string(event.offset);
}

// The fields of a rows event that a filter needs are in front, so part of it is enough.
Result<RowsView> rows_head(const GroupEvent& event) {
  ByteReader in(event.bytes);
  in.skip(kEventHeaderSize);
  RowsView rows;
  rows.table_id = in.u48();
  rows.flags = in.u16();
  if (in.failed()) return Error{Errc::short_input, where(event) + ": too short"};
  return rows;
}

bool is_xa_text(std::string_view text) { return text.starts_with("XA "); }

}  // namespace

std::optional<RowOperation> row_operation(EventType type) {
  switch (type) {
    case EventType::write_rows:
    case EventType::write_rows_v1:
    case EventType::mariadb_write_rows_compressed:
    case EventType::mariadb_write_rows_compressed_v1:
      return RowOperation::insert;
    case EventType::update_rows:
    case EventType::update_rows_v1:
    case EventType::partial_update_rows:
    case EventType::mariadb_update_rows_compressed:
    case EventType::mariadb_update_rows_compressed_v1:
      return RowOperation::update;
    case EventType::delete_rows:
    case EventType::delete_rows_v1:
    case EventType::mariadb_delete_rows_compressed:
    case EventType::mariadb_delete_rows_compressed_v1:
      return RowOperation::remove;
    default:
      return std::nullopt;
  }
}

void GroupJudge::enter_statement(Judgement* judgement) {
  judgement->begins_statement = !in_statement_;
  if (in_statement_) return;
  in_statement_ = true;
  maps_.clear();
  map_of_id_.clear();
}

void GroupJudge::leave_statement(Judgement* judgement) {
  judgement->ends_open_statement = in_statement_;
  in_statement_ = false;
}

Result<Judgement> GroupJudge::on_event(const GroupEvent& event) {
  using Kind = Judgement::Kind;
  Judgement judgement;
  switch (event.header.type) {
    case EventType::rows_query:
    case EventType::mariadb_annotate_rows:
      // A text begins a statement; one that stands in the middle of another shows that that one is over.
      if (in_statement_ && !maps_.empty()) leave_statement(&judgement);
      enter_statement(&judgement);
      judgement.kind = Kind::text;
      return judgement;
    case EventType::table_map:
      return table_map(event, judgement);
    case EventType::mariadb_partial_row_data:
      return Error{Errc::unsupported, where(event) + ": parts of row events cannot be filtered yet"};
    default:
      break;
  }
  if (is_rows_event(event.header.type)) return rows(event, judgement);

  leave_statement(&judgement);
  switch (event.header.type) {
    case EventType::gtid:
    case EventType::anonymous_gtid:
    case EventType::gtid_tagged:
      judgement.kind = Kind::gtid;
      return judgement;
    case EventType::mariadb_gtid: {
      BINRELAY_ASSIGN(const MariadbGtidEvent gtid, decode_mariadb_gtid(event.bytes, event.checksum));
      begun_ = (gtid.flags & MariadbGtidEvent::kStandalone) == 0;
      judgement.kind = Kind::gtid;
      return judgement;
    }
    case EventType::query:
    case EventType::mariadb_query_compressed: {
      BINRELAY_ASSIGN(Judgement read, query(event));
      read.ends_open_statement = judgement.ends_open_statement;
      return read;
    }
    case EventType::intvar:
    case EventType::rand:
    case EventType::user_var:
      judgement.kind = Kind::companion;
      return judgement;
    case EventType::begin_load_query:
    case EventType::append_block:
    case EventType::delete_file:
    case EventType::execute_load_query:
      judgement.kind = Kind::load_block;
      return statement_change(event, judgement);
    case EventType::xid:
      judgement.kind = Kind::xid;
      return judgement;
    case EventType::xa_prepare: {
      BINRELAY_ASSIGN(const XaPrepareView prepare, decode_xa_prepare(event.bytes, event.checksum));
      judgement.kind = Kind::xa_prepare;
      judgement.one_phase = prepare.one_phase;
      judgement.xa_id = xa_id_text(prepare.format_id, prepare.gtrid, prepare.bqual);
      return judgement;
    }
    case EventType::transaction_payload:
      judgement.kind = Kind::payload;
      return judgement;
    default:
      return judgement;  // incidents and what this build does not know go out
  }
}

Result<Judgement> GroupJudge::statement_change(const GroupEvent& event, Judgement judgement) const {
  if (options_.statement_dml == StatementDml::stop) {
    return Error{Errc::refused,
                 where(event) +
                     ": a change logged as a statement, which no rule can judge. Set binlog_format = ROW at "
                     "the source, or statement_dml = \"pass\" or \"drop\" for this account"};
  }
  judgement.passes = options_.statement_dml == StatementDml::pass;
  return judgement;
}

Result<Judgement> GroupJudge::query(const GroupEvent& event) {
  Judgement judgement;
  judgement.kind = Judgement::Kind::query;
  BINRELAY_ASSIGN(const QueryView view, decode_query(event.bytes, event.checksum));
  std::string inflated;
  std::string_view text = view.text;
  if (view.compressed) {
    BINRELAY_ASSIGN(inflated, inflate_mariadb(view.compressed_text, kReadText));
    text = inflated;
  }
  // The common ones, without a parser.
  if (text == "BEGIN" || text == "COMMIT") {
    judgement.query = text == "BEGIN" ? QueryKind::begin : QueryKind::end;
    begun_ = true;
    return judgement;
  }
  QueryReading reading = read_query(text, view.database);
  judgement.query = reading.kind;
  judgement.xa_id = std::move(reading.xa_id);
  switch (reading.kind) {
    case QueryKind::begin:
    case QueryKind::xa_start:
      begun_ = true;
      break;
    case QueryKind::ddl:
      judgement.passes = ddl_passes(reading, rules_, options_.ddl);
      // The rows of CREATE … SELECT follow in the same transaction.
      if (!judgement.passes && begun_ && !is_xa_text(text)) drop_all_rows_ = true;
      break;
    case QueryKind::dml:
      return statement_change(event, judgement);
    default:
      break;
  }
  return judgement;
}

Result<Judgement> GroupJudge::table_map(const GroupEvent& event, Judgement judgement) {
  if (!event.whole) return Error{Errc::limit, where(event) + ": larger than any table's"};
  enter_statement(&judgement);
  BINRELAY_ASSIGN(const TableMapView view, decode_table_map(event.bytes, event.checksum));
  if (maps_.size() >= kMaxStatementMaps)
    return Error{Errc::limit,
                 where(event) + ": more than " + std::to_string(kMaxStatementMaps) + " tables in a statement"};
  Map map{view.table_id, rules_.of(view.database, view.table), false};
  map.monitored = map.verdict.any() && !drop_all_rows_;
  judgement.kind = Judgement::Kind::map;
  judgement.map = maps_.size();
  map_of_id_[view.table_id] = maps_.size();  // a new map of an id counts from here on
  maps_.push_back(std::move(map));
  return judgement;
}

Result<Judgement> GroupJudge::rows(const GroupEvent& event, Judgement judgement) {
  enter_statement(&judgement);
  BINRELAY_ASSIGN(const RowsView view, rows_head(event));
  judgement.kind = Judgement::Kind::rows;
  judgement.ends_statement = view.ends_statement();
  if (judgement.ends_statement) in_statement_ = false;
  if (view.of_no_table()) {
    judgement.dummy = true;
    return judgement;
  }
  const auto found = map_of_id_.find(view.table_id);
  if (found == map_of_id_.end()) return Error{Errc::malformed, where(event) + ": no table map goes before it"};
  judgement.map = found->second;
  const auto operation = row_operation(event.header.type);
  judgement.passes = !drop_all_rows_ && operation && maps_[judgement.map].verdict.passes(*operation);
  return judgement;
}

}  // namespace binrelay
