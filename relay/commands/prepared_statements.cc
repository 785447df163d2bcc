#include "relay/commands/prepared_statements.h"

#include <algorithm>
#include <array>
#include <utility>

#include "protocol/sql/statement_text.h"
#include "relay/commands/binlog_events_columns.h"
#include "relay/commands/statement_errors.h"

namespace binrelay {
namespace {

using Parsed = std::variant<Statement, ParseError>;

// Answering it changes nothing.
bool only_shows(const Statement& statement) {
  return !std::holds_alternative<SetStatement>(statement) && !std::holds_alternative<SetNamesStatement>(statement) &&
         !std::holds_alternative<UseStatement>(statement) && !std::holds_alternative<KillStatement>(statement) &&
         !std::holds_alternative<PurgeBinaryLogsStatement>(statement);
}

// A "?" may stand for a value of any kind: the first that fits is taken to see what kind of statement it is.
const std::array<std::optional<ParameterValue>, 3>& any_value() {
  static const std::array<std::optional<ParameterValue>, 3> kAny{std::nullopt, ParameterValue{"1", true},
                                                                 ParameterValue{"", false}};
  return kAny;
}

bool goes_to_source(std::string_view text, const std::vector<std::size_t>& placeholders, const MetadataAsker& asker) {
  return std::any_of(any_value().begin(), any_value().end(), [&](const auto& value) {
    return plan_metadata(fill_placeholders(text, placeholders, ParameterValues(placeholders.size(), value)), asker)
        .has_value();
  });
}

Parsed parse_with_any_value(std::string_view text, const std::vector<std::size_t>& placeholders) {
  Parsed first = ParseError{};
  for (const auto& value : any_value()) {
    Parsed parsed = parse_statement(fill_placeholders(text, placeholders, ParameterValues(placeholders.size(), value)));
    if (std::holds_alternative<Statement>(parsed)) return parsed;
    if (&value == &any_value().front()) first = std::move(parsed);
  }
  return first;
}

// A source says when a statement is prepared that a variable does not exist; other mistakes may be the values'.
std::variant<ResultSet, SqlError> columns_of(const Statement& statement, const RelayView& relay, SessionState session) {
  constexpr std::uint16_t kUnknownVariable = 1193;
  if (std::holds_alternative<ShowBinlogEventsStatement>(statement)) return binlog_events_columns();
  if (!only_shows(statement)) return ResultSet{};
  Answer answer = answer_statement(statement, relay, session);
  if (auto* error = std::get_if<SqlError>(&answer); error != nullptr && error->code == kUnknownVariable) return *error;
  auto* result = std::get_if<ResultSet>(&answer);
  if (result == nullptr) return ResultSet{};
  result->rows.clear();
  return std::move(*result);
}

}  // namespace

std::variant<PreparedStatements::Prepared, SqlError> PreparedStatements::prepare(std::string_view text,
                                                                                 const RelayView& relay,
                                                                                 SessionState& session,
                                                                                 const MetadataAsker* asker) {
  session.warnings.clear();
  if (statements_.size() >= kMaxStatements || bytes_ + text.size() > kMaxBytes)
    return too_many_prepared_statements(kMaxStatements);
  std::vector<std::size_t> placeholders = find_placeholders(text);
  if (placeholders.size() > kMaxParameters) return too_many_placeholders();
  const bool for_source = asker != nullptr && goes_to_source(text, placeholders, *asker);
  const Parsed parsed = for_source ? Parsed() : parse_with_any_value(text, placeholders);
  if (const auto* error = std::get_if<ParseError>(&parsed)) return syntax_error(relay.source->flavour, *error);
  if (text.find_first_not_of(" \t\r\n;") == std::string_view::npos) return empty_query();

  Prepared prepared;
  prepared.parameters = placeholders.size();
  // What the source answers shows its columns when it is executed.
  if (!for_source && !may_wait_for_disk(text)) {
    auto columns = columns_of(std::get<binrelay::Statement>(parsed), relay, session);
    if (auto* error = std::get_if<SqlError>(&columns)) return std::move(*error);
    prepared.columns = std::get<ResultSet>(std::move(columns));
  }
  while (++last_id_ == 0 || statements_.contains(last_id_)) {
  }
  prepared.id = last_id_;
  Statement& statement = statements_[prepared.id];
  statement.text = text;
  statement.long_data.resize(placeholders.size());
  statement.placeholders = std::move(placeholders);
  bytes_ += text.size();
  return prepared;
}

std::variant<std::string, SqlError> PreparedStatements::fill(std::uint32_t id, Bytes request) {
  const auto found = statements_.find(id);
  if (found == statements_.end()) return unknown_prepared_statement(flavour_, id, "execute");
  Statement& statement = found->second;
  auto long_data_error = std::move(statement.long_data_error);
  const auto values = decode_execute(request, statement.long_data, &statement.types);
  forget_long_data(statement);
  if (long_data_error) return *std::move(long_data_error);
  if (!values) return malformed_execution(flavour_);
  return fill_placeholders(statement.text, statement.placeholders, *values);
}

void PreparedStatements::append_long_data(std::uint32_t id, std::uint16_t parameter, std::string_view piece) {
  const auto found = statements_.find(id);
  if (found == statements_.end()) return;
  Statement& statement = found->second;
  const bool misplaced = parameter >= statement.long_data.size();
  if (misplaced || bytes_ + piece.size() > kMaxBytes) {
    statement.long_data_error = misplaced ? long_data_misplaced(flavour_) : long_data_too_long();
    return;
  }
  auto& data = statement.long_data[parameter];
  if (!data) data.emplace();
  data->append(piece);
  bytes_ += piece.size();
}

std::optional<SqlError> PreparedStatements::reset(std::uint32_t id) {
  const auto found = statements_.find(id);
  if (found == statements_.end()) return unknown_prepared_statement(flavour_, id, "reset");
  forget_long_data(found->second);
  return std::nullopt;
}

SqlError PreparedStatements::fetch(std::uint32_t id) const {
  return statements_.contains(id) ? no_open_cursor(flavour_, id) : unknown_prepared_statement(flavour_, id, "fetch");
}

void PreparedStatements::close(std::uint32_t id) {
  const auto found = statements_.find(id);
  if (found == statements_.end()) return;
  forget_long_data(found->second);
  bytes_ -= found->second.text.size();
  statements_.erase(found);
}

void PreparedStatements::clear() {
  statements_.clear();
  bytes_ = 0;
}

void PreparedStatements::forget_long_data(Statement& statement) {
  for (auto& data : statement.long_data) {
    if (data) bytes_ -= data->size();
    data.reset();
  }
  statement.long_data_error.reset();
}

}  // namespace binrelay
