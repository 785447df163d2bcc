#include "relay/dump/dump_plan.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "protocol/check.h"
#include "protocol/wire/ascii.h"
#include "relay/commands/served_gtids.h"
#include "relay/commands/statement_errors.h"
#include "storage/file/file_names.h"

namespace binrelay {
namespace {

using PlanOrError = std::variant<DumpPlan, SqlError>;

std::string upper_case(std::string_view text) {
  std::string result(text);
  std::transform(text.begin(), text.end(), result.begin(), upper);
  return result;
}

// A user variable that is set; NULL counts as not set.
std::optional<std::string> variable(const SessionState& session, std::string_view name) {
  const auto found = session.user_variables.find(std::string(name));
  return found == session.user_variables.end() ? std::nullopt : found->second;
}

// As mysqld reads a variable as an integer: its leading digits; what does not fit is the largest.
std::int64_t leading_integer(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::result_out_of_range) return text.starts_with('-') ? INT64_MIN : INT64_MAX;
  return value;
}

std::int64_t integer_variable(const SessionState& session, std::string_view name) {
  const auto value = variable(session, name);
  return value ? leading_integer(*value) : 0;
}

// MySQL: @source_… counts before @master_…, NULL is as if unset, what is no algorithm's name is NONE.
AnnouncedChecksum announced_to_mysql(const SessionState& session) {
  const bool new_name = session.user_variables.contains("source_binlog_checksum");
  const auto value = variable(session, new_name ? "source_binlog_checksum" : "master_binlog_checksum");
  if (!value) return AnnouncedChecksum::unset;
  return upper_case(*value) == "CRC32" ? AnnouncedChecksum::crc32 : AnnouncedChecksum::none;
}

// MariaDB knows only @master_…; everything that is not NONE is CRC32, NULL as well.
AnnouncedChecksum announced_to_mariadb(const SessionState& session) {
  const auto found = session.user_variables.find("master_binlog_checksum");
  if (found == session.user_variables.end()) return AnnouncedChecksum::unset;
  return found->second && upper_case(*found->second) == "NONE" ? AnnouncedChecksum::none : AnnouncedChecksum::crc32;
}

std::chrono::nanoseconds heartbeat_period(const SessionState& session, Flavour flavour) {
  const bool new_name = flavour == Flavour::mysql && session.user_variables.contains("source_heartbeat_period");
  const std::chrono::nanoseconds asked(
      integer_variable(session, new_name ? "source_heartbeat_period" : "master_heartbeat_period"));
  if (asked.count() <= 0 || asked > kMaxHeartbeatPeriod) return std::chrono::nanoseconds{0};
  return std::max(asked, kMinHeartbeatPeriod);
}

std::string replica_uuid(const SessionState& session) {
  if (auto uuid = variable(session, "replica_uuid")) return *uuid;
  return variable(session, "slave_uuid").value_or("");
}

DumpPlan plan_of_session(const SessionState& session, Flavour flavour, std::uint16_t flags, ServerId server_id) {
  const bool mysql = flavour == Flavour::mysql;
  const bool second_flag = (flags & BinlogDumpCommand::kAnnotateOrHeartbeatV2) != 0;
  DumpPlan plan;
  plan.non_blocking = (flags & BinlogDumpCommand::kNonBlocking) != 0 || server_id == ServerId{0};
  plan.announced = mysql ? announced_to_mysql(session) : announced_to_mariadb(session);
  plan.heartbeat_period = heartbeat_period(session, flavour);
  plan.heartbeat_v2 = mysql && second_flag;
  plan.send_annotate = mysql || second_flag;
  if (!mysql) {
    plan.mariadb_capability =
        static_cast<int>(std::clamp<std::int64_t>(integer_variable(session, "mariadb_slave_capability"), 0, 4));
    const auto marked = session.session_variables.find("skip_replication");
    plan.leave_out_marked = marked != session.session_variables.end() && marked->second == "ON";
  }
  plan.server_id = server_id;
  plan.replica_uuid = replica_uuid(session);
  const auto said = [&](const char* name) { return session.user_variables.contains(name); };
  const bool announced = said("master_binlog_checksum") || (mysql && said("source_binlog_checksum"));
  const bool as_replica = session.registration || !plan.replica_uuid.empty() || said("mariadb_slave_capability") ||
                          said("slave_connect_state");
  const bool said_nothing = !session.has_made_statements && server_id != ServerId{0};
  plan.session_was_lost = !announced && (as_replica || said_nothing);
  return plan;
}

// What a consumer may ask for in `segment`: the size a source's file would have.
std::uint64_t served_size(const Segment& segment, const LogEnds& ends) {
  if (segment.sealed) return segment.size;
  return ends.visible.segment == segment.number ? std::max(ends.visible.offset, kFirstEventOffset) : kFirstEventOffset;
}

PlanOrError start_in(const Segment& segment, std::uint64_t position, DumpPlan plan, Flavour flavour,
                     const EventLog& log) {
  if (position < kFirstEventOffset) return position_too_small(flavour, plan.place);
  if (position > served_size(segment, log.ends())) return position_past_end(flavour, plan.place);
  // Behind the last whole group of a sealed file there may be a group its source never finished. It is not served.
  if (segment.sealed) position = std::min(position, std::max(segment.last_boundary, kFirstEventOffset));
  plan.start = {segment.number, position};
  plan.place.last_file = segment.served_name;
  // Before mid-file data goes the file's format description.
  const std::uint64_t description_end = kFirstEventOffset + segment.format_description.size();
  plan.place.last_event = position > kFirstEventOffset ? description_end : position;
  plan.place.last_byte = position;
  plan.error_after_rotate = refuse_checksum(plan, segment, plan.place);
  if (plan.error_after_rotate && plan.session_was_lost) return session_was_lost();
  return plan;
}

PlanOrError start_by_name(const std::string& name, std::uint64_t position, DumpPlan plan, Flavour flavour,
                          const EventLog& log) {
  const auto catalog = log.catalog();
  const auto segment = name.empty() ? catalog->history_begin() : catalog->find(name);
  if (!segment) return file_not_found();
  return start_in(*segment, position, std::move(plan), flavour, log);
}

// The newest file of the newest history that `fits`.
template <class Fits>
std::shared_ptr<const Segment> newest_that(const SegmentCatalog& catalog, Fits fits) {
  const auto& segments = catalog.segments();
  for (auto segment = segments.rbegin(); segment != segments.rend(); ++segment) {
    if ((*segment)->series->history != segments.back()->series->history) break;
    if (fits(**segment)) return *segment;
  }
  return nullptr;
}

// The newest file that begins with nothing the consumer lacks.
std::shared_ptr<const Segment> newest_within(const SegmentCatalog& catalog, const MysqlGtidSet& had) {
  return newest_that(catalog, [&](const Segment& segment) {
    const auto* previous = std::get_if<MysqlGtidSet>(&segment.previous);
    return previous && had.contains_all(*previous);
  });
}

// A number that the source has given out again since cannot be told from the lost one.
std::optional<SqlError> refuse_abandoned(const MysqlGtidSet& had, const EventLog& log, const GtidState& executed) {
  const GtidState abandoned = lacking(log.abandoned(), executed);
  const auto* lost = std::get_if<MysqlGtidSet>(&abandoned);
  if (!lost || lost->empty()) return std::nullopt;
  MysqlGtidSet held = difference(*lost, difference(*lost, had));
  if (held.empty()) return std::nullopt;
  return holds_abandoned(held);
}

PlanOrError start_by_set(const BinlogDumpGtidCommand& command, DumpPlan plan, const RelayView& relay) {
  const EventLog& log = *relay.log;
  const GtidState executed = served_executed(relay);
  const auto* in_log = std::get_if<MysqlGtidSet>(&executed);
  BINRELAY_CHECK(in_log != nullptr, "a MySQL log without a MySQL set");
  if (auto error = refuse_abandoned(command.gtids, log, executed)) return *error;
  if (!in_log->contains_all(command.gtids.only(relay.source->server_uuid))) return replica_is_ahead();

  const GtidState before_log = served_purged(relay);
  const auto* purged = std::get_if<MysqlGtidSet>(&before_log);
  BINRELAY_CHECK(purged != nullptr, "a MySQL log without a MySQL set");
  if (!command.gtids.contains_all(*purged)) {
    return transactions_purged(command.gtids, difference(*purged, command.gtids));
  }
  const auto segment = newest_within(*log.catalog(), command.gtids);
  if (!segment) return file_not_found();
  return start_in(*segment, command.position, std::move(plan), Flavour::mysql, log);
}

// --- MariaDB ---

using GtidByDomain = GroupSkip::GtidByDomain;

bool in_log(const MariadbBinlogState& executed, const MariadbGtid& gtid) {
  const auto sequence = executed.sequence_of(gtid.domain, gtid.server);
  return sequence && *sequence >= gtid.sequence;
}

// Whether the log can give what follows `had`. May note in `start` what it means for single domains.
std::optional<SqlError> check_position(const MariadbBinlogState& executed, bool ignore_duplicates,
                                       GroupSkip::MariadbStart* start) {
  std::vector<std::uint32_t> ended;
  for (const auto& [domain, wanted] : start->had) {
    if (in_log(executed, wanted)) continue;
    const auto last = executed.last_in(domain);
    if (!last) {
      // Perhaps another source's domain. Should it turn up here after all, its first group is looked at.
      start->empty_domains.insert(domain);
      continue;
    }
    if (ignore_duplicates && last->sequence < wanted.sequence) continue;
    if (start->until) {
      const auto until = start->until->find(domain);
      if (until == start->until->end() || in_log(executed, until->second)) {
        ended.push_back(domain);  // the end lies before the beginning: nothing to send
        continue;
      }
    }
    return gtid_not_in_log(wanted, last);
  }
  for (const std::uint32_t domain : ended) start->until->erase(domain);
  return std::nullopt;
}

// Whether everything behind `had` is in a file that begins with `previous`, or later.
bool begins_within(const GtidByDomain& had, const MariadbBinlogState& previous) {
  const auto list = previous.to_list();
  for (std::size_t i = 0; i < list.size(); ++i) {
    const auto found = had.find(list[i].domain);
    if (found == had.end()) return false;
    const MariadbGtid& wanted = found->second;
    if (wanted.server != list[i].server || wanted.sequence > list[i].sequence) continue;
    // In an earlier file, unless it is the very last of its domain there.
    const bool last_of_domain = i + 1 == list.size() || list[i + 1].domain != list[i].domain;
    if (wanted.sequence < list[i].sequence || !last_of_domain) return false;
  }
  return true;
}

std::shared_ptr<const Segment> newest_within(const SegmentCatalog& catalog, const GtidByDomain& had) {
  return newest_that(catalog, [&](const Segment& segment) {
    const auto* previous = std::get_if<MariadbBinlogState>(&segment.previous);
    return previous && begins_within(had, *previous);
  });
}

// What the files before the first one contain need not be waited for.
void leave_out_what_came_before(const MariadbBinlogState& previous, GroupSkip::MariadbStart* start) {
  for (const MariadbGtid& gtid : previous.to_list()) {
    const auto had = start->had.find(gtid.domain);
    if (had != start->had.end() && had->second == gtid) start->had.erase(had);
    if (!start->until) continue;
    const auto until = start->until->find(gtid.domain);
    if (until == start->until->end()) continue;
    if (until->second.server == gtid.server && until->second.sequence <= gtid.sequence) start->until->erase(until);
  }
}

std::optional<SqlError> refuse_abandoned(const GtidByDomain& had, const GtidState& abandoned,
                                         const GtidState& executed) {
  const GtidState lost = lacking(abandoned, executed);
  for (const auto& [domain, gtid] : had) {
    if (!contains(executed, gtid) && contains(lost, gtid))
      return holds_abandoned(MariadbBinlogState::from_list({gtid}));
  }
  return std::nullopt;
}

bool flag_variable(const SessionState& session, std::string_view name) { return integer_variable(session, name) != 0; }

PlanOrError start_by_position(const std::string& connect_state, const SessionState& session, DumpPlan plan,
                              const RelayView& relay) {
  const EventLog& log = *relay.log;
  GroupSkip::MariadbStart start;
  auto had = MariadbPosition::parse(connect_state);
  if (!had) return unusable_gtid_list(had.error());
  start.had = had->domains();
  if (const auto until = variable(session, "slave_until_gtid")) {
    auto parsed = MariadbPosition::parse(*until);
    if (!parsed) return unusable_gtid_list(parsed.error());
    start.until = parsed->domains();
  }
  start.strict = flag_variable(session, "slave_gtid_strict_mode");

  const GtidState executed = log.executed();
  const auto* state = std::get_if<MariadbBinlogState>(&executed);
  BINRELAY_CHECK(state != nullptr, "a MariaDB log without a MariaDB state");
  if (auto error = refuse_abandoned(start.had, log.abandoned(), executed)) return *error;
  if (auto error = check_position(*state, flag_variable(session, "slave_gtid_ignore_duplicates"), &start))
    return *error;
  const auto segment = newest_within(*log.catalog(), start.had);
  if (!segment) return gtid_state_purged();
  const auto& previous = std::get<MariadbBinlogState>(segment->previous);
  leave_out_what_came_before(previous, &start);
  start.passed = previous;
  plan.skip = GroupSkip::behind_position(std::move(start));
  return start_in(*segment, kFirstEventOffset, std::move(plan), Flavour::mariadb, log);
}

}  // namespace

