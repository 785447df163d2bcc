// binrelay rules explain: why the changes of a stored transaction are sent to an account or not.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "protocol/event/events.h"
#include "relay/filter/view_trial.h"
#include "relay/runtime/logging.h"
#include "tools/chosen_rules.h"
#include "tools/console.h"
#include "tools/group_walk.h"
#include "tools/rules_comparison.h"

namespace binrelay {
namespace {

using Json = nlohmann::json;

// TransactionTrial collects what a view makes of one transaction. Thread: one.
class TransactionTrial {
 public:
  TransactionTrial(Flavour flavour, const ConsumerView& view, std::shared_ptr<const RuleSet> rules)
      : trial_(flavour, std::move(rules), view.allowed, view.options) {}

  void on_event(const WalkedEvent& walked) {
    if (walked.begins_group()) {
      time_ = walked.event.header.timestamp;
      if (walked.gtid) gtid_ = to_text(*walked.gtid);
    }
    end_ = walked.event.offset + walked.event.header.size;
    if (!ends_dump_.empty()) return;
    const Status judged = trial_.on_event(walked.event, [&](const JudgedEvent& event) { return take(event); });
    if (!judged) ends_dump_ = judged.error().context;
  }

  Json as_json() const {
    return {{"gtid", gtid_},
            {"time", time_text(time_)},
            {"end", end_},
            {"events", events_},
            {"row_events", kept_ + dropped_},
            {"row_events_passed", kept_},
            {"outcome", outcome()},
            {"error", ends_dump_.empty() ? Json() : Json(ends_dump_)}};
  }

 private:
  Status take(const JudgedEvent& judged) {
    using Kind = Judgement::Kind;
    const Judgement& judgement = judged.judgement;
    if (judgement.kind == Kind::map) rows_.on_map(judged.event);
    const bool statement =
        judgement.kind == Kind::load_block ||
        (judgement.kind == Kind::query && (judgement.query == QueryKind::ddl || judgement.query == QueryKind::dml));
    if (statement) add_statement(judged);
    if (judged.table) add_of_table(judged);
    return Done{};
  }

  void add_statement(const JudgedEvent& judged) {
    const bool ddl = judged.judgement.query == QueryKind::ddl;
    other_dropped_ |= !judged.judgement.passes;
    events_.push_back({{"offset", judged.event.offset},
                       {"type", event_type_name(judged.event.header.type)},
                       {"bytes", judged.event.header.size},
                       {"passes", judged.judgement.passes},
                       {"rule", nullptr},
                       {"what", describe_event(judged.event.bytes, judged.event.checksum)},
                       {"why", ddl ? "the account's ddl" : "the account's statement_dml"}});
  }

  void add_of_table(const JudgedEvent& judged) {
    const JudgedTable& table = *judged.table;
    const bool is_map = judged.judgement.kind == Judgement::Kind::map;
    const TableVerdict& verdict = table.reason.verdict;
    const auto operation = row_operation(judged.event.header.type);
    std::string why = table.reason.text(trial_.rules());
    if (!is_map && verdict.rule && operation)
      why += std::string(", monitor_") + operation_name(*operation) + " = " + (verdict.passes(*operation) ? "1" : "0");
    if (!is_map && operation && verdict.passes(*operation) && !judged.judgement.passes)
      why += "; but the CREATE TABLE that they belong to does not go out";
    Json event = {{"offset", judged.event.offset},
                  {"type", event_type_name(judged.event.header.type)},
                  {"bytes", judged.event.header.size},
                  {"database", table.database},
                  {"table", table.table},
                  {"rule", verdict.rule ? Json(*verdict.rule) : Json()},
                  {"why", why}};
    if (is_map) {
      // Goes out with the first row event of its table that does.
      event["passes"] = nullptr;
    } else {
      event["passes"] = judged.judgement.passes;
      event["operation"] = operation ? operation_name(*operation) : "";
      const auto rows = rows_.rows_in(judged.event);
      event["rows"] = rows ? Json(*rows) : Json();
      ++(judged.judgement.passes ? kept_ : dropped_);
    }
    events_.push_back(std::move(event));
  }

  std::string outcome() const {
    if (!ends_dump_.empty()) return "a dump of this account ends here with error 1236";
    if (dropped_ == 0 && !other_dropped_) return "it is sent as it is";
    if (kept_ == 0) return "it is sent emptied: its GTID or position, its begin and its end";
    return "it is sent with " + std::to_string(kept_) + " of its " + std::to_string(kept_ + dropped_) + " row events";
  }

