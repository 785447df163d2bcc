#pragma once
// RetentionReport: what `binrelay status` and /metrics show of a stream's retention.
#include <cstdint>
#include <string>
#include <vector>

#include "relay/config/relay_config.h"
#include "relay/retention/consumer_memory.h"

namespace binrelay {

struct RetentionReport {
  struct Waiting {
    RememberedConsumer consumer;
    std::string file;  // the oldest that is kept for it
    std::int64_t seconds_left = 0;
  };
  RetentionConfig config;
  std::int64_t oldest_time = 0;                      // unix seconds: the oldest file begins; 0: there is none
  std::uint64_t purged_files = 0, purged_bytes = 0;  // since the start
  std::int64_t last_purge = 0;                       // unix seconds; 0: none
  std::vector<Waiting> waited_for;                   // consumers that have gone away
};

}  // namespace binrelay
