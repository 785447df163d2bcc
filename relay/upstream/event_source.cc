#include "relay/upstream/event_source.h"

#include <strings.h>

namespace binrelay {

std::optional<std::string> Table::at(std::size_t row, std::string_view column) const {
  if (row >= rows.size()) return std::nullopt;
  for (std::size_t i = 0; i < columns.size() && i < rows[row].size(); ++i) {
    if (columns[i].size() == column.size() && strncasecmp(columns[i].data(), column.data(), column.size()) == 0)
      return rows[row][i];
  }
  return std::nullopt;
}

}  // namespace binrelay
