#pragma once
// RowSource: one connection to a source that takes the rows of an answer a portion at a time, so that nobody holds a
// large one. MysqlSource is the real one; tests script theirs. Thread: one at a time, but for interrupt(). Every call
// may block up to the connection's read deadline.
#include <cstddef>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "protocol/packet/column_definition.h"
#include "protocol/packet/replies.h"
#include "protocol/result.h"

namespace binrelay {

using TextRow = std::vector<std::optional<std::string>>;

struct RowPortion {
  std::vector<TextRow> rows;
  bool last = false;
};

class RowSource {
 public:
  virtual ~RowSource() = default;
  virtual Status connect() = 0;  // errors as EventSource::connect()
  // What a statement answers without rows are no columns. An error of the source is passed on with its code; one of the
  // connection has a code of 2000 or more.
  virtual std::variant<std::vector<ColumnDefinition>, SqlError> begin_rows(const std::string& statement) = 0;
  // Rows of some `bytes` together, at least one; until the last portion nothing else may be asked.
  virtual std::variant<RowPortion, SqlError> next_rows(std::size_t bytes) = 0;
  virtual void interrupt() = 0;  // from any thread: what is under way fails soon
};

// The client library's own errors (MySQL manual, "Client Error Message Reference"; MariaDB's from 5000 on).
inline bool is_of_connection(const SqlError& error) {
  return (error.code >= 2000 && error.code < 3000) || (error.code >= 5000 && error.code < 6000);
}

}  // namespace binrelay
