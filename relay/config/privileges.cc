#include "relay/config/privileges.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "protocol/wire/ascii.h"

namespace binrelay {

namespace {

constexpr std::array kPrivilegeNames{
    std::pair<std::string_view, Privilege>{"REPLICATION SLAVE", Privilege::replication_slave},
    std::pair<std::string_view, Privilege>{"REPLICATION CLIENT", Privilege::replication_client},
    std::pair<std::string_view, Privilege>{"BINLOG MONITOR", Privilege::replication_client},
    std::pair<std::string_view, Privilege>{"BINLOG_ADMIN", Privilege::binlog_admin},
    std::pair<std::string_view, Privilege>{"BINLOG ADMIN", Privilege::binlog_admin},
    std::pair<std::string_view, Privilege>{"PROCESS", Privilege::process},
};

}  // namespace

Result<Privilege> parse_privilege(std::string_view name) {
  const auto same = [&](const auto& known) {
    return std::equal(name.begin(), name.end(), known.first.begin(), known.first.end(),
                      [](char given, char expected) { return upper(given) == expected; });
  };
  const auto found = std::find_if(kPrivilegeNames.begin(), kPrivilegeNames.end(), same);
  if (found != kPrivilegeNames.end()) return found->second;
  return Error{Errc::malformed, "'" + std::string(name) +
                                    "' is no privilege that binrelay knows: REPLICATION SLAVE, REPLICATION CLIENT, "
                                    "BINLOG_ADMIN and PROCESS"};
}

}  // namespace binrelay
