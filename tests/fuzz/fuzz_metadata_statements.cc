// SQL texts of clients that ask for table definitions. What is sent on is, to the relay's own reader, the same
// statement again and nothing more, whatever the text was.
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/check.h"
#include "protocol/sql/information_schema_query.h"
#include "protocol/sql/metadata_statement.h"
#include "protocol/sql/statement_text.h"

using namespace binrelay;

namespace {

constexpr std::string_view kDatabase = "shop";

std::string no_bounds(RowSubject, const std::string&, const std::string&) { return {}; }

void check_alone(const std::string& rendered) {
  BINRELAY_CHECK(cut_statement(rendered).rest.empty(), "one statement stays one");
  for (const char c : rendered) BINRELAY_CHECK(static_cast<unsigned char>(c) >= ' ', "no control characters");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto statement = parse_metadata_statement(text, kDatabase)) {
    const std::string rendered = render(*statement);
    check_alone(rendered);
    const auto again = parse_metadata_statement(rendered, kDatabase);
    BINRELAY_CHECK(again && *again == *statement, "what is sent is what was understood");
  }
  if (const auto query = parse_information_schema_query(text, kDatabase)) {
    const std::string rendered = render(*query, no_bounds);
    check_alone(rendered);
    const auto again = parse_information_schema_query(rendered, kDatabase);
    BINRELAY_CHECK(again && render(*again, no_bounds) == rendered, "what is sent is what was understood");
  }
  return 0;
}
