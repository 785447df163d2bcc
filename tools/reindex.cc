// binrelay reindex: throws a stream's index away and builds it anew. The relay must be stopped.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "storage/archive.h"
#include "tools/console.h"
#include "tools/stream_directory.h"
#include "tools/subcommands.h"

namespace binrelay {
namespace {

Status rebuild(const std::filesystem::path& directory) {
  ProgressReport progress("indexing");
  return rebuild_index(directory, progress.callback());
}

}  // namespace

int reindex(const ArchiveOptions& options) {
  const Result<std::filesystem::path> directory = find_stream_directory(options);
  if (!directory.ok()) return problem(directory.error());
  const Status rebuilt = rebuild(*directory);
  if (!rebuilt.ok()) return problem(rebuilt.error());
  if (options.json) {
    print_json({{"ok", true}, {"directory", directory->string()}});
  } else {
    std::printf("ok: the index of %s is rebuilt\n", directory->c_str());
  }
  return kExitOk;
}

}  // namespace binrelay
