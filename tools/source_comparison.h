#pragma once
// A stream's log beside a source as it is now: what `switch-source` and `export` decide on.
#include <filesystem>
#include <string>

#include "protocol/gtid/gtid_state.h"
#include "relay/config/relay_config.h"
#include "relay/upstream/source_facts.h"
#include "relay/upstream/upstream_plan.h"
#include "storage/archive.h"
#include "tools/subcommands.h"

namespace binrelay {

struct SourceComparison {
  Archive archive;  // the stream's log
  StreamConfig stream;
  std::filesystem::path directory;  // of the stream
  Endpoint address{};               // of the source
  SourceFacts facts{};
  SourceIdentity recorded{};  // whom the log was fed from last
  GtidState held{};           // by the log
  Relation relation = Relation::unknown;
  GtidState missing{};  // on the source
};

// Of the stream that the options mean.
Result<SourceComparison> compare_source(const SourceChangeOptions& options);

// Whether a relay is sent the transactions that follow those of its log, and so goes on there by itself: the source is
// asked for them.
Result<bool> sends_what_follows(const SourceComparison& compared);

// The loss that the operator accepts must be the loss there is: nullopt, or what is wrong with `accepted`.
std::optional<std::string> judge_accepted_loss(const SourceComparison& compared, const std::string& accepted);

}  // namespace binrelay
