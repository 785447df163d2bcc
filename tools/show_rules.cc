// binrelay rules show: the rules in force, their versions, rows that are ignored, and who is filtered.
#include <algorithm>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>

#include "protocol/filter/ignored_rules.h"
#include "relay/admin/http_server.h"
#include "relay/runtime/logging.h"
#include "tools/chosen_rules.h"
#include "tools/console.h"

namespace binrelay {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kNamedIds = 8;        // of a version, in text
constexpr std::size_t kShownVersions = 50;  // the latest, in text

// --- what is known ---

Result<Endpoint> admin_address(const RulesOptions& options) {
  return parse_endpoint(options.admin, RelayConfig{}.admin_listen->port);
}

// What the running relay says of the stream; null: nobody answers.
Json ask_relay(const RulesOptions& options, const ChosenRules& chosen) {
  std::optional<Endpoint> admin = chosen.admin;
  if (!options.admin.empty()) admin = *admin_address(options);
  if (!admin) return {};
  const auto body = http_get(*admin, "/status");
  if (!body && !options.admin.empty()) complain(body.error().context);
  const Json parsed = body ? Json::parse(*body, nullptr, false) : Json();
  if (!parsed.is_object() || !parsed.contains("streams")) return {};
  const std::string name = chosen.config ? chosen.config->name : options.archive.stream;
  for (const Json& stream : parsed["streams"]) {
    const bool only = name.empty() && parsed["streams"].size() == 1;
    if (only || stream.value("name", "") == name) return stream;
  }
  return {};
}

Json rule_json(const FilterRule& rule) {
  return {{"id", rule.id},
          {"db_name", rule.db_name},
          {"tb_name", rule.tb_name},
          {"monitor_insert", rule.monitor_insert},
          {"monitor_update", rule.monitor_update},
          {"monitor_delete", rule.monitor_delete}};
}

Json rules_json(const RuleSet& rules, const Json& relay) {
  std::map<std::uint64_t, Json> counts;
  if (relay.is_object() && relay.contains("rules")) {
    for (const Json& each : relay["rules"]) counts.emplace(each.value("id", std::uint64_t{0}), each);
  }
  std::map<std::uint64_t, std::string> ignored;
  for (IgnoredRule& rule : ignored_rules(rules)) ignored.emplace(rule.id, std::move(rule.why));
  Json list = Json::array();
  for (const FilterRule& rule : rules.rules()) {
    Json each = rule_json(rule);
    const auto why = ignored.find(rule.id);
    each["ignored"] = why == ignored.end() ? Json() : Json(why->second);
    if (!relay.is_null()) {
      const auto found = counts.find(rule.id);
      each["counters"] = found == counts.end() ? Json() : found->second;
    }
    list.push_back(std::move(each));
  }
  return list;
}

Json versions_json(const ChosenRules& chosen) {
  Json list = Json::array();
  if (!chosen.history) return list;
  for (const RuleChange& change : chosen.history->changes()) {
    Json set = Json::array();
    for (const FilterRule& rule : change.rules) set.push_back(rule_json(rule));
    const bool start = raw(change.at.segment) == 0;
    list.push_back({{"version", list.size() + 1},
                    {"file", start ? Json() : Json(chosen.archive->served_name(change.at.segment))},
                    {"position", start ? Json() : Json(change.at.offset)},
                    {"complete", change.complete},
                    {"set", std::move(set)},
                    {"removed", change.removed}});
  }
  return list;
}

const char* ddl_text(DdlView view) {
  return view == DdlView::all ? "all" : view == DdlView::monitored ? "monitored" : "none";
}
const char* statement_text(StatementDml dml) {
  return dml == StatementDml::stop ? "stop" : dml == StatementDml::pass ? "pass" : "drop";
}

Json accounts_json(const ChosenRules& chosen) {
  Json list = Json::array();
  if (!chosen.config) return list;
  FilterCounters unused;
  const AccountViews views(chosen.book, unused);
  for (const AccountConfig& account : chosen.config->accounts) {
    const auto refusal = views.refusal(account, chosen.source);
    list.push_back({{"user", account.user},
                    {"host", account.host.text()},
                    {"view", account.view == AccountConfig::View::rules ? "rules" : "all"},
                    {"rules_at", account.rules_at == AccountConfig::RulesAt::now ? "now" : "event"},
                    {"ddl", ddl_text(account.ddl)},
                    {"statement_dml", statement_text(account.statement_dml)},
                    {"allow", account.allow},
                    {"refused", refusal ? Json(*refusal) : Json()}});
  }
  return list;
}

Json everything(const RulesOptions& options, const ChosenRules& chosen) {
  std::shared_ptr<const RuleSet> rules = chosen.book.latest();
  const Json relay = ask_relay(options, chosen);
  std::string note = chosen.history ? chosen.history->report().reason : "";
  if (relay.is_object() && relay.contains("rules_note") && relay["rules_note"].is_string())
    note = relay["rules_note"].get<std::string>();
  const bool monitors_all = chosen.config && chosen.config->rules.default_monitor == DefaultMonitor::all;
  Json known_until;
  if (chosen.history && chosen.recorded.records > 0) known_until = place_text(chosen, chosen.recorded.known_until);
  Json shown = {{"origin", chosen.origin},
                {"known", rules != nullptr},
                {"note", note},
                {"known_until", known_until},
                {"default_monitor", chosen.config ? Json(monitors_all ? "all" : "none") : Json()},
                {"lower_case_table_names", chosen.source.lower_case_table_names},
                {"rules", rules ? rules_json(*rules, relay) : Json::array()},
                {"versions", versions_json(chosen)},
                {"accounts", accounts_json(chosen)},
                {"relay_runs", !relay.is_null()}};
  if (relay.is_object() && relay.contains("rules_unseen")) shown["unseen"] = relay["rules_unseen"];
  return shown;
}

// --- as text ---

void say(const std::string& line) { std::printf("%s\n", escape_control_characters(line).c_str()); }

std::string flag(const Json& rule, const char* name) { return rule[name].get<bool>() ? "yes" : "-"; }

std::string ids_text(const Json& rules, const char* member) {
  std::string text;
  for (std::size_t i = 0; i < std::min(rules.size(), kNamedIds); ++i)
    text += (i == 0 ? " " : ", ") + (member ? rules[i][member] : rules[i]).dump();
  if (rules.size() > kNamedIds) text += " and " + std::to_string(rules.size() - kNamedIds) + " more";
  return text;
}

void print_rows(const Json& shown) {
  std::vector<std::string> header{"row", "database", "table", "insert", "update", "delete"};
  const bool counted = shown["relay_runs"];
  if (counted)
    header.insert(header.end(), {"rows passed", "bytes passed", "rows held back", "bytes held back", "last match"});
  TextTable table(std::move(header));
  table.align_right(0);
  for (std::size_t column = 6; counted && column < 10; ++column) table.align_right(column);
  for (const Json& rule : shown["rules"]) {
    std::vector<std::string> cells{rule["id"].dump(),
                                   rule["db_name"],
                                   rule["tb_name"],
                                   flag(rule, "monitor_insert"),
                                   flag(rule, "monitor_update"),
                                   flag(rule, "monitor_delete")};
    const Json counters = counted ? rule["counters"] : Json();
    if (counted) {
      for (const char* name : {"rows_passed", "bytes_passed", "rows_dropped", "bytes_dropped"})
        cells.push_back(std::to_string(counters.is_object() ? counters.value(name, std::uint64_t{0}) : 0));
      const std::int64_t last = counters.is_object() ? counters.value("last_match", std::int64_t{0}) : 0;
      cells.push_back(last == 0 ? "never" : time_text(last));
    }
    table.add(std::move(cells));
  }
  for (const std::string& line : table.lines("  ")) std::fputs(line.c_str(), stdout);
}

void print_ignored(const Json& shown) {
  for (const Json& rule : shown["rules"]) {
    if (rule["ignored"].is_string())
      say("  row " + rule["id"].dump() + " is ignored: " + rule["ignored"].get<std::string>());
  }
}

void print_unseen(const Json& shown) {
  if (!shown.contains("unseen")) return;
  for (const Json& each : shown["unseen"]) say("  row " + each["id"].dump() + ": " + each.value("why", std::string()));
}

void print_versions(const Json& shown, const ChosenRules& chosen) {
  const Json& versions = shown["versions"];
  if (versions.empty()) return;
  std::printf("versions\n");
  const std::size_t first = versions.size() > kShownVersions ? versions.size() - kShownVersions : 0;
  if (first > 0) std::printf("  %zu older ones: --json shows them\n", first);
  const std::vector<RuleChange> changes = chosen.history->changes();
  for (std::size_t i = first; i < versions.size(); ++i) {
    const Json& version = versions[i];
    std::string line = "  " + version["version"].dump() + "  from " + place_text(chosen, changes[i].at) + " on: ";
    if (version["complete"]) {
      line += count_text(version["set"].size(), "row", "rows") + " in all";
    } else {
      if (!version["set"].empty()) line += "set row" + ids_text(version["set"], "id");
      if (!version["set"].empty() && !version["removed"].empty()) line += "; ";
      if (!version["removed"].empty()) line += "removed row" + ids_text(version["removed"], nullptr);
    }
    say(line);
  }
}

void print_accounts(const Json& shown) {
  if (shown["accounts"].empty()) return;
  std::printf("accounts\n");
  for (const Json& account : shown["accounts"]) {
    std::string line =
        "  " + account.value("user", "") + "@" + account.value("host", "") + "  view " + account.value("view", "");
    if (account["view"] == "rules") line += ", rules_at " + account.value("rules_at", "");
    if (account["view"] == "rules" || !account["allow"].empty())
      line += ", ddl " + account.value("ddl", "") + ", statement_dml " + account.value("statement_dml", "");
    for (std::size_t i = 0; i < account["allow"].size(); ++i)
      line += (i == 0 ? ", allow " : " ") + account["allow"][i].get<std::string>();
    say(line);
    if (account["refused"].is_string()) say("    is refused now: " + account["refused"].get<std::string>());
  }
}

void print_text(const Json& shown, const ChosenRules& chosen) {
  std::string head = "rules of " + chosen.origin;
  if (shown["known"]) {
    head += ": " + count_text(shown["rules"].size(), "row", "rows");
    if (shown["default_monitor"].is_string())
      head += ", tables without one: " + shown["default_monitor"].get<std::string>();
  }
  say(head);
  if (!shown["known"]) {
    const std::string why = shown["note"];
    say("  none are known" + (why.empty() ? "" : ": " + why));
  } else if (shown["note"] != "") {
    say("  " + shown["note"].get<std::string>());
  }
  if (!shown["rules"].empty()) print_rows(shown);
  print_ignored(shown);
  print_unseen(shown);
  print_versions(shown, chosen);
  if (shown["known_until"].is_string())
    say("  the journal knows all changes up to " + shown["known_until"].get<std::string>());
  print_accounts(shown);
}

Status print_rules(const RulesOptions& options) {
  RulesOptions asked = options;
  if (!asked.file.empty()) asked.archive.data_dir = asked.archive.config = "";
  BINRELAY_ASSIGN(const ChosenRules chosen, choose_rules(asked));
  const Json shown = everything(asked, chosen);
  if (options.archive.json) {
    print_json(shown);
  } else {
    print_text(shown, chosen);
  }
  return Done{};
}

}  // namespace

int show_rules(const RulesOptions& options) {
  if (!options.admin.empty()) {
    if (const auto admin = admin_address(options); !admin) return usage_error("--admin: " + admin.error().context);
  }
  const Status printed = print_rules(options);
  return printed.ok() ? kExitOk : problem(printed.error());
}

}  // namespace binrelay
