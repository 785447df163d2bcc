#pragma once
// Statements as one line of text, so that a test can show what was understood: "select [label] value, …", "set target =
// value, …", "show variables like 'x'", "refused VERB", "error near '…' line n".
#include <string>
#include <string_view>
#include <variant>

#include "protocol/sql/statement.h"

namespace binrelay {

inline std::string text_of(const Expression& expression);

inline std::string text_of(const SystemVariable& variable) {
  const char* scope = variable.scope == VariableScope::global ? "global." : "session.";
  return "@@" + (variable.explicit_scope ? scope + variable.name : variable.name);
}

struct ExpressionText {
  std::string operator()(const Literal& literal) const {
    if (!literal.value) return "NULL";
    return literal.is_number ? *literal.value : "'" + *literal.value + "'";
  }
  std::string operator()(const SystemVariable& variable) const { return text_of(variable); }
  std::string operator()(const UserVariable& variable) const { return "@" + variable.name; }
  std::string operator()(const ColumnName& column) const { return column.name; }
  std::string operator()(const BinaryOperation& operation) const {
    return "(" + text_of(operation.operands.at(0)) + " " + operation.op + " " + text_of(operation.operands.at(1)) + ")";
  }
  std::string operator()(const FunctionCall& call) const {
    std::string text = call.name + "(";
    for (const Expression& argument : call.arguments) text += (text.back() == '(' ? "" : ", ") + text_of(argument);
    return text + ")";
  }
};

inline std::string text_of(const Expression& expression) { return std::visit(ExpressionText{}, expression.node); }

inline std::string text_of(const NameFilter& filter) {
  if (filter.kind == NameFilter::Kind::all) return "";
  std::string text = filter.kind == NameFilter::Kind::like    ? " like"
                     : filter.kind == NameFilter::Kind::equal ? " equal"
                                                              : " in";
  for (const std::string& value : filter.values) text += " '" + value + "'";
  return text;
}

inline std::string text_of(VariableScope scope) { return scope == VariableScope::global ? "global " : ""; }

struct StatementText {
  std::string operator()(const SelectStatement& select) const {
    std::string text = "select";
    for (const SelectItem& item : select.items) {
      text += (&item == select.items.data() ? " [" : ", [") + item.label + "] " + text_of(item.value);
    }
    return select.limit ? text + " limit " + std::to_string(*select.limit) : text;
  }
  std::string operator()(const PageCompressionStatement& select) const {
    std::string text = "page compression";
    for (const auto& [name, label] : select.columns) text += " [" + label + "] " + name;
    return text;
  }
  std::string operator()(const SetStatement& set) const {
    std::string text = "set";
    for (const Assignment& assignment : set.assignments) {
      text += &assignment == set.assignments.data() ? " " : ", ";
      text += std::visit([](const auto& target) { return text_of(Expression{target}); }, assignment.target);
      text += " = " + text_of(assignment.value);
    }
    return text;
  }
  std::string operator()(const SetNamesStatement& set) const {
    return "set names " + set.character_set + (set.collation.empty() ? "" : " collate " + set.collation);
  }
  std::string operator()(const SetTransactionStatement&) const { return "set transaction"; }
  std::string operator()(const ShowVariablesStatement& show) const {
    return "show " + text_of(show.scope) + "variables" + text_of(show.filter);
  }
  std::string operator()(const ShowStatusStatement& show) const {
    return "show " + text_of(show.scope) + "status" + text_of(show.filter);
  }
  std::string operator()(const ShowBinaryLogsStatement&) const { return "show binary logs"; }
  std::string operator()(const ShowBinaryLogStatusStatement&) const { return "show binary log status"; }
  std::string operator()(const ShowBinlogEventsStatement& show) const {
    std::string text = "show binlog events";
    if (show.file) text += " in " + *show.file;
    if (show.position) text += " from " + std::to_string(*show.position);
    if (show.offset > 0) text += " offset " + std::to_string(show.offset);
    if (show.limit) text += " limit " + std::to_string(*show.limit);
    return text;
  }
  std::string operator()(const ShowReplicasStatement&) const { return "show replicas"; }
  std::string operator()(const ShowReplicaStatusStatement& show) const {
    return show.all_channels ? "show all replica status" : "show replica status";
  }
  std::string operator()(const ShowProcesslistStatement& show) const {
    return show.full ? "show full processlist" : "show processlist";
  }
  std::string operator()(const ShowWarningsStatement&) const { return "show warnings"; }
  std::string operator()(const ShowGrantsStatement&) const { return "show grants"; }
  std::string operator()(const ShowDatabasesStatement& show) const { return "show databases" + text_of(show.filter); }
  std::string operator()(const UseStatement& use) const { return "use " + use.database; }
  std::string operator()(const KillStatement& kill) const {
    return (kill.query_only ? "kill query " : "kill ") + std::to_string(kill.connection_id);
  }
  std::string operator()(const PurgeBinaryLogsStatement& purge) const {
    if (purge.to_file) return "purge to " + *purge.to_file;
    if (purge.before_seconds_ago) return "purge before " + std::to_string(*purge.before_seconds_ago) + " s ago";
    return "purge before " + purge.before.value_or("?");
  }
  std::string operator()(const TransactionStatement&) const { return "transaction"; }
  std::string operator()(const EmptyStatement&) const { return "empty"; }
  std::string operator()(const RefusedStatement& refused) const { return "refused " + refused.verb; }
};

inline std::string understood(std::string_view text) {
  const auto parsed = parse_statement(text);
  if (const auto* error = std::get_if<ParseError>(&parsed)) {
    return "error near '" + error->near + "' line " + std::to_string(error->line);
  }
  return std::visit(StatementText{}, std::get<Statement>(parsed));
}

}  // namespace binrelay
