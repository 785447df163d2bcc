#pragma once
// Plans the pass-through of one statement about table definitions: what the source is asked in an account's name, and
// what of its answer the account may see. Only what was parsed and written anew is ever sent.
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "protocol/filter/allow_list.h"
#include "protocol/ids.h"
#include "protocol/packet/replies.h"
#include "relay/upstream/row_source.h"

namespace binrelay {

struct MetadataRequest {
  std::string database;  // the current one, while it is asked: SHOW CREATE VIEW leaves its name out
  std::string sql;
  std::function<bool(const TextRow&)> shown;  // empty: every row
};

// Who asks. Borrows: the allow-list.
struct MetadataAsker {
  std::string user, host;  // of the account, for error texts
  std::string database;    // the session's, "" = none
  const AllowList* allowed = nullptr;
  bool fold = false;  // the source compares names without regard to case
  Flavour flavour = Flavour::mysql;
};

// nullopt: not such a statement; the relay answers it itself. An error where the account may not see what it asks for.
std::optional<std::variant<MetadataRequest, SqlError>> plan_metadata(std::string_view text, const MetadataAsker& asker);

// The database that a USE names.
std::optional<std::string> database_to_use(std::string_view text);

// A row says that there is such a database.
std::variant<MetadataRequest, SqlError> plan_database_search(const std::string& database, const MetadataAsker& asker);

}  // namespace binrelay
