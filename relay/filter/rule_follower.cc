#include "relay/filter/rule_follower.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "protocol/event/events.h"
#include "storage/log_cursor.h"

namespace binrelay {
namespace {

// Numbers grow a digit when they must, so a shorter name is an older one.
bool older(const std::string& left, const std::string& right) {
  return left.size() != right.size() ? left.size() < right.size() : left < right;
}

bool same_columns(const std::vector<RuleTableColumn>& left, const std::vector<RuleTableColumn>& right) {
  return left == right;
}

// The columns of a table that no rules are read from, until it is changed.
std::vector<RuleTableColumn> no_rule_table() { return {RuleTableColumn{}}; }

std::vector<FilterRule> rules_in(const RuleRows& rows) {
  std::vector<FilterRule> rules;
  for (const auto& [id, rule] : rows) rules.push_back(rule);
  return rules;
}

RuleChange difference(const RuleRows& before, const RuleRows& after, LogPosition at) {
  RuleChange change{at, false, {}, {}};
  for (const auto& [id, rule] : before) {
    if (!after.contains(id)) change.removed.push_back(id);
  }
  for (const auto& [id, rule] : after) {
    const auto old = before.find(id);
    if (old == before.end() || !(old->second == rule)) change.rules.push_back(rule);
  }
  return change;
}

}  // namespace

RuleFollower::RuleFollower(RuleTableName name, EventLog& log, RuleHistory& history,
                           std::shared_ptr<spdlog::logger> logger)
    : name_(std::move(name)), log_(log), history_(history), logger_(std::move(logger)) {}

// --- what the journal knows ---

Status RuleFollower::restore() {
  const LogPosition end = log_.ends().visible;
  LogPosition from{};
  for (const RulesRecorded& record : log_.recorded_rules()) {
    if (record.at >= end && raw(record.at.segment) != 0) break;  // the log lost it in a crash
    if (record.complete || !record.rules.empty() || !record.removed.empty())
      history_.add({record.at, record.complete, record.rules, record.removed});
    if (!record.layout.empty()) layout_ = record.layout;
    if (!record.note.empty()) history_.explain(record.note);
    from = record.scan_from;
    known_until_ = record.at;
    if (record.complete) asked_for_ = record.at;
  }
  if (!history_.newest()) return Done{};
  rows_ = history_.rows();
  if (const auto oldest = log_.catalog()->oldest(); oldest && raw(from.segment) != 0 && from.segment < oldest->number) {
    misses_prepares_ = true;
    lost_from_ = from;
  }
  const Status scanned = scan(from);
  if (!scanned) {  // what follows cannot be told
    history_.cut({});
    history_.explain("the log cannot be read to its end: " + scanned.error().context);
    logger_->warn("filter rules: {}", scanned.error().context);
  }
  return Done{};
}

Status RuleFollower::scan(LogPosition from) {
  const auto oldest = log_.catalog()->oldest();
  if (oldest == nullptr) return Done{};
  from = std::max(from, LogPosition{oldest->number, kFirstEventOffset});
  auto cursor = LogCursor::open(log_, from);
  if (!cursor) return std::move(cursor).error();
  begin_segment(cursor->segment().number, cursor->segment().source_name, &cursor->segment().series->skip);
  boundary_.start_file(cursor->segment().flavour, cursor->segment().checksum);
  checksum_ = cursor->segment().checksum;
  ByteBuffer whole;
  for (;;) {
    CursorStep step = cursor->next();
    if (std::holds_alternative<NeedsRead>(step)) {
      BINRELAY_TRY(cursor->read(ReadMode::may_block));
    } else if (std::holds_alternative<AtVisibleEnd>(step)) {
      return Done{};
    } else if (auto* error = std::get_if<Error>(&step)) {
      return std::move(*error);
    } else if (const auto* next = std::get_if<SegmentEnd>(&step)) {
      begin_segment(next->following->number, next->following->source_name, &next->following->series->skip);
    } else {
      const CursorEvent& event = std::get<CursorEvent>(step);
      const std::uint64_t offset = event.position.offset;
      whole.assign(event.bytes.begin(), event.bytes.end());
      for (bool more = !event.whole; more;) {
        PieceStep piece = cursor->next_piece();
        if (auto* failed = std::get_if<Error>(&piece)) return std::move(*failed);
        if (std::holds_alternative<NeedsRead>(piece)) {
          BINRELAY_TRY(cursor->read(ReadMode::may_block));
          continue;
        }
        const Piece& bytes = std::get<Piece>(piece);
        whole.insert(whole.end(), bytes.bytes.begin(), bytes.bytes.end());
        more = !bytes.last;
      }
      BINRELAY_TRY(on_event(offset, whole));
    }
  }
}

Status RuleFollower::record(RuleChange change, std::string note) {
  RulesRecorded record{change.at, scan_from(change.at), change.complete, change.rules, change.removed,
                       {},        std::move(note)};
  if (change.complete || layout_changed_) record.layout = layout_;
  layout_changed_ = false;
  known_until_ = change.at;
  history_.add(std::move(change));
  return log_.record_rules(record);
}

Status RuleFollower::mark(LogPosition at) {
  if (bootstrap_ || !history_.newest() || at <= known_until_) return Done{};
  known_until_ = at;
  return log_.record_rules({at, scan_from(at), false, {}, {}, {}, ""});
}

// A prepared change is found again only where it stands.
LogPosition RuleFollower::scan_from(LogPosition at) const {
  for (const auto& [xa_id, group] : prepared_) at = std::min(at, group.at);
  if (lost_from_) at = std::min(at, *lost_from_);
  return at;
}

// --- what the source is asked ---

Status RuleFollower::consult(EventSource& source, Flavour flavour) {
  if (wants_source() && history_.newest()) return reread(source, flavour);
  if (history_.newest()) return Done{};
  return begin_bootstrap(source, flavour);
}

Status RuleFollower::begin_bootstrap(EventSource& source, Flavour flavour) {
  wants_layout_ = wants_rows_ = false;
  misses_prepares_ = true;
  auto snapshot = read_rule_snapshot(source, flavour, name_);
  if (!snapshot) {
    const Error error = std::move(snapshot).error();
    if (error.code == Errc::connection || error.code == Errc::stopped) return error;
    bootstrap_.reset();
    say(error.context);
    history_.explain(error.context);
    return Done{};
  }
  for (const std::string& note : snapshot->notes) say(name_.database + "." + name_.table + ": " + note);
  layout_ = snapshot->layout;
  layout_changed_ = true;
  bootstrap_.emplace(Bootstrap{std::move(*snapshot), {}});
  history_.explain("the relay is reading what came before them");
  known_until_ = {};
  // From the start of the log: what it holds is behind the snapshot or undone from it.
  if (const Status scanned = scan({}); !scanned) {
    bootstrap_.reset();
    say("the log cannot be read: " + scanned.error().context);
    history_.explain("the log cannot be read: " + scanned.error().context);
    return Done{};
  }
  const auto newest = log_.catalog()->newest();
  if (bootstrap_ && newest != nullptr &&
      reached(bootstrap_->snapshot.after, newest->source_name, log_.ends().visible.offset))
    return finish_bootstrap();
  return Done{};
}

bool RuleFollower::is_no_rule_table() const { return layout_ == no_rule_table(); }

bool RuleFollower::reached(const BinlogEnd& end, const std::string& file, std::uint64_t offset) const {
  return file == end.file ? offset >= end.position : older(end.file, file);
}

Status RuleFollower::finish_bootstrap() {
  Bootstrap bootstrap = *std::exchange(bootstrap_, std::nullopt);
  RuleRows base = bootstrap.snapshot.rows;
  bool undone = true;
  for (auto group = bootstrap.groups.rbegin(); group != bootstrap.groups.rend() && undone; ++group) {
    for (auto edit = group->edits.rbegin(); edit != group->edits.rend() && undone; ++edit) undone = undo(*edit, &base);
  }
  std::string note;
  if (!undone) {
    base = bootstrap.snapshot.rows;
    note =
        "changes before the relay read the rules could not be undone: the rules as they were read hold back to the "
        "start of the log";
  }
  rows_ = base;
  BINRELAY_TRY(record({LogPosition{}, true, rules_in(base), {}}, note));
  history_.explain(note);
  for (const Group& group : bootstrap.groups) {
    const bool in_snapshot = !reached(bootstrap.snapshot.before, group.file, group.at.offset);
    if (undone || !in_snapshot) BINRELAY_TRY(publish(group.at, group.edits));
  }
  if (!bootstrap.groups.empty()) BINRELAY_TRY(mark(bootstrap.groups.back().at));
  logger_->info("filter rules: {} rows of {}.{}, {}", rows_.size(), name_.database, name_.table,
                note.empty() ? std::to_string(bootstrap.groups.size()) + " changes of them in the log" : note);
  return Done{};
}

// Told to the journal at once: a restart must not read rows by the columns there were before.
Status RuleFollower::take_layout(std::vector<RuleTableColumn> layout) {
  if (same_columns(layout_, layout)) return Done{};
  layout_ = std::move(layout);
  return record({asked_for_, true, rules_in(rows_), {}}, "");
}

// After a change of the table that row events do not show.
Status RuleFollower::reread(EventSource& source, Flavour flavour) {
  const bool with_rows = std::exchange(wants_rows_, false);
  wants_layout_ = false;
  const auto failed = [&](const Error& error) -> Status {
    if (error.code == Errc::connection || error.code == Errc::stopped) {
      wants_layout_ = true;
      wants_rows_ = with_rows;
      return error;
    }
    say(error.context + "; the last rules stay");
    history_.explain(error.context + "; the last rules stay");
    return error.code == Errc::unsupported ? take_layout(no_rule_table()) : Done{};
  };
  if (!with_rows) {
    auto layout = read_rule_layout(source, name_);
    if (!layout) return failed(layout.error());
    return take_layout(std::move(*layout));
  }
  auto snapshot = read_rule_snapshot(source, flavour, name_);
  if (!snapshot) return failed(snapshot.error());
  layout_ = std::move(snapshot->layout);
  rows_ = std::move(snapshot->rows);
  history_.explain("");
  logger_->info("filter rules: {} rows of {}.{} were read again", rows_.size(), name_.database, name_.table);
  return record({asked_for_, true, rules_in(rows_), {}}, "");
}

void RuleFollower::ask_again(bool rows, const std::string& why) {
  if (bootstrap_ || group_at_ <= asked_for_) return;  // it was asked for this very change
  asked_for_ = group_at_;
  (rows ? wants_rows_ : wants_layout_) = true;
  logger_->info("{}.{}: {}; the source is asked what it looks like", name_.database, name_.table, why);
}

void RuleFollower::say(const std::string& what) {
  constexpr std::size_t kMaxSaid = 256;
  if (std::find(said_.begin(), said_.end(), what) != said_.end() || said_.size() >= kMaxSaid) return;
  said_.push_back(what);
  logger_->warn("filter rules: {}", what);
}

// --- rows ---

void RuleFollower::apply(const RowEdit& edit, RuleRows* rows) {
  using Kind = RowEdit::Kind;
  if (edit.kind == Kind::truncate || edit.kind == Kind::create) return rows->clear();
  FilterRule rule;
  const RuleValues& key = edit.kind == Kind::insert ? edit.after : edit.before;
  auto found = key.id ? rows->find(*key.id) : std::find_if(rows->begin(), rows->end(), [&](const auto& row) {
    return key.db_name == row.second.db_name && key.tb_name == row.second.tb_name;
  });
  if (found != rows->end()) {
    rule = found->second;
    rows->erase(found);
  }
  if (edit.kind == Kind::remove || edit.after.unreadable) return;
  if (edit.kind == Kind::update) rule = edit.before.over(std::move(rule));
  rule = edit.after.over(std::move(rule));
  if (rows->size() < kMaxRules || rows->contains(rule.id)) rows->insert_or_assign(rule.id, std::move(rule));
}

// False: it cannot be told what was before.
bool RuleFollower::undo(const RowEdit& edit, RuleRows* rows) {
  switch (edit.kind) {
    case RowEdit::Kind::create:
      rows->clear();
      return true;
    case RowEdit::Kind::truncate:
      return false;
    case RowEdit::Kind::insert:
      if (edit.after.id) rows->erase(*edit.after.id);
      return edit.after.id.has_value();
    case RowEdit::Kind::update:
      if (!edit.before.complete()) return false;
      if (edit.after.id) rows->erase(*edit.after.id);
      break;
    case RowEdit::Kind::remove:
      if (!edit.before.complete()) return false;
      break;
  }
  if (edit.before.unreadable) {
    rows->erase(*edit.before.id);
  } else {
    rows->insert_or_assign(*edit.before.id, edit.before.over({}));
  }
  return true;
}

Status RuleFollower::publish(LogPosition at, const Edits& edits) {
  RuleRows after = rows_;
  for (const RowEdit& edit : edits) apply(edit, &after);
  RuleChange change = difference(rows_, after, at);
  rows_ = std::move(after);
  if (change.rules.empty() && change.removed.empty()) return Done{};
  logger_->info("filter rules change at {}:{}: {} rows set, {} removed", file_, at.offset, change.rules.size(),
                change.removed.size());
  return record(std::move(change), "");
}

}  // namespace binrelay
