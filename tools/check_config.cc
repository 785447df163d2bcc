// binrelay check-config: every mistake of a configuration file at once.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "relay/config/relay_config.h"
#include "tools/console.h"
#include "tools/subcommands.h"

namespace binrelay {

int check_config(const CheckConfigOptions& options) {
  RelayConfig config;
  const std::vector<ConfigProblem> problems = load_config(options.config, &config);
  if (options.json) {
    auto listed = nlohmann::json::array();
    for (const ConfigProblem& found : problems) listed.push_back({{"line", found.line}, {"text", found.text}});
    print_json({{"ok", problems.empty()}, {"file", options.config}, {"problems", listed}});
  } else {
    for (const ConfigProblem& found : problems)
      complain(options.config + ":" + std::to_string(found.line) + ": " + found.text);
    if (problems.empty()) {
      std::printf("%s: ok, %s\n", options.config.c_str(),
                  count_text(config.streams.size(), "stream", "streams").c_str());
    }
  }
  return problems.empty() ? kExitOk : kExitProblem;
}

}  // namespace binrelay
