#pragma once
// The dates and times of statements.
#include <cstdint>
#include <optional>
#include <string_view>

namespace binrelay {

// Unix seconds of '2026-11-22', '2026-11-22 10:00:00', '2026-11-22T10:00:00.5' in `time_zone`: an offset such as
// +08:00, UTC, or SYSTEM, which is this machine's. nullopt: no date, or a zone by another name.
std::optional<std::int64_t> unix_time_of(std::string_view text, std::string_view time_zone);

}  // namespace binrelay