PlanOrError plan_dump(const BinlogDumpCommand& command, const SessionState& session, const RelayView& relay) {
  const Flavour flavour = relay.source->flavour;
  DumpPlan plan = plan_of_session(session, flavour, command.flags, command.server_id);
  plan.place.first_file = command.file_name;
  plan.place.first_position = command.position;
  if (relay.log->catalog()->segments().empty()) return no_binary_log();
  if (flavour == Flavour::mariadb) {
    if (const auto connect_state = variable(session, "slave_connect_state")) {
      return start_by_position(*connect_state, session, std::move(plan), relay);
    }
  }
  return start_by_name(command.file_name, command.position, std::move(plan), flavour, *relay.log);
}

PlanOrError plan_dump(const BinlogDumpGtidCommand& command, const SessionState& session, const RelayView& relay) {
  if (relay.source->flavour == Flavour::mariadb) return unknown_command();
  if (!command.has_gtid_data || command.gtid_data_malformed) return malformed_gtid_set();
  if (relay.log->catalog()->segments().empty()) return no_binary_log();
  if (upper_case(relay.source->gtid_mode) != "ON") {
    return gtid_mode_not_on(relay.source->gtid_mode.empty() ? "OFF" : relay.source->gtid_mode);
  }
  DumpPlan plan = plan_of_session(session, Flavour::mysql, command.flags, command.server_id);
  plan.gtid_command = true;
  plan.file_named = !command.file_name.empty();
  plan.skip = GroupSkip::behind_set(command.gtids);
  plan.place.first_file = command.file_name;
  plan.place.first_position = command.position;
  if (command.file_name.empty()) return start_by_set(command, std::move(plan), relay);
  return start_by_name(command.file_name, command.position, std::move(plan), Flavour::mysql, *relay.log);
}

bool asks_for_coming_file(const std::string& file, std::uint64_t position, const SegmentCatalog& catalog) {
  const auto newest = catalog.newest();
  if (newest == nullptr || position != kFirstEventOffset || catalog.find(file) != nullptr) return false;
  const auto asked = number_in(file), have = number_in(newest->served_name);
  return asked && have && *asked == *have + 1 && base_name_of(file) == base_name_of(newest->served_name);
}

std::optional<SqlError> refuse_checksum(const DumpPlan& plan, const Segment& segment, const DumpPlace& place) {
  if (plan.announced != AnnouncedChecksum::unset || segment.checksum == ChecksumAlgorithm::none) return std::nullopt;
  DumpPlace behind_description = place;
  behind_description.last_file = segment.served_name;
  behind_description.last_byte = kFirstEventOffset + segment.format_description.size();
  behind_description.last_event = segment.flavour == Flavour::mysql ? behind_description.last_byte : kFirstEventOffset;
  return checksum_not_announced(segment.flavour, behind_description);
}

}  // namespace binrelay
