#include "relay/commands/purge_answer.h"

#include <algorithm>
#include <ctime>

#include "relay/commands/sql_datetime.h"
#include "relay/commands/statement_errors.h"
#include "relay/commands/system_variables.h"
#include "relay/retention/housekeeper.h"

namespace binrelay {
namespace {

constexpr std::uint16_t kErrWrongDatetime = 1292;
constexpr std::uint16_t kErrRelay = 1105;
constexpr std::uint16_t kWarnLogInUse = 1867;     // MySQL's ER_WARN_PURGE_LOG_IN_USE
constexpr std::uint16_t kWarnLogIsActive = 1868;  // MySQL's ER_WARN_PURGE_LOG_IS_ACTIVE
constexpr std::uint16_t kNoteNotPurged = 1375;    // MariaDB's

std::string time_zone_of(const RelayView& relay, const SessionState& session) {
  const auto value = find_variable("time_zone", VariableScope::session, relay, session);
  return value ? value->text : "SYSTEM";
}

// Purger answers one PURGE statement.
// Borrows: the relay's state and the session.
class Purger {
 public:
  Purger(const RelayView& relay, SessionState& session)
      : relay_(relay), session_(session), catalog_(relay.log->catalog()) {}

  Answer to(const std::string& file) {
    const auto segment = catalog_->find(std::string_view(file));
    if (segment == nullptr) return unknown_binary_log();
    return purge(segment->number);
  }

  Answer before(const std::string& text) {
    const auto time = unix_time_of(text, time_zone_of(relay_, session_));
    if (time) return before(*time);
    warn("Warning", kErrWrongDatetime, "Incorrect datetime value: '" + text.substr(0, 200) + "'");
    return OkAnswer{};  // as a real server does, which takes it for NULL
  }

  // Files whose last event is older, up to the first that is not.
  Answer before(std::int64_t time) {
    const auto stored = stored_segments(*catalog_, 0);
    if (stored.empty()) return OkAnswer{};
    const auto kept = std::find_if(stored.begin(), std::prev(stored.end()),
                                   [&](const StoredSegment& segment) { return segment.closed_at >= time; });
    Answer answer = purge(kept->number);
    const bool all_purged = session_.warnings.empty() && std::holds_alternative<OkAnswer>(answer);
    if (std::next(kept) == stored.end() && catalog_->newest()->created_at < time && all_purged) say_active();
    return answer;
  }

 private:
  Answer purge(SegmentNumber keep_from) {
    const auto reply = relay_.housekeeper->purge(keep_from, "'" + session_.user + "' at " + session_.peer_host);
    if (!reply.ok()) return purge_failed(reply.error().context);
    const PurgeOutcome& outcome = reply->outcome;
    if (outcome.in_use) say_in_use(*outcome.in_use, outcome.purged.size(), keep_from);
    if (reply->needed_by && !outcome.in_use) {
      warn("Note", kErrRelay,
           "binrelay: " + name_of(reply->needed_by->segment) +
               " and later files were not purged: " + to_text(*reply->needed_by) +
               " has gone away and may ask for them; it is waited for as long as purge_hold_seconds says");
    }
    for (const std::string& problem : outcome.not_removed)
      warn("Warning", kErrRelay, "binrelay: " + problem + "; the next start tries again");
    return OkAnswer{};
  }

  void say_in_use(SegmentNumber segment, std::size_t purged, SegmentNumber keep_from) {
    if (relay_.source->flavour == Flavour::mariadb)
      return warn("Note", kNoteNotPurged,
                  "Binary log '" + name_of(segment) + "' is not purged because it is in use by a slave thread");
    const auto connections = relay_.registry->list();
    const auto readers = std::count_if(connections.begin(), connections.end(), [&](const ConnectionEntry& entry) {
      return entry.progress && entry.progress->needed.load() == raw(segment);
    });
    const auto asked = std::count_if(catalog_->segments().begin(), catalog_->segments().end(),
                                     [&](const auto& stored) { return stored->number < keep_from; });
    warn("Warning", kWarnLogInUse,
         "file ./" + name_of(segment) + " was not purged because it was being read by " +
             std::to_string(std::max<std::int64_t>(readers, 1)) + " thread(s), purged only " + std::to_string(purged) +
             " out of " + std::to_string(asked) + " files.");
  }

  void say_active() {
    const std::string& name = catalog_->newest()->served_name;
    if (relay_.source->flavour == Flavour::mysql)
      return warn("Warning", kWarnLogIsActive, "file ./" + name + " was not purged because it is the active log file.");
    warn("Note", kNoteNotPurged, "Binary log '" + name + "' is not purged because it is the current active binlog");
  }

  std::string name_of(SegmentNumber number) const {
    const auto segment = catalog_->at_or_after(number);
    return segment ? segment->served_name : "";
  }
  void warn(const char* level, std::uint16_t code, std::string text) {
    session_.warnings.push_back({level, code, std::move(text)});
  }

  const RelayView& relay_;
  SessionState& session_;
  const std::shared_ptr<const SegmentCatalog> catalog_;  // as it was before
};

}  // namespace

Answer answer_purge(const PurgeBinaryLogsStatement& statement, const RelayView& relay, SessionState& session) {
  if (!session.privileges.has(Privilege::binlog_admin)) return access_denied(Access::purge, *relay.source);
  if (relay.housekeeper == nullptr) return refused_by_relay("PURGE BINARY LOGS");
  Purger purger(relay, session);
  if (statement.to_file) return purger.to(*statement.to_file);
  if (statement.before_seconds_ago) {
    return purger.before(static_cast<std::int64_t>(std::time(nullptr)) -
                         static_cast<std::int64_t>(*statement.before_seconds_ago));
  }
  return purger.before(statement.before.value_or(""));
}

}  // namespace binrelay
