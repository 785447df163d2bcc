#pragma once
// A stream's report as `binrelay status --json` prints it.
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "relay/stream_report.h"

namespace binrelay {

// `executed`: the GTIDs it holds, as text.
nlohmann::json stream_json(const StreamReport& report, const std::string& executed);

}  // namespace binrelay
