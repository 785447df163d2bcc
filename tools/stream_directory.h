#pragma once
// Which stream a subcommand is about, and which directory of the disk.
#include <filesystem>
#include <string>
#include <vector>

#include "protocol/result.h"
#include "relay/config/relay_config.h"
#include "tools/subcommands.h"

namespace binrelay {

// The stream of `config` (read from `file`) that is named, or the only one. Errc::refused, Errc::not_found.
Result<StreamConfig> find_stream(const RelayConfig& config, const std::string& file, const std::string& name);
// The first of them, with file and line.
Error first_of(const std::vector<ConfigProblem>& problems, const std::string& file);

// <data_dir>/<stream>; the stream may be left out where there is only one. Errc::not_found says what there is instead.
Result<std::filesystem::path> find_stream_directory(const ArchiveOptions& options);

}  // namespace binrelay
