// SQL texts of clients. Whatever arrives is understood, refused or pointed at; what was understood can be walked.
#include "protocol/check.h"
#include "protocol/sql/statement.h"
#include "tests/protocol/sql/statement_text.h"

using namespace binrelay;

namespace {

void check_filter(const NameFilter& filter) {
  for (const std::string_view name : {"", "server_id", "binlog_checksum"}) (void)matches(filter, name);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto parsed = parse_statement(text);
  if (const auto* error = std::get_if<ParseError>(&parsed)) {
    BINRELAY_CHECK(text.find(error->near) != std::string_view::npos, "an error shows the text it is about");
    BINRELAY_CHECK(error->line >= 1 && error->near.size() <= kMaxParseErrorText, "an error has a place");
    return 0;
  }
  const Statement& statement = std::get<Statement>(parsed);
  if (const auto* show = std::get_if<ShowVariablesStatement>(&statement)) check_filter(show->filter);
  BINRELAY_CHECK(!understood(text).empty(), "a statement has a meaning");
  return 0;
}
