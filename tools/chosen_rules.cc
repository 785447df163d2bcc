#include "tools/chosen_rules.h"

#include "relay/filter/rule_file.h"
#include "tools/console.h"
#include "tools/stream_directory.h"

namespace binrelay {
namespace {

DefaultMonitor default_monitor_of(const ChosenRules& chosen) {
  return chosen.config ? chosen.config->rules.default_monitor : DefaultMonitor::none;
}

Status read_config(const ArchiveOptions& options, ChosenRules* chosen) {
  if (options.config.empty()) return Done{};
  // Whoever asks about rules needs what the file says of them: its other mistakes do not matter here.
  RelayConfig config;
  const std::vector<ConfigProblem> problems = load_config(options.config, &config);
  if (config.streams.empty() && !problems.empty()) return first_of(problems, options.config);
  BINRELAY_ASSIGN(chosen->config, find_stream(config, options.config, options.stream));
  chosen->admin = config.admin_listen;
  return Done{};
}

Status open_archive(const RulesOptions& options, ChosenRules* chosen) {
  ArchiveOptions archive = options.archive;
  if (chosen->config) archive.stream = chosen->config->name;
  const auto directory = find_stream_directory(archive);
  // Rules of a file can be asked about before the relay has run.
  if (!directory && chosen->config && !chosen->config->rules.file.empty()) return Done{};
  if (!directory) return directory.error();
  BINRELAY_ASSIGN(Archive opened, Archive::open(*directory));
  chosen->archive.emplace(std::move(opened));
  if (const auto source = chosen->archive->source()) chosen->source = *source;
  return Done{};
}

Status take_file(const std::string& file, ChosenRules* chosen) {
  BINRELAY_ASSIGN(std::vector<FilterRule> rules, read_rule_file(file));
  chosen->origin = "the file " + file;
  chosen->file = file;
  chosen->book = fixed_rules(std::move(rules), default_monitor_of(*chosen),
                             [names = chosen->source.lower_case_table_names] { return names; });
  return Done{};
}

void take_journal(ChosenRules* chosen) {
  const RulesConfig named = chosen->config ? chosen->config->rules : RulesConfig{};
  chosen->origin = chosen->config ? "the source's table " + named.database + "." + named.table : "the source's table";
  chosen->history = std::make_unique<RuleHistory>(default_monitor_of(*chosen),
                                                  [names = chosen->source.lower_case_table_names] { return names; });
  chosen->recorded = read_recorded_rules(chosen->archive->recorded_rules(), chosen->history.get());
  const RuleHistory* history = chosen->history.get();
  chosen->book = {[history](LogPosition place) { return history->at(place); }, [history] { return history->newest(); }};
}

}  // namespace

Result<ChosenRules> choose_rules(const RulesOptions& options) {
  ChosenRules chosen;
  BINRELAY_TRY(read_config(options.archive, &chosen));
  const bool has_directory = !options.archive.data_dir.empty() || chosen.config;
  if (has_directory) BINRELAY_TRY(open_archive(options, &chosen));
  if (!has_directory) {
    BINRELAY_TRY(take_file(options.file, &chosen));
  } else if (chosen.config && !chosen.config->rules.file.empty()) {
    BINRELAY_TRY(take_file(chosen.config->rules.file, &chosen));
  } else {
    take_journal(&chosen);
  }
  return chosen;
}

Result<std::shared_ptr<const RuleSet>> rules_of_file(const RulesOptions& options, const ChosenRules& chosen) {
  BINRELAY_ASSIGN(std::vector<FilterRule> rules, read_rule_file(options.file));
  return std::make_shared<const RuleSet>(std::move(rules), chosen.source.lower_case_table_names,
                                         default_monitor_of(chosen));
}

Result<AccountConfig> chosen_account(const RulesOptions& options, const ChosenRules& chosen) {
  AccountConfig account;
  account.view = AccountConfig::View::rules;
  if (options.account.empty()) return account;
  const AccountConfig* found = nullptr;
  std::size_t named = 0;
  for (const AccountConfig& each : chosen.config->accounts) {
    if (each.user != options.account) continue;
    if (found == nullptr) found = &each;
    ++named;
  }
  if (found == nullptr) {
    return Error{Errc::not_found, "the stream '" + chosen.config->name + "' has no account '" + options.account + "'"};
  }
  if (named > 1) {
    complain("there are " + std::to_string(named) + " accounts '" + options.account +
             "', one for each host; this is about " + found->user + "@" + found->host.text());
  }
  return *found;
}

std::shared_ptr<const ConsumerView> chosen_view(const AccountConfig& account, const ChosenRules& chosen) {
  static FilterCounters nobody_reads_them;
  if (account.filtered()) return AccountViews(chosen.book, nobody_reads_them).of(account, chosen.source);
  auto view = std::make_shared<ConsumerView>();
  auto everything = std::make_shared<const RuleSet>(std::vector<FilterRule>(), chosen.source.lower_case_table_names,
                                                    DefaultMonitor::all);
  view->rules_at = [everything](LogPosition) { return everything; };
  view->options.statement_dml = StatementDml::pass;
  return view;
}

std::string place_text(const ChosenRules& chosen, LogPosition place) {
  if (raw(place.segment) == 0) return "the start of the log";
  const std::string file = chosen.archive ? chosen.archive->served_name(place.segment) : "";
  return (file.empty() ? "file " + std::to_string(raw(place.segment)) : file) + ":" + std::to_string(place.offset);
}

}  // namespace binrelay