  ViewTrial trial_;
  RowCounter rows_;
  Json events_ = Json::array();
  std::string gtid_, ends_dump_;
  std::int64_t time_ = 0;
  std::uint64_t end_ = 0, kept_ = 0, dropped_ = 0;
  bool other_dropped_ = false;
};

std::string view_text(const RulesOptions& options, const AccountConfig& account) {
  const std::string who = options.account.empty() ? "an account with " : "account " + options.account + ", ";
  return who + "view = \"" + (account.view == AccountConfig::View::rules ? "rules" : "all") + "\"" +
         (account.allow.empty() ? "" : " and an allow-list");
}

void print_transaction(const Json& shown) {
  const auto say = [](const std::string& line) { std::printf("%s\n", escape_control_characters(line).c_str()); };
  const std::string gtid = shown.value("gtid", "");
  say(shown.value("file", "") + ":" + shown["begin"].dump() + " to " + shown["end"].dump() + ", " +
      (gtid.empty() ? "no GTID" : gtid) + ", " + shown.value("time", ""));
  say("for " + shown.value("view", ""));
  TextTable table({"offset", "event", "table", "rows", "bytes", "sent", "why"});
  for (const std::size_t column : {0, 3, 4}) table.align_right(column);
  for (const Json& event : shown["events"]) {
    const bool of_table = event.contains("table");
    const Json rows = event.value("rows", Json());
    const Json passes = event["passes"];
    table.add({event["offset"].dump(), event.value("type", ""),
               of_table ? event.value("database", "") + "." + event.value("table", "") : event.value("what", ""),
               rows.is_null() ? "" : rows.dump(), event["bytes"].dump(),
               passes.is_null()     ? "with its rows"
               : passes.get<bool>() ? "yes"
                                    : "no",
               event.value("why", "")});
  }
  if (!shown["events"].empty()) {
    for (const std::string& line : table.lines("  ")) std::fputs(line.c_str(), stdout);
  }
  say(shown.value("outcome", ""));
  if (shown["error"].is_string()) say("  " + shown["error"].get<std::string>());
}

Status explain_transaction(const ExplainRulesOptions& options, const ChosenRules& chosen) {
  BINRELAY_ASSIGN(const AccountConfig account, chosen_account(options.rules, chosen));
  const auto view = chosen_view(account, chosen);
  BINRELAY_ASSIGN(const GroupPlace found, find_group(*chosen.archive, options.transaction));
  const LogPosition at{found.segment->number, found.begin};
  std::shared_ptr<const RuleSet> rules = view->rules_at(at);
  if (!options.rules.file.empty() && account.view == AccountConfig::View::rules) {
    BINRELAY_ASSIGN(rules, rules_of_file(options.rules, chosen));
  }
  if (!rules) {
    return Error{Errc::not_found, "no rules are known for " + place_text(chosen, at) +
                                      (chosen.history ? ": " + chosen.history->report().reason : std::string())};
  }
  TransactionTrial trial(found.segment->flavour, *view, rules);
  BINRELAY_TRY(
      walk_groups(*chosen.archive, *found.segment, found.begin, [&](const WalkedEvent& walked) -> Result<bool> {
        trial.on_event(walked);
        return !walked.ends_group();
      }));
  Json shown = trial.as_json();
  shown["file"] = found.segment->served_name;
  shown["begin"] = found.begin;
  shown["view"] = view_text(options.rules, account);
  if (options.rules.archive.json) {
    print_json(shown);
  } else {
    print_transaction(shown);
  }
  return Done{};
}

Status explain(const ExplainRulesOptions& options) {
  BINRELAY_ASSIGN(const ChosenRules chosen, choose_rules(options.rules));
  if (!chosen.archive) return Error{Errc::not_found, "the relay has stored nothing yet"};
  return options.transaction.empty() ? compare_rules(options, chosen) : explain_transaction(options, chosen);
}

}  // namespace

int explain_rules(const ExplainRulesOptions& options) {
  if (!options.since.empty()) {
    if (const auto since = parse_time(options.since); !since) return usage_error("--since: " + since.error().context);
  }
  if (options.transaction.empty() && options.rules.file.empty())
    return usage_error("--since and --last compare the rules in force with those of a file: --rules FILE");
  const Status explained = explain(options);
  return explained.ok() ? kExitOk : problem(explained.error());
}

}  // namespace binrelay
