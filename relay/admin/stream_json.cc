#include "relay/admin/stream_json.h"

#include <nlohmann/json.hpp>

namespace binrelay {
namespace {

using nlohmann::json;

json or_null(const std::optional<std::uint64_t>& value) { return value ? json(*value) : json(nullptr); }

json position_json(const ServedPosition& position) { return {{"file", position.file}, {"position", position.offset}}; }

json source_json(const StreamReport& report) {
  const UpstreamStatus& upstream = report.upstream;
  json source = {{"host", report.source_address.host},
                 {"port", report.source_address.port},
                 {"state", to_text(upstream.state)},
                 {"last_error", upstream.last_error},
                 {"connected_since", upstream.connected_since},
                 {"last_received", upstream.last_received},
                 {"file", upstream.source_file},
                 {"position", upstream.source_position},
                 {"gtids", upstream.source_gtids},
                 {"reconnects", upstream.reconnects},
                 {"semi_sync",
                  {{"wanted", upstream.semi_sync.wanted},
                   {"active", upstream.semi_sync.active},
                   {"acknowledged", upstream.semi_sync.acknowledged},
                   {"withdrawn", upstream.semi_sync.withdrawn}}}};
  if (const auto& identity = report.source) {
    source["flavour"] = to_text(identity->flavour);
    source["version"] = identity->version;
    source["server_uuid"] = identity->flavour == Flavour::mysql ? to_text(identity->server_uuid) : "";
    source["server_id"] = static_cast<std::uint32_t>(identity->server_id);
  }
  return source;
}

json log_json(const StreamReport& report, const std::string& executed) {
  const EventLog::Counters& counters = report.counters;
  return {{"file", report.written.file},
          {"generation", report.generation},
          {"oldest_file", report.oldest_file},
          {"segments", report.segments},
          {"bytes", report.log_bytes},
          {"written", position_json(report.written)},
          {"durable", position_json(report.durable)},
          {"visible", position_json(report.visible)},
          {"executed", executed},
          {"transactions", counters.transactions},
          {"events", counters.events},
          {"received_bytes", counters.bytes},
          {"syncs", counters.syncs},
          {"last_sync_us", counters.last_sync_us},
          {"max_sync_us", counters.max_sync_us},
          {"gaps", counters.gaps},
          {"bad_blocks", counters.bad_blocks},
          {"failure", report.log_failure},
          {"last_event_time", counters.last_event_timestamp}};
}

json consumer_json(const ConsumerReport& report) {
  const ConnectionEntry& entry = report.connection;
  json consumer = {{"id", entry.id},
                   {"user", entry.user},
                   {"host", entry.host},
                   {"program", entry.program},
                   {"state", entry.command},
                   {"connected_since", entry.connected_since},
                   {"server_id", static_cast<std::uint32_t>(entry.server_id)},
                   {"uuid", entry.uuid}};
  if (!report.dumps) return consumer;
  consumer.update(position_json(report.at));
  consumer["lag_bytes"] = report.lag_bytes;
  consumer["lag_s"] = or_null(report.lag_seconds);
  consumer["sent_bytes"] = report.sent_bytes;
  consumer["last_progress"] = report.last_progress;
  return consumer;
}

json retention_json(const RetentionReport& report) {
  json waited_for = json::array();
  for (const RetentionReport::Waiting& waiting : report.waited_for) {
    waited_for.push_back({{"server_id", static_cast<std::uint32_t>(waiting.consumer.server_id)},
                          {"uuid", waiting.consumer.uuid},
                          {"user", waiting.consumer.user},
                          {"host", waiting.consumer.host},
                          {"file", waiting.file},
                          {"last_seen", waiting.consumer.last_seen},
                          {"seconds_left", waiting.seconds_left}});
  }
  const RetentionRules& rules = report.config.rules;
  return {{"expire_seconds", rules.expire_seconds}, {"max_bytes", rules.max_bytes},
          {"min_free_bytes", rules.min_free_bytes}, {"purge_hold_seconds", report.config.purge_hold_seconds},
          {"oldest_time", report.oldest_time},      {"purged_files", report.purged_files},
          {"purged_bytes", report.purged_bytes},    {"last_purge", report.last_purge},
          {"waited_for", std::move(waited_for)}};
}

json rules_json(const std::map<std::uint64_t, RuleCount>& rules) {
  json list = json::array();
  for (const auto& [id, count] : rules) {
    list.push_back({{"id", id},
                    {"events_passed", count.tally.events_passed},
                    {"events_dropped", count.tally.events_dropped},
                    {"bytes_passed", count.tally.bytes_passed},
                    {"bytes_dropped", count.tally.bytes_dropped},
                    {"rows_passed", count.tally.rows_passed},
                    {"rows_dropped", count.tally.rows_dropped},
                    {"events_uncounted", count.tally.events_uncounted},
                    {"last_match", count.last_match}});
  }
  return list;
}

// A row that has judged something names a table that was there; where the relay may not look, that is all it knows.
json unseen_json(const StreamReport& report) {
  json list = json::array();
  for (const UnseenRule& rule : report.unseen_rules) {
    const bool matched = report.rules.contains(rule.id);
    if (!rule.told && matched) continue;
    const std::string why = rule.told ? "the source has no such table"
                                      : "not seen in what consumers have read since the relay started; the relay's "
                                        "account may not look whether it is there";
    list.push_back({{"id", rule.id},
                    {"db_name", rule.database},
                    {"tb_name", rule.table},
                    {"missing", rule.told},
                    {"why", rule.database + "." + rule.table + ": " + why}});
  }
  return list;
}

}  // namespace

json stream_json(const StreamReport& report, const std::string& executed) {
  json consumers = json::array();
  for (const ConsumerReport& consumer : report.consumers) consumers.push_back(consumer_json(consumer));
  json disk = nullptr;
  if (report.disk_free) disk = {{"free", *report.disk_free}, {"total", or_null(report.disk_total)}};
  const ConnectionCounts& connections = report.connections;
  return {{"name", report.name},
          {"listen", to_text(report.listen)},
          {"ready", report.not_ready.empty()},
          {"not_ready", report.not_ready},
          {"source", source_json(report)},
          {"log", log_json(report, executed)},
          {"lag_bytes", or_null(report.lag_bytes)},
          {"lag_s", or_null(report.lag_seconds)},
          {"consumers", std::move(consumers)},
          {"connections",
           {{"accepted", connections.accepted},
            {"refused_logins", connections.refused_logins},
            {"unfinished_logins", connections.unfinished_logins},
            {"slow_consumers_ended", connections.slow_consumers_ended},
            {"turned_away", connections.turned_away}}},
          {"retention", retention_json(report.retention)},
          {"rules", rules_json(report.rules)},
          {"rules_unseen", unseen_json(report)},
          {"rules_note", report.rules_note},
          {"disk", std::move(disk)}};
}

}  // namespace binrelay
