#include "protocol/sql/page_compression_parser.h"

#include <algorithm>
#include <array>
#include <span>
#include <string>

#include "protocol/sql/expression_parser.h"

namespace binrelay {
namespace {

using Kind = SqlToken::Kind;
using Selected = PageCompressionStatement::Selected;

// Of MySQL 9.7, MariaDB 10.11 and 11.8.
constexpr std::array<std::string_view, 6> kPerSize{"page_size",     "compress_ops",   "compress_ops_ok",
                                                   "compress_time", "uncompress_ops", "uncompress_time"};
constexpr std::array<std::string_view, 6> kInMemory{"page_size",  "buffer_pool_instance", "pages_used",
                                                    "pages_free", "relocation_ops",       "relocation_time"};

std::span<const std::string_view> columns_of(std::string_view table) {
  if (equal_ignoring_case(table, "innodb_cmp")) return kPerSize;
  if (equal_ignoring_case(table, "innodb_cmpmem")) return kInMemory;
  return {};
}

Selected parse_column(TokenCursor& in, std::string_view text) {
  const std::size_t begin = in.begin();
  Selected column{in.expect_name(), {}};
  column.label = text.substr(begin, in.previous_end() - begin);
  const bool named = in.at(Kind::word) && !in.at_word("FROM");
  if (in.accept("AS") || named) column.label = in.expect_name();
  return column;
}

}  // namespace

std::optional<PageCompressionStatement> parse_page_compression(TokenCursor& in, std::string_view text) {
  TokenCursor ahead = in;
  PageCompressionStatement statement;
  const bool all = ahead.accept_symbol("*");
  while (!all) {
    if (ahead.failed() || statement.columns.size() == kMaxListLength) return std::nullopt;
    statement.columns.push_back(parse_column(ahead, text));
    if (!ahead.accept_symbol(",")) break;
  }
  if (!ahead.accept_all({"FROM", "INFORMATION_SCHEMA"}) || !ahead.accept_symbol(".")) return std::nullopt;
  const auto known = columns_of(ahead.expect_name());
  if (ahead.failed() || known.empty() || !(ahead.at_end() || ahead.at_symbol(";"))) return std::nullopt;
  if (all) {
    for (const std::string_view name : known) statement.columns.push_back({std::string(name), std::string(name)});
  }
  for (Selected& column : statement.columns) {
    const auto found = std::find_if(known.begin(), known.end(),
                                    [&](std::string_view name) { return equal_ignoring_case(name, column.name); });
    if (found == known.end()) return std::nullopt;
    column.name = *found;
  }
  in = ahead;
  return statement;
}

}  // namespace binrelay
