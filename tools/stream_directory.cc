#include "tools/stream_directory.h"

#include <algorithm>
#include <vector>

#include "relay/config/relay_config.h"
#include "storage/file/file_names.h"

namespace binrelay {
namespace {

Result<std::filesystem::path> data_dir_of(const ArchiveOptions& options) {
  if (!options.data_dir.empty()) return std::filesystem::path(options.data_dir);
  // Reading an archive needs nothing of the file but where it is: its other mistakes do not matter here.
  RelayConfig config;
  const std::vector<ConfigProblem> problems = load_config(options.config, &config);
  if (config.streams.empty() && !problems.empty()) return first_of(problems, options.config);
  return config.data_dir;
}

std::vector<std::string> streams_in(const std::filesystem::path& data_dir) {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(data_dir, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code unreadable;
    if (std::filesystem::exists(StreamFiles{entry->path()}.format(), unreadable))
      names.push_back(entry->path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

Error first_of(const std::vector<ConfigProblem>& problems, const std::string& file) {
  return Error{Errc::refused, file + ":" + std::to_string(problems.front().line) + ": " + problems.front().text};
}

Result<StreamConfig> find_stream(const RelayConfig& config, const std::string& file, const std::string& name) {
  const auto named = [&](const StreamConfig& stream) { return name.empty() || stream.name == name; };
  const auto count = std::count_if(config.streams.begin(), config.streams.end(), named);
  if (count > 1) return Error{Errc::refused, "there are several streams: choose one with --stream"};
  if (count == 0) return Error{Errc::not_found, file + " has no stream '" + name + "'"};
  return *std::find_if(config.streams.begin(), config.streams.end(), named);
}

Result<std::filesystem::path> find_stream_directory(const ArchiveOptions& options) {
  BINRELAY_ASSIGN(const std::filesystem::path data_dir, data_dir_of(options));
  if (!options.stream.empty()) {
    std::error_code error;
    if (is_safe_stream_name(options.stream) && std::filesystem::is_directory(data_dir / options.stream, error)) {
      return data_dir / options.stream;
    }
    return Error{Errc::not_found,
                 data_dir.string() + " has no stream '" + options.stream + "'" + (error ? ": " + error.message() : "")};
  }
  const std::vector<std::string> names = streams_in(data_dir);
  if (names.size() == 1) return data_dir / names.front();
  if (names.empty()) return Error{Errc::not_found, "no stream in " + data_dir.string()};
  std::string all;
  for (const std::string& name : names) all += " " + name;
  return Error{Errc::not_found, data_dir.string() + " has several streams, choose one with --stream:" + all};
}

}  // namespace binrelay
