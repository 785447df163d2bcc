#pragma once
// PreparedStatements: what one connection has prepared. A statement is kept as text; executing it fills its values in
// as literals, so that it is answered like any other text. Thread: the session's. Owner: Session. Invariant: bounded by
// kMaxStatements and kMaxBytes. Errors are those of mysqld: 1461 too many, 1243 unknown, 1835 or 1210 malformed, 1064 a
// syntax error.
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/packet/prepared_statement.h"
#include "relay/commands/statement_answers.h"

namespace binrelay {

class PreparedStatements {
 public:
  static constexpr std::size_t kMaxStatements = 1000;
  static constexpr std::size_t kMaxParameters = 65535;
  static constexpr std::size_t kMaxBytes = 16u << 20;  // of texts and long data together

  explicit PreparedStatements(Flavour flavour) : flavour_(flavour) {}

  struct Prepared {
    std::uint32_t id = 0;
    std::size_t parameters = 0;
    ResultSet columns;  // as far as they are known before the values are; no rows
  };
  // `asker`: of an account whose statements about table definitions the source answers.
  std::variant<Prepared, SqlError> prepare(std::string_view text, const RelayView& relay, SessionState& session,
                                           const MetadataAsker* asker = nullptr);
  // The text with its values; `request` is what COM_STMT_EXECUTE says behind the id.
  std::variant<std::string, SqlError> fill(std::uint32_t id, Bytes request);
  // A mistake shows when the statement is executed, as COM_STMT_SEND_LONG_DATA has no answer.
  void append_long_data(std::uint32_t id, std::uint16_t parameter, std::string_view piece);
  std::optional<SqlError> reset(std::uint32_t id);  // forgets its long data
  SqlError fetch(std::uint32_t id) const;           // no statement has a cursor
  void close(std::uint32_t id);
  void clear();

 private:
  struct Statement {
    std::string text;
    std::vector<std::size_t> placeholders;
    std::vector<ParameterType> types;  // of the last execution
    std::vector<std::optional<std::string>> long_data;
    std::optional<SqlError> long_data_error;  // told when it is executed
  };
  void forget_long_data(Statement& statement);

  const Flavour flavour_;  // of the source, for error texts
  std::map<std::uint32_t, Statement> statements_;
  std::uint32_t last_id_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace binrelay
