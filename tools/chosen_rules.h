#pragma once
// ChosenRules: the rules a `binrelay rules` command is about: of a stream, by its data directory or configuration, or
// of a file alone. Thread: one.
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "protocol/result.h"
#include "relay/config/relay_config.h"
#include "relay/filter/account_views.h"
#include "relay/filter/recorded_rules.h"
#include "storage/archive.h"
#include "tools/subcommands.h"

namespace binrelay {

struct ChosenRules {
  std::optional<StreamConfig> config;    // with --config
  std::optional<Endpoint> admin;         // of the configuration, where a running relay answers
  std::optional<Archive> archive;        // of a data directory that is there
  SourceIdentity source;                 // of its journal; nothing known: empty
  std::string origin;                    // "the table …", "the file …"
  std::string file;                      // "": the table's
  std::unique_ptr<RuleHistory> history;  // of a table
  RecordedRules recorded;
  RuleBook book;
};
// Errors: what cannot be read. That no rules are known is none: book.latest() is nullptr then.
Result<ChosenRules> choose_rules(const RulesOptions& options);
// The same, by the file that the options name.
Result<std::shared_ptr<const RuleSet>> rules_of_file(const RulesOptions& options, const ChosenRules& chosen);

// Errc::not_found: there is no such account. Without one: view = "rules".
Result<AccountConfig> chosen_account(const RulesOptions& options, const ChosenRules& chosen);
// What the account is sent; never nullptr: with view = "all" every table passes.
std::shared_ptr<const ConsumerView> chosen_view(const AccountConfig& account, const ChosenRules& chosen);

// "binlog.000001:4000" as consumers name it; "the start of the log" for the first.
std::string place_text(const ChosenRules& chosen, LogPosition place);

}  // namespace binrelay
