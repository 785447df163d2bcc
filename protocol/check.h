#pragma once
// BINRELAY_CHECK: an invariant that holds in release builds too. A broken one stops the process with file, line and a
// message: a relay that goes on with a wrong belief is worse than one that restarts.
#include <cstdio>
#include <cstdlib>

namespace binrelay {

[[noreturn]] inline void check_failed(const char* condition, const char* message, const char* file, int line) {
  std::fprintf(stderr, "binrelay: internal check failed: %s (%s) at %s:%d\n", message, condition, file, line);
  std::abort();
}

}  // namespace binrelay

#define BINRELAY_CHECK(condition, message)                               \
  do {                                                                   \
    if (!(condition)) [[unlikely]]                                       \
      ::binrelay::check_failed(#condition, message, __FILE__, __LINE__); \
  } while (false)
