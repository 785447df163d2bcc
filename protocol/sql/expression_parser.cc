#include "protocol/sql/expression_parser.h"

#include <utility>

namespace binrelay {

namespace {

Expression number(std::string digits) { return {Literal{std::move(digits), true}}; }

// ExpressionParser: a function for each level of the grammar, from the loosest binding to the tightest.
// Borrows: the cursor.
class ExpressionParser {
 public:
  explicit ExpressionParser(TokenCursor& in) : in_(in) {}

  Expression sum() {
    return operations("+", "-", [this] { return product(); });
  }

 private:
  using Kind = SqlToken::Kind;

  Expression product() {
    return operations("*", "/", [this] { return signed_term(); });
  }

  template <class Operand>
  Expression operations(std::string_view one, std::string_view other, Operand operand) {
    Expression left = operand();
    while (in_.at_symbol(one) || in_.at_symbol(other)) {
      const char op = in_.take().text.front();
      left = operation(op, std::move(left), operand());
    }
    return left;
  }

  Expression signed_term() {
    bool negative = false;
    while (in_.at_symbol("-") || in_.at_symbol("+")) negative ^= in_.take().text == "-";
    Expression operand = term();
    if (!negative) return operand;
    auto* literal = std::get_if<Literal>(&operand.node);
    if (literal && literal->is_number && literal->value->front() != '-') {
      literal->value->insert(0, "-");
      return operand;
    }
    return operation('-', number("0"), std::move(operand));
  }

  Expression term() {
    if (in_.at(Kind::number)) return number(std::string(in_.take().text));
    if (in_.at(Kind::string)) return {Literal{in_.expect_string()}};
    if (in_.at(Kind::bit_string)) return {Literal{in_.take().value}};
    if (in_.at(Kind::user_variable)) return {UserVariable{to_lower(in_.take().value)}};
    if (in_.accept_symbol("@@")) return {parse_system_variable(in_)};
    if (in_.accept_symbol("(")) {
      spend_operator();
      Expression inner = sum();
      in_.expect_symbol(")");
      return inner;
    }
    if (in_.accept("NULL")) return {Literal{std::nullopt}};
    if (in_.accept("TRUE")) return number("1");
    if (in_.accept("FALSE")) return number("0");
    return name_or_call();
  }

  Expression name_or_call() {
    // CURRENT_USER and the like are calls with or without parentheses.
    const bool is_call = in_.at_one_of({"CURRENT_USER", "CURRENT_TIMESTAMP", "CURRENT_DATE", "CURRENT_TIME",
                                        "LOCALTIME", "LOCALTIMESTAMP", "UTC_TIMESTAMP", "UTC_DATE", "UTC_TIME"});
    const bool introducer = in_.at(Kind::word) && (in_.peek().text.front() == '_' || in_.at_word("N"));
    std::string name = in_.expect_name();
    if (introducer && in_.at(Kind::string)) return {Literal{in_.expect_string()}};  // _utf8mb4'text'
    if (in_.accept_symbol("(")) return {FunctionCall{to_lower(name), arguments(), name}};
    if (is_call) return {FunctionCall{to_lower(name), {}, name}};
    while (in_.accept_symbol(".")) name += "." + in_.expect_name();
    return {ColumnName{std::move(name)}};
  }

  std::vector<Expression> arguments() {
    spend_operator();
    std::vector<Expression> list;
    if (in_.accept_symbol(")")) return list;
    do {
      if (list.size() == kMaxListLength) in_.fail();
      list.push_back(sum());
    } while (in_.accept_symbol(","));
    in_.expect_symbol(")");
    return list;
  }

  Expression operation(char op, Expression left, Expression right) {
    spend_operator();
    BinaryOperation node{op, {}};
    node.operands.push_back(std::move(left));
    node.operands.push_back(std::move(right));
    return {std::move(node)};
  }

  // Bounds this parser's recursion and, with it, that of whatever walks the tree.
  void spend_operator() {
    if (++operators_ > kMaxExpressionOperators) in_.fail();
  }

  TokenCursor& in_;
  std::size_t operators_ = 0;
};

}  // namespace

Expression parse_expression(TokenCursor& in) { return ExpressionParser(in).sum(); }

SystemVariable parse_system_variable(TokenCursor& in) {
  SystemVariable variable;
  std::string name = in.expect_name();
  if (in.accept_symbol(".")) {
    const bool global = equal_ignoring_case(name, "global") || equal_ignoring_case(name, "persist") ||
                        equal_ignoring_case(name, "persist_only");
    variable.explicit_scope = global || equal_ignoring_case(name, "session") || equal_ignoring_case(name, "local");
    if (global) variable.scope = VariableScope::global;
    name = variable.explicit_scope ? in.expect_name() : name + "." + in.expect_name();
    if (variable.explicit_scope && in.accept_symbol(".")) name += "." + in.expect_name();
  }
  variable.name = to_lower(name);
  return variable;
}

}  // namespace binrelay
