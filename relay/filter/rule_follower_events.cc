// RuleFollower: what it sees in the events of the log.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "protocol/event/events.h"
#include "protocol/event/mariadb_compression.h"
#include "protocol/filter/group_judge.h"
#include "protocol/filter/payload_events.h"
#include "protocol/sql/sql_tokens.h"
#include "protocol/sql/token_cursor.h"
#include "protocol/wire/ascii.h"
#include "relay/filter/rule_follower.h"

namespace binrelay {
namespace {

constexpr std::size_t kMaxEdits = 4u << 20;  // of one group
constexpr std::size_t kMaxPrepares = 1u << 16;

bool contains_name(std::string_view text, std::string_view name) {
  const auto same = [](char left, char right) { return upper(left) == upper(right); };
  return std::search(text.begin(), text.end(), name.begin(), name.end(), same) != text.end();
}

}  // namespace

void RuleFollower::resume() {
  const auto point = log_.resume_point();
  if (!point) return;
  const LogPosition end{point->segment->number, point->end};
  history_.cut(end);
  rows_ = history_.rows();
  begin_segment(point->segment->number, point->segment->source_name, &point->segment->series->skip);
  boundary_.start_file(point->segment->flavour, point->segment->checksum);
  checksum_ = point->segment->checksum;
}

void RuleFollower::begin_segment(SegmentNumber number, std::string source_name, const GtidState* skip) {
  segment_ = number;
  file_ = std::move(source_name);
  if (skip != nullptr) skip_ = *skip;
  edits_.clear();
  maps_.clear();
}

Status RuleFollower::on_event(std::uint64_t offset, Bytes event) {
  const auto header = decode_event_header(event);
  if (!header) return Done{};  // the log says so
  if (header->type == EventType::format_description) {
    const auto described = decode_format_description(event);
    if (!described) return Done{};
    boundary_.start_file(described->flavour, described->checksum);
    checksum_ = described->checksum;
    return mark({segment_, offset});
  }
  const auto place = boundary_.on_event(*header, event, offset);
  if (!place) return Done{};
  if (*place == BoundaryPlace::group_begin || *place == BoundaryPlace::group_whole) {
    group_at_ = {segment_, offset};
    edits_.clear();
    maps_.clear();
    prepares_.reset();
    skipped_ = boundary_.gtid() && contains(skip_, *boundary_.gtid());
  }
  if (*place != BoundaryPlace::outside && !skipped_) look(*header, event, checksum_);
  if (*place == BoundaryPlace::group_end || *place == BoundaryPlace::group_whole) BINRELAY_TRY(end_group());
  if (bootstrap_ && !boundary_.in_group() && reached(bootstrap_->snapshot.after, file_, offset + event.size()))
    return finish_bootstrap();
  return Done{};
}

Status RuleFollower::end_group() {
  Edits edits = std::exchange(edits_, {});
  maps_.clear();
  if (prepares_) {
    if (!edits.empty()) {
      prepared_.insert_or_assign(*prepares_, Group{group_at_, std::move(edits), file_});
    } else if (misses_prepares_ && other_prepares_.size() < kMaxPrepares) {
      other_prepares_.insert(*prepares_);
    }
    return Done{};
  }
  if (edits.empty()) return Done{};
  if (bootstrap_) {
    const bool seen = !bootstrap_->groups.empty() && bootstrap_->groups.back().at >= group_at_;
    if (!seen) bootstrap_->groups.push_back({group_at_, std::move(edits), file_});
    return Done{};
  }
  if (group_at_ <= known_until_ || !history_.newest()) return Done{};
  return publish(group_at_, edits);
}

void RuleFollower::look(const EventHeader& header, Bytes event, ChecksumAlgorithm checksum) {
  switch (header.type) {
    case EventType::table_map:
      return look_at_map(event, checksum);
    case EventType::query:
    case EventType::execute_load_query:
    case EventType::mariadb_query_compressed:
      return look_at_query(event, checksum);
    case EventType::xa_prepare:
      if (const auto prepare = decode_xa_prepare(event, checksum); prepare && !prepare->one_phase)
        prepares_ = xa_id_text(prepare->format_id, prepare->gtrid, prepare->bqual);
      return;
    case EventType::transaction_payload:
      return look_at_payload(event, checksum);
    default:
      if (!maps_.empty() && is_rows_event(header.type)) look_at_rows(event, checksum);
  }
}

bool RuleFollower::is_rule_table(std::string_view database, std::string_view table) const {
  if (database == name_.database && table == name_.table) return true;
  if (!equal_ignoring_case(database, name_.database) || !equal_ignoring_case(table, name_.table)) return false;
  const auto source = log_.source();
  return source && source->lower_case_table_names != 0;
}

void RuleFollower::look_at_map(Bytes event, ChecksumAlgorithm checksum) {
  const auto map = decode_table_map(event, checksum);
  if (!map) return;
  maps_.erase(map->table_id);
  // The length first: this is asked of every table of the log.
  if (map->table.size() != name_.table.size() || !is_rule_table(map->database, map->table)) return;
  if (is_no_rule_table()) return;
  auto table = decode_table_columns(event, checksum);
  if (!table) return say("a table map cannot be read: " + table.error().context);
  std::vector<DescribedColumn> described;
  for (const RuleTableColumn& column : layout_) described.push_back({column.name, column.type, column.charset});
  auto columns = RuleColumns::match(*table, described);
  MappedTable mapped{std::move(*table), std::nullopt};
  if (columns) {
    mapped.columns = std::move(*columns);
  } else {
    say(name_.database + "." + name_.table + ": " + columns.error().context);
  }
  maps_.emplace(map->table_id, std::move(mapped));
}

RuleFollower::RowEdit RuleFollower::edit_of(const RowChange& row, const RuleColumns& columns) {
  RowEdit edit;
  switch (row.operation) {
    case RowOperation::insert:
      edit.kind = RowEdit::Kind::insert;
      break;
    case RowOperation::update:
      edit.kind = RowEdit::Kind::update;
      break;
    case RowOperation::remove:
      edit.kind = RowEdit::Kind::remove;
      break;
  }
  if (row.operation != RowOperation::insert) edit.before = columns.read(row.before);
  if (row.operation != RowOperation::remove) edit.after = columns.read(row.after);
  return edit;
}

void RuleFollower::look_at_rows(Bytes event, ChecksumAlgorithm checksum) {
  const auto head = decode_rows_head(event, checksum);
  if (!head) return;
  const auto mapped = maps_.find(head->table_id);
  if (mapped != maps_.end() && !mapped->second.columns) {
    ask_again(true, "its rows do not look as expected");
  } else if (mapped != maps_.end()) {
    const Status read = decode_row_images(event, checksum, mapped->second.table, [&](const RowChange& row) -> Status {
      if (edits_.size() >= kMaxEdits) return Error{Errc::limit, "too many of them changed at once"};
      edits_.push_back(edit_of(row, *mapped->second.columns));
      if (edits_.back().after.unreadable) say("rows with names in a character set that is not known here are ignored");
      return Done{};
    });
    if (!read) {
      edits_.clear();
      say("rows cannot be read: " + read.error().context);
      ask_again(true, "its rows cannot be followed");
    }
  }
  if (head->ends_statement()) maps_.clear();
}

void RuleFollower::look_at_query(Bytes event, ChecksumAlgorithm checksum) {
  const auto query = decode_query(event, checksum);
  if (!query) return;
  std::string inflated;
  std::string_view text = query->text;
  if (query->compressed) {
    auto unpacked = inflate_mariadb(query->compressed_text, kMaxHeldText);
    if (!unpacked) return;
    inflated = std::move(*unpacked);
    text = inflated;
  }
  const bool is_xa = text.size() > 2 && upper(text[0]) == 'X' && upper(text[1]) == 'A';
  const bool names_table = contains_name(text, name_.table);
  const bool may_grant = !history_.newest() && contains_name(text.substr(0, 64), "GRANT");
  if (may_grant) return ask_again(true, "a privilege was granted");
  if (!is_xa && !names_table && !contains_name(text, name_.database)) return;
  const QueryReading reading = read_query(text, query->database);
  if (reading.kind == QueryKind::xa_finish) {
    end_prepared(reading.xa_id, contains_name(text.substr(0, 16), "COMMIT"));
  } else if (reading.kind == QueryKind::dml && names_table) {
    ask_again(true, "a change of it was logged as a statement");
  } else if (reading.kind == QueryKind::ddl) {
    look_at_ddl(reading, text);
  }
}

void RuleFollower::end_prepared(const std::string& xa_id, bool commits) {
  if (const auto prepared = prepared_.find(xa_id); prepared != prepared_.end()) {
    if (commits) edits_ = std::move(prepared->second.edits);
    prepared_.erase(prepared);
    return;
  }
  if (!misses_prepares_ || other_prepares_.erase(xa_id) != 0 || group_at_ <= known_until_) return;
  lost_from_.reset();
  if (commits) ask_again(true, "an XA transaction was committed that the log does not hold");
}

void RuleFollower::look_at_ddl(const QueryReading& query, std::string_view text) {
  const bool names_it = std::any_of(query.tables.begin(), query.tables.end(), [&](const QueryTable& table) {
    return is_rule_table(table.database, table.table);
  });
  TokenCursor in(text);
  const auto drop = [&] {
    dropped_ = true;
    const std::string what = name_.database + "." + name_.table + " was dropped; its last rules stay";
    history_.explain(what);
    if (history_.newest()) logger_->warn("filter rules: {}", what);
  };
  if (!names_it) {
    const bool database_gone =
        in.accept("DROP") && std::any_of(query.databases.begin(), query.databases.end(), [&](const std::string& each) {
          return equal_ignoring_case(each, name_.database);
        });
    if (database_gone) drop();
    return;
  }
  if (in.accept("TRUNCATE")) {
    edits_.push_back({RowEdit::Kind::truncate, {}, {}});
  } else if (in.accept("DROP")) {
    if (in.accept("TABLE") || in.accept("TABLES")) drop();
  } else if (in.accept("CREATE")) {
    const bool replaces = in.accept("OR");
    in.accept("REPLACE");
    if (!in.accept("TABLE")) return;  // an index, a temporary table
    const bool exists = in.accept("IF") && history_.newest() && !dropped_ && !bootstrap_ && !replaces;
    if (exists) return;
    dropped_ = false;
    edits_.push_back({RowEdit::Kind::create, {}, {}});
    ask_again(false, "it was created");
  } else if (in.accept("RENAME")) {
    const bool to_it = query.tables.size() > 1 && [&] {
      for (std::size_t i = 1; i < query.tables.size(); i += 2) {
        if (is_rule_table(query.tables[i].database, query.tables[i].table)) return true;
      }
      return false;
    }();
    if (!to_it) return drop();
    dropped_ = false;
    ask_again(true, "another table took its name");
  } else {
    ask_again(contains_name(text, "RENAME"), "it was altered");
  }
}

void RuleFollower::look_at_payload(Bytes event, ChecksumAlgorithm checksum) {
  const auto body = event_body(event, checksum);
  if (!body) return;
  PayloadEvents payload;
  const Status fed = payload.feed(*body, [&](const EventHeader& header, Bytes inner) -> Status {
    look(header, inner, ChecksumAlgorithm::none);
    return Done{};
  });
  if (!fed) say("a compressed transaction cannot be read: " + fed.error().context);
}

}  // namespace binrelay
