#include "relay/dump/group_skip.h"

#include <algorithm>

#include "protocol/check.h"
#include "relay/dump/dump_errors.h"

namespace binrelay {

GroupSkip GroupSkip::behind_set(MysqlGtidSet had) {
  GroupSkip skip;
  skip.rule_ = BySet{std::move(had)};
  return skip;
}

GroupSkip GroupSkip::behind_position(MariadbStart start) {
  ByPosition rule;
  rule.waiting_for = std::move(start.had);
  rule.empty_domains = std::move(start.empty_domains);
  if (start.until) {
    rule.until = std::move(start.until);
    rule.passed = std::move(start.passed);
  }
  rule.strict = start.strict;
  GroupSkip skip;
  skip.rule_ = std::move(rule);
  return skip;
}

bool GroupSkip::position_reached() const {
  const auto* rule = std::get_if<ByPosition>(&rule_);
  return !rule || std::all_of(rule->waiting_for.begin(), rule->waiting_for.end(),
                              [&](const auto& wanted) { return rule->empty_domains.contains(wanted.first); });
}

SkipDecision GroupSkip::on_group(const std::optional<AnyGtid>& gtid) {
  if (!gtid) return SkipDecision::send;
  if (const auto* rule = std::get_if<BySet>(&rule_)) {
    const auto* mysql = std::get_if<MysqlGtid>(&*gtid);
    BINRELAY_CHECK(mysql != nullptr, "a MariaDB GTID in a dump by MySQL set");
    return rule->had.contains(*mysql) ? SkipDecision::skip : SkipDecision::send;
  }
  if (auto* rule = std::get_if<ByPosition>(&rule_)) {
    const auto* mariadb = std::get_if<MariadbGtid>(&*gtid);
    BINRELAY_CHECK(mariadb != nullptr, "a MySQL GTID in a dump by MariaDB position");
    return on_group(*rule, *mariadb);
  }
  return SkipDecision::send;
}

bool GroupSkip::skips_all(const GtidState& added, std::uint64_t groups) const {
  const auto* rule = std::get_if<BySet>(&rule_);
  const auto* set = std::get_if<MysqlGtidSet>(&added);
  if (rule == nullptr || set == nullptr) return false;
  return set->count() == groups && rule->had.contains_all(*set);  // fewer: some are anonymous
}

SkipDecision GroupSkip::on_group(ByPosition& rule, const MariadbGtid& gtid) {
  if (rule.waiting_for.empty() && !rule.until) return SkipDecision::send;
  rule.passed.add(gtid);
  const SkipDecision start = before_start(rule, gtid);
  if (start == SkipDecision::refuse || !rule.until) return start;
  const SkipDecision end = before_end(rule, gtid);
  return start == SkipDecision::skip ? start : end;
}

SkipDecision GroupSkip::before_start(ByPosition& rule, const MariadbGtid& gtid) {
  const auto found = rule.waiting_for.find(gtid.domain);
  if (found == rule.waiting_for.end()) return SkipDecision::send;
  const MariadbGtid wanted = found->second;
  const bool same_server = gtid.server == wanted.server;

  // The domain was empty when the dump began, so the consumer's GTID could not be looked for; now it shows whether it
  // is in the log.
  if (rule.empty_domains.erase(gtid.domain) != 0 && !(same_server && gtid.sequence >= wanted.sequence)) {
    refusal_ = gtid_not_in_log(wanted, gtid);
    return SkipDecision::refuse;
  }
  if (!same_server || gtid.sequence < wanted.sequence) return SkipDecision::skip;
  rule.waiting_for.erase(found);
  if (gtid.sequence == wanted.sequence) {
    rule.progress_due = true;
    return SkipDecision::skip;
  }
  if (!rule.strict) return SkipDecision::send;
  refusal_ = gtid_is_hole(wanted);
  return SkipDecision::refuse;
}

SkipDecision GroupSkip::before_end(ByPosition& rule, const MariadbGtid& gtid) {
  const auto found = rule.until->find(gtid.domain);
  if (found == rule.until->end()) return SkipDecision::skip;
  const MariadbGtid last = found->second;
  if (gtid.server != last.server || gtid.sequence < last.sequence) return SkipDecision::send;
  rule.until->erase(found);
  // Past it: the GTID to stop at is a hole in the log.
  return gtid.sequence > last.sequence ? SkipDecision::skip : SkipDecision::send;
}

std::vector<MariadbGtid> GroupSkip::take_progress() {
  auto* rule = std::get_if<ByPosition>(&rule_);
  if (!rule || !rule->progress_due) return {};
  rule->progress_due = false;
  return rule->passed.to_list();
}

bool GroupSkip::may_end() const {
  const auto* rule = std::get_if<ByPosition>(&rule_);
  return rule && rule->until;
}

bool GroupSkip::ends_here() const {
  const auto* rule = std::get_if<ByPosition>(&rule_);
  return rule && rule->until && rule->until->empty();
}

std::vector<MariadbGtid> GroupSkip::until_list() const {
  const auto* rule = std::get_if<ByPosition>(&rule_);
  return rule ? rule->passed.to_list() : std::vector<MariadbGtid>{};
}

}  // namespace binrelay
