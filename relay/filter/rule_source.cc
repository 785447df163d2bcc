#include "relay/filter/rule_source.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "protocol/sql/quoted_text.h"
#include "protocol/sql/sql_tokens.h"
#include "protocol/wire/ascii.h"

namespace binrelay {
namespace {

constexpr std::uint32_t kNoSuchTable = 1146, kUnknownDatabase = 1049;
constexpr std::array<std::string_view, 3> kFlags{"monitor_insert", "monitor_update", "monitor_delete"};

constexpr std::array<std::string_view, 5> kWholeNumbers{"tinyint", "smallint", "mediumint", "int", "bigint"};

std::string place_of(const RuleTableName& name) {
  return quoted_identifier(name.database) + "." + quoted_identifier(name.table);
}

Error failed(EventSource& source, const RuleTableName& name, Error error) {
  const std::uint32_t number = source.server_error();
  if (number == kNoSuchTable || number == kUnknownDatabase)
    return Error{Errc::not_found, place_of(name) + " does not exist at the source"};
  if (number == 0) return error;
  return Error{Errc::refused, place_of(name) + " cannot be read: " + error.context + ". GRANT SELECT ON " +
                                  place_of(name) + " to the relay's account at the source"};
}

bool has_column(const std::vector<RuleTableColumn>& layout, std::string_view name) {
  return std::any_of(layout.begin(), layout.end(),
                     [&](const RuleTableColumn& column) { return equal_ignoring_case(column.name, name); });
}

std::optional<std::string> from_hex(const std::optional<std::string>& text) {
  if (!text || text->size() % 2 != 0) return std::nullopt;
  std::string out;
  for (std::size_t i = 0; i < text->size(); i += 2) {
    const int high = hex_value((*text)[i]), low = hex_value((*text)[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high << 4 | low);
  }
  return out;
}

std::optional<std::uint64_t> id_of(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  std::uint64_t id = 0;
  const char* const end = text->data() + text->size();
  if (const auto [stop, error] = std::from_chars(text->data(), end, id); error == std::errc() && stop == end) return id;
  std::int64_t negative = 0;
  const auto [stop, error] = std::from_chars(text->data(), end, negative);
  if (error != std::errc() || stop != end) return std::nullopt;
  return static_cast<std::uint64_t>(negative);
}

std::string select_rows(const RuleTableName& name, const std::vector<RuleTableColumn>& layout) {
  std::string statement = "SELECT id, HEX(CONVERT(db_name USING utf8mb4)), HEX(CONVERT(tb_name USING utf8mb4))";
  for (const std::string_view flag : kFlags)
    statement += has_column(layout, flag) ? ", " + std::string(flag) + " + 0" : ", 0";
  return statement + " FROM " + place_of(name) + " LIMIT " + std::to_string(kMaxRules + 1);
}

}  // namespace

Result<std::vector<RuleTableColumn>> read_rule_layout(EventSource& source, const RuleTableName& name) {
  // What an account may not see is not there in information_schema: a query of the table itself tells the two apart.
  if (auto reachable = source.query("SELECT 1 FROM " + place_of(name) + " LIMIT 0"); !reachable)
    return failed(source, name, std::move(reachable).error());
  auto answer = source.query(
      "SELECT column_name AS name, data_type AS type, character_set_name AS charset FROM information_schema.columns "
      "WHERE table_schema = " +
      hex_literal(name.database) + " AND table_name = " + hex_literal(name.table) + " ORDER BY ordinal_position");
  if (!answer) return failed(source, name, std::move(answer).error());
  std::vector<RuleTableColumn> layout;
  for (std::size_t row = 0; row < answer->rows.size(); ++row) {
    layout.push_back({answer->at(row, "name").value_or(""), answer->at(row, "type").value_or(""),
                      answer->at(row, "charset").value_or("")});
  }
  for (const std::string_view needed : {"id", "db_name", "tb_name"}) {
    if (!has_column(layout, needed))
      return Error{Errc::unsupported, place_of(name) + " is no rule table: it has no column " + std::string(needed)};
  }
  const auto is_whole_id = [](const RuleTableColumn& column) {
    return equal_ignoring_case(column.name, "id") &&
           std::any_of(kWholeNumbers.begin(), kWholeNumbers.end(),
                       [&](std::string_view type) { return equal_ignoring_case(column.type, type); });
  };
  if (std::none_of(layout.begin(), layout.end(), is_whole_id))
    return Error{Errc::unsupported, place_of(name) + " is no rule table: its column id is no whole number"};
  return layout;
}

Result<RuleSnapshot> read_rule_snapshot(EventSource& source, Flavour flavour, const RuleTableName& name) {
  RuleSnapshot snapshot;
  BINRELAY_ASSIGN(snapshot.before, read_binlog_end(source, flavour));
  BINRELAY_ASSIGN(snapshot.layout, read_rule_layout(source, name));
  auto answer = source.query(select_rows(name, snapshot.layout));
  if (!answer) return failed(source, name, std::move(answer).error());
  BINRELAY_ASSIGN(snapshot.after, read_binlog_end(source, flavour));
  std::size_t unreadable = 0;
  for (const auto& row : answer->rows) {
    const auto id = id_of(row[0]);
    auto database = from_hex(row[1]), table = from_hex(row[2]);
    if (!id || !database || !table) {
      ++unreadable;
      continue;
    }
    if (snapshot.rows.size() >= kMaxRules) {
      snapshot.notes.push_back("it has more than " + std::to_string(kMaxRules) + " rows; the rest is ignored");
      break;
    }
    const auto flag = [&](std::size_t column) { return row[column] && *row[column] != "0"; };
    snapshot.rows[*id] = {*id, std::move(*database), std::move(*table), flag(3), flag(4), flag(5)};
  }
  if (unreadable > 0)
    snapshot.notes.push_back(std::to_string(unreadable) + " rows without an id and names are ignored");
  return snapshot;
}

}  // namespace binrelay
