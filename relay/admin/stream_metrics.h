#pragma once
// A stream's report as samples for /metrics.
#include "relay/admin/metrics_text.h"
#include "relay/stream_report.h"

namespace binrelay {

void add_stream_metrics(MetricsText& metrics, const StreamReport& report);
void add_closed_stream_metrics(MetricsText& metrics, const std::string& name);
// Of the process: version, start, memory.
void add_process_metrics(MetricsText& metrics, std::int64_t started_at);

}  // namespace binrelay
