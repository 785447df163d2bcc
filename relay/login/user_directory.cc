#include "relay/login/user_directory.h"

#include <algorithm>
#include <utility>

namespace binrelay {

void UserDirectory::replace(const std::vector<AccountConfig>& accounts) {
  std::vector<Entry> next;
  next.reserve(accounts.size());
  for (const AccountConfig& account : accounts) next.push_back({std::make_shared<const AccountConfig>(account), {}});
  std::stable_sort(next.begin(), next.end(), [](const Entry& left, const Entry& right) {
    return left.account->host.rank() > right.account->host.rank();
  });
  const std::lock_guard lock(mutex_);
  for (Entry& entry : next) {
    if (const auto known = find_entry(*entry.account); known != accounts_.end()) entry.remembered = known->remembered;
  }
  accounts_ = std::move(next);
}

std::shared_ptr<const AccountConfig> UserDirectory::find(std::string_view user, std::string_view address) const {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(accounts_.begin(), accounts_.end(), [&](const Entry& entry) {
    return entry.account->user == user && entry.account->host.matches(address);
  });
  return found == accounts_.end() ? nullptr : found->account;
}

AccountCredentials UserDirectory::credentials(const AccountConfig& account) const {
  const std::lock_guard lock(mutex_);
  const auto entry = find_entry(account);
  return {account.password, entry != accounts_.end() ? entry->remembered : std::nullopt};
}

void UserDirectory::remember(const AccountConfig& account, const Sha256Digest& digest) {
  const std::lock_guard lock(mutex_);
  const auto entry = find_entry(account);
  if (entry != accounts_.end()) accounts_[static_cast<std::size_t>(entry - accounts_.begin())].remembered = digest;
}

// The same account with the same password: it may have been replaced in between.
std::vector<UserDirectory::Entry>::const_iterator UserDirectory::find_entry(const AccountConfig& account) const {
  return std::find_if(accounts_.begin(), accounts_.end(), [&](const Entry& entry) {
    return entry.account->user == account.user && entry.account->host == account.host &&
           entry.account->password.plugin == account.password.plugin &&
           entry.account->password.text == account.password.text;
  });
}

}  // namespace binrelay
