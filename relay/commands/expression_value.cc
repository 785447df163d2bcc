#include "relay/commands/expression_value.h"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "relay/commands/expression_functions.h"
#include "relay/commands/statement_errors.h"
#include "relay/commands/system_variables.h"

namespace binrelay {
namespace {

const ExpressionValue kNull{};

std::optional<std::int64_t> whole_integer(const ExpressionValue& value) {
  std::int64_t number = 0;
  const char* end = value.text->data() + value.text->size();
  const auto parsed = std::from_chars(value.text->data(), end, number);
  if (parsed.ec != std::errc{} || parsed.ptr != end) return std::nullopt;
  return number;
}

std::string decimal_text(double number, const char* format) {
  char text[64];
  std::snprintf(text, sizeof text, format, number);
  return text;
}

Evaluated divide(const ExpressionValue& left, const ExpressionValue& right) {
  const double divisor = std::strtod(right.text->c_str(), nullptr);
  if (divisor == 0) return kNull;
  return ExpressionValue{decimal_text(std::strtod(left.text->c_str(), nullptr) / divisor, "%.4f"), ValueType::decimal};
}

Evaluated integer_operation(char op, std::int64_t left, std::int64_t right) {
  std::int64_t result = 0;
  const bool overflow = op == '+'   ? __builtin_add_overflow(left, right, &result)
                        : op == '-' ? __builtin_sub_overflow(left, right, &result)
                                    : __builtin_mul_overflow(left, right, &result);
  if (overflow) return number_out_of_range("BIGINT");
  return ExpressionValue{std::to_string(result), ValueType::integer};
}

Evaluated decimal_operation(char op, double left, double right) {
  const double result = op == '+' ? left + right : op == '-' ? left - right : left * right;
  if (!std::isfinite(result)) return number_out_of_range("DOUBLE");
  return ExpressionValue{decimal_text(result, "%.15g"), ValueType::decimal};
}

// Evaluator walks an expression. Its depth is bounded by the parser.
class Evaluator {
 public:
  Evaluator(const RelayView& relay, const SessionState& session) : relay_(relay), session_(session) {}

  Evaluated operator()(const Expression& expression) const { return std::visit(*this, expression.node); }

  Evaluated operator()(const Literal& literal) const {
    if (!literal.value || !literal.is_number) return ExpressionValue{literal.value, ValueType::text};
    const bool integer = literal.value->find_first_of(".eE") == std::string::npos || literal.value->starts_with("0x");
    return ExpressionValue{literal.value, integer ? ValueType::integer : ValueType::decimal};
  }

  Evaluated operator()(const SystemVariable& name) const {
    auto variable = find_variable(name.name, name.scope, relay_, session_);
    if (!variable) return unknown_variable(name.name);
    if (auto denied = variable_denied(name.name, relay_, session_)) return *std::move(denied);
    const bool of_session = name.explicit_scope && name.scope == VariableScope::session;
    if (of_session && variable->reach != VariableReach::session) return variable_is_not_of_session(name.name);
    switch (variable->kind) {
      case VariableKind::on_off:
        return ExpressionValue{variable->text == "ON" ? "1" : "0", ValueType::integer};
      case VariableKind::number:
        return ExpressionValue{std::move(variable->text), ValueType::integer};
      case VariableKind::text:
        break;
    }
    return ExpressionValue{std::move(variable->text), ValueType::text};
  }

  Evaluated operator()(const UserVariable& variable) const {
    const auto found = session_.user_variables.find(variable.name);
    return found == session_.user_variables.end() ? kNull : ExpressionValue{found->second, ValueType::text};
  }

  Evaluated operator()(const FunctionCall& call) const {
    std::vector<ExpressionValue> arguments;
    std::size_t total = 0;
    for (const Expression& argument : call.arguments) {
      auto value = (*this)(argument);
      if (auto* error = std::get_if<SqlError>(&value)) return std::move(*error);
      const auto& text = std::get<ExpressionValue>(value).text;
      total += text ? text->size() : 0;
      if (total > kMaxExpressionBytes) return expression_too_long();
      arguments.push_back(std::get<ExpressionValue>(std::move(value)));
    }
    return call_function(call, arguments, relay_, session_);
  }

  Evaluated operator()(const BinaryOperation& operation) const {
    auto first = (*this)(operation.operands.at(0));
    if (std::get_if<SqlError>(&first)) return first;
    auto second = (*this)(operation.operands.at(1));
    if (std::get_if<SqlError>(&second)) return second;
    const auto& left = std::get<ExpressionValue>(first);
    const auto& right = std::get<ExpressionValue>(second);
    if (!left.text || !right.text) return kNull;
    if (operation.op == '/') return divide(left, right);
    const auto left_integer = whole_integer(left);
    const auto right_integer = whole_integer(right);
    if (left_integer && right_integer) return integer_operation(operation.op, *left_integer, *right_integer);
    return decimal_operation(operation.op, std::strtod(left.text->c_str(), nullptr),
                             std::strtod(right.text->c_str(), nullptr));
  }

  Evaluated operator()(const ColumnName& column) const { return unknown_column(relay_.source->flavour, column.name); }

 private:
  const RelayView& relay_;
  const SessionState& session_;
};

}  // namespace

Evaluated evaluate(const Expression& expression, const RelayView& relay, const SessionState& session) {
  return Evaluator(relay, session)(expression);
}

}  // namespace binrelay
