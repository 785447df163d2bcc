// binrelay passwd: a password in, its hash for the configuration out.
#include <unistd.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "tools/console.h"
#include "tools/credentials.h"
#include "tools/subcommands.h"

namespace binrelay {
namespace {

Result<std::string> new_password() {
  if (::isatty(STDIN_FILENO) != 1) return read_password_line();
  BINRELAY_ASSIGN(std::string password, ask_password("Password: "));
  BINRELAY_ASSIGN(const std::string again, ask_password("Again: "));
  if (password != again) return Error{Errc::refused, "the two passwords differ"};
  return password;
}

}  // namespace

int passwd(const PasswdOptions& options) {
  const Result<std::string> password = new_password();
  if (!password.ok()) return problem(password.error());
  if (password->empty()) return problem({Errc::refused, "an empty password lets everybody in"});
  const std::string_view plugin = options.plugin == "native" ? kNativePassword : kCachingSha2Password;
  const std::string hash = hash_password(plugin, *password);
  if (options.json) {
    print_json({{"plugin", plugin}, {"hash", hash}});
  } else {
    std::printf("%s\n", hash.c_str());
  }
  return kExitOk;
}

}  // namespace binrelay
