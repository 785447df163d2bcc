#pragma once
// UserDirectory: the accounts that may log in, and what full caching_sha2 logins have taught us
// (SHA256(SHA256(password)), in memory only). Thread: any (one mutex). Owner: Stream.
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "protocol/conversation/server_handshake.h"
#include "relay/config/relay_config.h"

namespace binrelay {

class UserDirectory {
 public:
  explicit UserDirectory(const std::vector<AccountConfig>& accounts) {
    for (const auto& account : accounts) {
      accounts_.emplace(account.user, AccountCredentials{account.password, std::nullopt});
      if (account.may_purge) purgers_.insert(account.user);
    }
  }

  std::optional<AccountCredentials> find(const std::string& user) const {
    const std::lock_guard lock(mutex_);
    const auto found = accounts_.find(user);
    if (found == accounts_.end()) return std::nullopt;
    return found->second;
  }

  void remember(const std::string& user, const Sha256Digest& digest) {
    const std::lock_guard lock(mutex_);
    if (const auto found = accounts_.find(user); found != accounts_.end()) found->second.remembered = digest;
  }

  bool may_purge(const std::string& user) const { return purgers_.contains(user); }

 private:
  std::set<std::string> purgers_;  // never changes
  mutable std::mutex mutex_;
  std::map<std::string, AccountCredentials> accounts_;
};

}  // namespace binrelay
