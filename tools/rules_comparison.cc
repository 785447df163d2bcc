#include "tools/rules_comparison.h"

#include <array>
#include <cstdio>
#include <ctime>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "relay/filter/view_trial.h"
#include "relay/runtime/logging.h"
#include "tools/console.h"
#include "tools/group_walk.h"

namespace binrelay {
namespace {

using Json = nlohmann::json;

constexpr std::int64_t kSecondsPerHour = 3600;
constexpr std::size_t kComparedTables = 100'000;

struct Passed {
  std::uint64_t transactions = 0, rows = 0, row_events = 0, bytes = 0;
  friend bool operator==(const Passed&, const Passed&) = default;
};
using BothPassed = std::array<Passed, 2>;  // by the rules in force, by the file's

// RulesComparison adds up, by table, what two sets of rules let out. Thread: one. Memory: kComparedTables.
class RulesComparison {
 public:
  RulesComparison(std::array<std::shared_ptr<const RuleSet>, 2> rules, const ConsumerView& view)
      : rules_(std::move(rules)), view_(view) {}

  void begin_group(Flavour flavour) {
    for (std::size_t side = 0; side < trials_.size(); ++side)
      trials_[side] = std::make_unique<ViewTrial>(flavour, rules_[side], view_.allowed, options());
    counter_.begin_group();
    group_.clear();
    unjudged_ = false;
  }
  void on_event(const WalkedEvent& walked) {
    if (unjudged_) return;
    std::vector<bool> kept;  // by the rules in force, of the events inside this one, in order
    const Status old =
        trials_[0]->on_event(walked.event, [&](const JudgedEvent& judged) { return take_old(judged, &kept); });
    std::size_t next = 0;
    const Status changed =
        trials_[1]->on_event(walked.event, [&](const JudgedEvent& judged) { return take_new(judged, kept, &next); });
    if (old.ok() && changed.ok()) return;
    unjudged_ = true;
    if (++unjudged_groups_ == 1) {
      first_unjudged_ = walked.segment.served_name + ":" + std::to_string(walked.group_begin) + ": " +
                        (old.ok() ? changed : old).error().context;
    }
  }
  void end_group() {
    if (unjudged_) return;
    ++transactions_;
    bool differs = false;
    for (const auto& [name, passed] : group_) {
      if (tables_.size() >= kComparedTables && !tables_.contains(name)) {
        more_tables_ = true;
        continue;
      }
      BothPassed& sum = tables_[name];
      for (std::size_t side = 0; side < passed.size(); ++side) {
        sum[side].transactions += passed[side].row_events == 0 ? 0 : 1;
        sum[side].rows += passed[side].rows;
        sum[side].row_events += passed[side].row_events;
        sum[side].bytes += passed[side].bytes;
      }
      differs |= passed[0].row_events != passed[1].row_events;
    }
    differing_ += differs ? 1 : 0;
  }

  Json as_json() const {
    Json tables = Json::array();
    for (const auto& [name, passed] : tables_) {
      tables.push_back({{"database", name.first},
                        {"table", name.second},
                        {"now", passed_json(passed[0])},
                        {"changed", passed_json(passed[1])}});
    }
    return {{"transactions", transactions_},
            {"differing_transactions", differing_},
            {"tables", std::move(tables)},
            {"more_tables", more_tables_},
            {"uncounted_row_events", uncounted_},
            {"statements", statements_},
            {"unjudged_transactions", unjudged_groups_},
            {"first_unjudged", unjudged_groups_ == 0 ? Json() : Json(first_unjudged_)}};
  }

 private:
  using TableName = std::pair<std::string, std::string>;

  static Json passed_json(const Passed& passed) {
    return {{"transactions", passed.transactions},
            {"rows", passed.rows},
            {"row_events", passed.row_events},
            {"bytes", passed.bytes}};
  }
  ViewOptions options() const {
    ViewOptions options = view_.options;
    options.statement_dml = StatementDml::pass;  // counted, not stopped at
    return options;
  }
  Status take_old(const JudgedEvent& judged, std::vector<bool>* kept) {
    using Kind = Judgement::Kind;
    if (judged.judgement.kind == Kind::map) counter_.on_map(judged.event);
    statements_ += judged.judgement.kind == Kind::query && judged.judgement.query == QueryKind::dml ? 1 : 0;
    if (judged.judgement.kind == Kind::rows) kept->push_back(judged.judgement.passes);
    return Done{};
  }
  Status take_new(const JudgedEvent& judged, const std::vector<bool>& kept, std::size_t* next) {
    // The maps of a payload's statements are known by now; those of one id may have changed in between.
    if (judged.judgement.kind == Judgement::Kind::map) counter_.on_map(judged.event);
    if (judged.judgement.kind != Judgement::Kind::rows) return Done{};
    const bool by_old = kept[(*next)++], by_new = judged.judgement.passes;
    if (!judged.table || (!by_old && !by_new)) return Done{};
    const auto rows = counter_.rows_in(judged.event);
    uncounted_ += rows ? 0 : 1;
    BothPassed& passed = group_[{judged.table->database, judged.table->table}];
    for (const std::size_t side : {std::size_t{0}, std::size_t{1}}) {
      if (!(side == 0 ? by_old : by_new)) continue;
      passed[side].rows += rows.value_or(0);
      ++passed[side].row_events;
      passed[side].bytes += judged.event.header.size;
    }
    return Done{};
  }

