#pragma once

namespace binrelay {

inline constexpr const char* kVersion = "0.1.0";

}  // namespace binrelay
