#include "relay/admin/stream_metrics.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "relay/version.h"

namespace binrelay {
namespace {

using Labels = MetricsText::Labels;

Labels with(Labels labels, std::string_view name, std::string value) {
  labels.emplace_back(name, std::move(value));
  return labels;
}

std::uint64_t unsigned_time(std::int64_t time) { return time > 0 ? static_cast<std::uint64_t>(time) : 0; }

void add_ready(MetricsText& metrics, const Labels& stream, bool ready) {
  metrics.gauge("binrelay_stream_ready", "1: the log is open and consumers can connect.", stream, std::uint64_t{ready});
}

void add_source(MetricsText& metrics, const StreamReport& report, const Labels& stream) {
  const UpstreamStatus& upstream = report.upstream;
  add_ready(metrics, stream, report.not_ready.empty());
  metrics.gauge("binrelay_source_connected", "1: the source is connected and streaming.", stream,
                std::uint64_t{upstream.state == UpstreamStatus::State::streaming});
  metrics.counter("binrelay_source_reconnects_total", "Connections to the source that ended.", stream,
                  upstream.reconnects);
  metrics.counter("binrelay_source_bad_events_total", "Damaged events received; none was stored.", stream,
                  upstream.bad_events);
  metrics.gauge("binrelay_source_last_received_timestamp_seconds", "When the last event or heartbeat came; 0: never.",
                stream, unsigned_time(upstream.last_received));
  metrics.gauge("binrelay_semi_sync_active", "1: transactions are acknowledged to the source.", stream,
                std::uint64_t{upstream.semi_sync.active});
  metrics.counter("binrelay_semi_sync_acknowledged_total", "Acknowledgements sent to the source.", stream,
                  upstream.semi_sync.acknowledged);
  metrics.counter("binrelay_semi_sync_withdrawn_total", "Times the offer to acknowledge was taken back.", stream,
                  upstream.semi_sync.withdrawn);
  if (report.lag_bytes) {
    metrics.gauge("binrelay_source_lag_bytes", "Bytes the source has and consumers do not see yet. Absent: not known.",
                  stream, *report.lag_bytes);
  }
  if (report.lag_seconds) {
    metrics.gauge("binrelay_source_lag_seconds",
                  "0 with everything received, else the age of the last event. Absent: not known.", stream,
                  *report.lag_seconds);
  }
}

void add_log(MetricsText& metrics, const StreamReport& report, const Labels& stream) {
  const auto add_end = [&](const char* end, const ServedPosition& position) {
    const Labels labels = with(stream, "end", end);
    metrics.gauge("binrelay_log_end_file_number", "Number in the name of the file an end lies in.", labels,
                  position.file_number());
    metrics.gauge("binrelay_log_end_bytes", "Position of an end in its file.", labels, position.offset);
  };
  add_end("written", report.written);
  add_end("durable", report.durable);
  add_end("visible", report.visible);
  const EventLog::Counters& counters = report.counters;
  metrics.gauge("binrelay_log_failed", "1: the disk refuses to store more; what is stored stays served.", stream,
                std::uint64_t{!report.log_failure.empty()});
  metrics.gauge("binrelay_log_files", "Binlog files stored.", stream, report.segments);
  metrics.gauge("binrelay_log_bytes", "Bytes stored.", stream, report.log_bytes);
  metrics.gauge("binrelay_log_oldest_timestamp_seconds", "When the oldest stored file begins; 0: there is none.",
                stream, unsigned_time(report.retention.oldest_time));
  metrics.counter("binrelay_purged_files_total", "Files removed since the start.", stream,
                  report.retention.purged_files);
  metrics.counter("binrelay_purged_bytes_total", "Bytes of the files removed since the start.", stream,
                  report.retention.purged_bytes);
  metrics.counter("binrelay_received_bytes_total", "Bytes of events stored since the start.", stream, counters.bytes);
  metrics.counter("binrelay_received_transactions_total", "Transactions stored since the start.", stream,
                  counters.transactions);
  metrics.counter("binrelay_received_events_total", "Events stored since the start.", stream, counters.events);
  metrics.gauge("binrelay_log_last_event_timestamp_seconds", "When the source wrote the last transaction; 0: none yet.",
                stream, std::uint64_t{counters.last_event_timestamp});
  metrics.gauge("binrelay_log_last_sync_timestamp_seconds", "When something last became durable; 0: not yet.", stream,
                unsigned_time(counters.last_synced_at));
  metrics.histogram("binrelay_log_sync_seconds", "How long fdatasync of the log took.", stream, report.sync_times);
  metrics.counter("binrelay_log_gaps_total", "Files refused because transactions are missing before them.", stream,
                  counters.gaps);
  metrics.counter("binrelay_log_bad_blocks_total", "Stored blocks found damaged.", stream, counters.bad_blocks);
  if (report.disk_free)
    metrics.gauge("binrelay_disk_free_bytes", "Free on the disk of the log.", stream, *report.disk_free);
  if (report.disk_total)
    metrics.gauge("binrelay_disk_total_bytes", "Size of the disk of the log.", stream, *report.disk_total);
}

void add_consumer(MetricsText& metrics, const ConsumerReport& report, const Labels& stream) {
  const ConnectionEntry& entry = report.connection;
  Labels labels = with(stream, "user", entry.user);
  labels.emplace_back("id", std::to_string(entry.id));
  labels.emplace_back("server_id", std::to_string(static_cast<std::uint32_t>(entry.server_id)));
  metrics.gauge("binrelay_consumer_lag_bytes", "Bytes that wait for a consumer.", labels, report.lag_bytes);
  if (report.lag_seconds) {
    metrics.gauge("binrelay_consumer_lag_seconds",
                  "0 at the end, else the age of the event a consumer was last sent. Absent: none sent yet.", labels,
                  *report.lag_seconds);
  }
  metrics.counter("binrelay_consumer_sent_bytes_total", "Bytes sent to a consumer.", labels, report.sent_bytes);
  metrics.gauge("binrelay_consumer_last_progress_timestamp_seconds", "When a consumer last took something.", labels,
                unsigned_time(report.last_progress));
}

void add_connections(MetricsText& metrics, const StreamReport& report, const Labels& stream) {
  const ConnectionCounts& counts = report.connections;
  metrics.gauge("binrelay_connections", "Connections now.", stream, std::uint64_t{report.consumers.size()});
  metrics.counter("binrelay_connections_accepted_total", "Connections accepted.", stream, counts.accepted);
  metrics.counter("binrelay_connections_turned_away_total", "Connections refused because a limit was reached.", stream,
                  counts.turned_away);
  metrics.counter("binrelay_logins_refused_total", "Logins refused: wrong password, unknown account.", stream,
                  counts.refused_logins);
  metrics.counter("binrelay_logins_unfinished_total", "Logins given up, or not done within the deadline.", stream,
                  counts.unfinished_logins);
  metrics.counter("binrelay_slow_consumers_ended_total", "Consumers ended because they read nothing for too long.",
                  stream, counts.slow_consumers_ended);
}

void add_rule(MetricsText& metrics, const Labels& stream, const std::string& name, const RuleCount& count) {
  const Labels rule = with(stream, "rule", name);
  const Labels passed = with(rule, "result", "passed"), dropped = with(rule, "result", "dropped");
  constexpr const char* kEvents =
      "Row events judged by a filter rule, over all consumers; rule 0: no rule names the table; others: all that came "
      "later than the first 200.";
  constexpr const char* kBytes = "Bytes of these row events.";
  constexpr const char* kRows =
      "Rows in them, but for rule 0 and for what binrelay_filter_row_events_uncounted_total counts.";
  metrics.counter("binrelay_filter_row_events_total", kEvents, passed, count.tally.events_passed);
  metrics.counter("binrelay_filter_row_events_total", kEvents, dropped, count.tally.events_dropped);
  metrics.counter("binrelay_filter_row_bytes_total", kBytes, passed, count.tally.bytes_passed);
  metrics.counter("binrelay_filter_row_bytes_total", kBytes, dropped, count.tally.bytes_dropped);
  metrics.counter("binrelay_filter_rows_total", kRows, passed, count.tally.rows_passed);
  metrics.counter("binrelay_filter_rows_total", kRows, dropped, count.tally.rows_dropped);
  metrics.counter("binrelay_filter_row_events_uncounted_total",
                  "Row events whose rows were not counted: large, or compressed by MariaDB.", rule,
                  count.tally.events_uncounted);
  metrics.gauge("binrelay_filter_last_match_timestamp_seconds", "When a filter rule last judged something.", rule,
                unsigned_time(count.last_match));
}

// As many series as kRuleSeries, however many rules there are; which rules have their own never changes, so that
// nothing that counts up goes down.
void add_rules(MetricsText& metrics, const StreamReport& report, const Labels& stream) {
  constexpr std::size_t kRuleSeries = 200;
  RuleCount others = report.other_rules;
  for (const auto& [id, count] : report.rules) {
    if (count.order < kRuleSeries) {
      add_rule(metrics, stream, std::to_string(id), count);
      continue;
    }
    others.tally += count.tally;
    others.last_match = std::max(others.last_match, count.last_match);
  }
  if (others.last_match != 0) add_rule(metrics, stream, "others", others);
}

// The second number of /proc/self/statm: resident pages (proc(5)).
std::uint64_t resident_bytes() {
  std::uint64_t size = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> size >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

void add_stream_metrics(MetricsText& metrics, const StreamReport& report) {
  const Labels stream{{"stream", report.name}};
  add_source(metrics, report, stream);
  add_log(metrics, report, stream);
  add_connections(metrics, report, stream);
  add_rules(metrics, report, stream);
  for (const ConsumerReport& consumer : report.consumers) {
    if (consumer.dumps) add_consumer(metrics, consumer, stream);
  }
}

void add_closed_stream_metrics(MetricsText& metrics, const std::string& name) {
  add_ready(metrics, {{"stream", name}}, false);
}

void add_process_metrics(MetricsText& metrics, std::int64_t started_at) {
  metrics.gauge("binrelay_build_info", "1; the version is the label.", {{"version", kVersion}}, std::uint64_t{1});
  metrics.gauge("process_start_time_seconds", "When the relay started.", {}, unsigned_time(started_at));
  metrics.gauge("process_resident_memory_bytes", "Memory the relay occupies.", {}, resident_bytes());
}

}  // namespace binrelay