  const std::array<std::shared_ptr<const RuleSet>, 2> rules_;
  const ConsumerView& view_;
  std::array<std::unique_ptr<ViewTrial>, 2> trials_;
  RowCounter counter_;
  std::map<TableName, BothPassed> group_, tables_;
  std::uint64_t transactions_ = 0, differing_ = 0, uncounted_ = 0, statements_ = 0, unjudged_groups_ = 0;
  std::string first_unjudged_;
  bool unjudged_ = false, more_tables_ = false;
};

std::string change_text(std::uint64_t now, std::uint64_t changed) {
  if (now == changed) return "";
  return now < changed ? "+" + std::to_string(changed - now) : "-" + std::to_string(now - changed);
}

void print_comparison(const Json& shown) {
  const auto say = [](const std::string& line) { std::printf("%s\n", escape_control_characters(line).c_str()); };
  say("since " + shown.value("since", "") + ": " + count_text(shown["transactions"], "transaction", "transactions") +
      " looked at, " + shown["differing_transactions"].dump() + " of them would have been sent differently");
  TextTable table({"table", "transactions", "", "rows", "", "bytes", ""});
  for (std::size_t column = 1; column < 7; ++column) table.align_right(column);
  for (const Json& each : shown["tables"]) {
    std::vector<std::string> cells{each.value("database", "") + "." + each.value("table", "")};
    for (const char* what : {"transactions", "rows", "bytes"}) {
      const std::uint64_t now = each["now"][what], changed = each["changed"][what];
      cells.push_back(std::to_string(changed));
      cells.push_back(change_text(now, changed));
    }
    table.add(std::move(cells));
  }
  if (shown["tables"].empty()) {
    say("nothing passes, by either");
  } else {
    for (const std::string& line : table.lines("  ")) std::fputs(line.c_str(), stdout);
  }
  if (shown["more_tables"]) say("more than " + std::to_string(kComparedTables) + " tables: the others are not shown");
  if (shown["uncounted_row_events"] != 0)
    say("the rows of " + shown["uncounted_row_events"].dump() + " row events could not be counted; their bytes are");
  if (shown["statements"] != 0)
    say(shown["statements"].dump() + " changes are logged as statements: no rule judges them");
  if (shown["unjudged_transactions"] != 0) {
    say(shown["unjudged_transactions"].dump() + " transactions could not be judged, the first at " +
        shown["first_unjudged"].get<std::string>());
  }
}

}  // namespace

Status compare_rules(const ExplainRulesOptions& options, const ChosenRules& chosen) {
  BINRELAY_ASSIGN(const AccountConfig account, chosen_account(options.rules, chosen));
  if (account.view != AccountConfig::View::rules)
    return Error{Errc::refused,
                 "the account '" + account.user + "' has view = \"all\": no rule decides what it is sent"};
  const auto view = chosen_view(account, chosen);
  const std::shared_ptr<const RuleSet> now = chosen.book.latest();
  if (!now) return Error{Errc::not_found, "no rules are known: " + chosen.history->report().reason};
  BINRELAY_ASSIGN(const std::shared_ptr<const RuleSet> changed, rules_of_file(options.rules, chosen));
  std::int64_t since = std::time(nullptr) - static_cast<std::int64_t>(options.last_hours) * kSecondsPerHour;
  if (!options.since.empty()) {
    BINRELAY_ASSIGN(const std::chrono::sys_seconds named, parse_time(options.since));
    since = named.time_since_epoch().count();
  }
  RulesComparison comparison({now, changed}, *view);
  ProgressReport progress("reading");
  const Progress report = progress.callback();
  std::uint64_t all = 0, before = 0;
  std::vector<std::shared_ptr<const Segment>> segments;
  for (const auto& segment : chosen.archive->catalog().segments()) {
    BINRELAY_ASSIGN(const SegmentListing listing, chosen.archive->listing_of(segment));
    if (listing.last_timestamp < since) continue;
    segments.push_back(segment);
    all += listing.size;
  }
  for (const auto& segment : segments) {
    bool wanted = false;
    std::uint64_t end = 0;
    BINRELAY_TRY(
        walk_groups(*chosen.archive, *segment, kFirstEventOffset, [&](const WalkedEvent& walked) -> Result<bool> {
          if (walked.begins_group()) {
            wanted = walked.event.header.timestamp >= since;
            if (wanted) comparison.begin_group(segment->flavour);
          }
          if (wanted) comparison.on_event(walked);
          if (wanted && walked.ends_group()) comparison.end_group();
          end = walked.event.offset + walked.event.header.size;
          if (walked.ends_group()) report(before + end, std::max(all, before + end));
          return true;
        }));
    before += end;
  }
  Json shown = comparison.as_json();
  shown["since"] = time_text(since);
  if (options.rules.archive.json) {
    print_json(shown);
  } else {
    print_comparison(shown);
  }
  return Done{};
}

}  // namespace binrelay
