#pragma once
// UserDirectory: the accounts that may log in, and what full caching_sha2 logins have taught us
// (SHA256(SHA256(password)), in memory only). Several accounts may have the same user: the narrowest host that the
// client's address fits counts, and only that one, as in MySQL.
// Thread: any (one mutex). Owner: Stream.
// Invariant: accounts_ is in the order in which they are asked.
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/conversation/server_handshake.h"
#include "relay/config/relay_config.h"

namespace binrelay {

class UserDirectory {
 public:
  explicit UserDirectory(const std::vector<AccountConfig>& accounts) { replace(accounts); }

  // From now on these; a session keeps the account it has logged in with. What was learnt of an account is kept while
  // its password stays the same.
  void replace(const std::vector<AccountConfig>& accounts);

  // Null: nobody of that name may come from there.
  std::shared_ptr<const AccountConfig> find(std::string_view user, std::string_view address) const;
  AccountCredentials credentials(const AccountConfig& account) const;
  void remember(const AccountConfig& account, const Sha256Digest& digest);

 private:
  struct Entry {
    std::shared_ptr<const AccountConfig> account;
    std::optional<Sha256Digest> remembered;
  };
  std::vector<Entry>::const_iterator find_entry(const AccountConfig& account) const;

  mutable std::mutex mutex_;
  std::vector<Entry> accounts_;
};

}  // namespace binrelay
