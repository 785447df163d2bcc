#pragma once
// The account that `binrelay serve --source` makes for replicas at first start, so that one command is enough to begin.
// <data_dir>/account, mode 0600, holds its name and its hash; the password is shown once and kept nowhere.
#include <filesystem>
#include <string>

#include "protocol/result.h"
#include "relay/config/relay_config.h"
#include "tools/source_greeting.h"

namespace binrelay {

// Reads the account, or Errc::not_found when there is none yet.
Result<AccountConfig> read_account(const std::filesystem::path& data_dir);

struct NewAccount {
  AccountConfig account;
  std::string password;
};
// Makes one with a random password in the plugin that replicas of the source's kind speak, and stores it (creating
// data_dir).
Result<NewAccount> create_account(const std::filesystem::path& data_dir, const SourceVersion& source);

// The statements that make a server a replica of this relay, in the words of its version.
std::string replica_statements(const SourceVersion& source, const Endpoint& relay, const NewAccount& account);

}  // namespace binrelay
