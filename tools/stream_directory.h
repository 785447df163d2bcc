#pragma once
// find_stream_directory: which directory of the disk an offline subcommand is about.
#include <filesystem>

#include "protocol/result.h"
#include "tools/subcommands.h"

namespace binrelay {

// <data_dir>/<stream>; the stream may be left out where there is only one. Errc::not_found says what there is instead.
Result<std::filesystem::path> find_stream_directory(const ArchiveOptions& options);

}  // namespace binrelay
