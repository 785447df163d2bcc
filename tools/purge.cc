// binrelay purge: removes a stopped relay's oldest files. A running one is told with PURGE BINARY LOGS.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "storage/offline_purge.h"
#include "tools/console.h"
#include "tools/stream_directory.h"
#include "tools/subcommands.h"

namespace binrelay {

int purge(const PurgeOptions& options) {
  const Result<std::filesystem::path> directory = find_stream_directory(options.archive);
  if (!directory.ok()) return problem(directory.error());
  const auto purged = purge_offline(*directory, options.to);
  if (!purged.ok()) return problem(purged.error());
  if (options.archive.json) {
    print_json({{"ok", true}, {"files", purged->files}, {"bytes", purged->bytes}});
  } else if (purged->files.empty()) {
    std::printf("%s is the oldest file: nothing was removed\n", options.to.c_str());
  } else {
    std::printf("removed %s, %s to %s, %s; the oldest is %s now\n",
                count_text(purged->files.size(), "file", "files").c_str(), purged->files.front().c_str(),
                purged->files.back().c_str(), size_text(purged->bytes).c_str(), options.to.c_str());
  }
  return kExitOk;
}

}  // namespace binrelay
