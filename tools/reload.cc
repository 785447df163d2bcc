// binrelay reload: tells a running relay to read its accounts and certificates again.
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "relay/config/relay_config.h"
#include "tools/console.h"
#include "tools/pid_file.h"
#include "tools/subcommands.h"

namespace binrelay {

// A configuration that the relay would refuse is refused here, where somebody reads it.
int reload(const ReloadOptions& options) {
  std::filesystem::path data_dir = options.data_dir;
  if (data_dir.empty() == options.config.empty()) return usage_error("give one of --data-dir and --config");
  if (!options.config.empty()) {
    RelayConfig config;
    const std::vector<ConfigProblem> problems = load_config(options.config, &config);
    for (const ConfigProblem& found : problems)
      complain(options.config + ":" + std::to_string(found.line) + ": " + found.text);
    if (!problems.empty()) return kExitProblem;
    data_dir = config.data_dir;
  }
  const Result<pid_t> pid = PidFile::find(data_dir);
  if (!pid.ok()) return problem(pid.error());
  if (::kill(*pid, SIGHUP) != 0)
    return problem(Error{Errc::io, "process " + std::to_string(*pid) + ": " + std::strerror(errno)});
  std::printf("process %d reads accounts and certificates again; its log says what came of it\n",
              static_cast<int>(*pid));
  return kExitOk;
}

}  // namespace binrelay
