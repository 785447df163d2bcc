#pragma once
// Privileges: what an account may do, named as MySQL names it (MySQL manual, "Privileges Provided by MySQL").
#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "protocol/result.h"

namespace binrelay {

enum class Privilege : std::uint8_t {
  replication_slave,   // dumps, SHOW BINLOG EVENTS, SHOW REPLICAS
  replication_client,  // names, positions and GTIDs: SHOW BINARY LOGS, @@gtid_executed, SHOW REPLICA STATUS …
  binlog_admin,        // PURGE BINARY LOGS
  process,             // SHOW PROCESSLIST shows the connections of all accounts; tables of how pages are compressed
};

class Privileges {
 public:
  constexpr Privileges() = default;
  constexpr Privileges(std::initializer_list<Privilege> privileges) {
    for (const Privilege privilege : privileges) add(privilege);
  }
  constexpr void add(Privilege privilege) { bits_ |= bit(privilege); }
  constexpr bool has(Privilege privilege) const { return (bits_ & bit(privilege)) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  bool operator==(const Privileges&) const = default;

 private:
  static constexpr unsigned bit(Privilege privilege) { return 1u << static_cast<unsigned>(privilege); }
  unsigned bits_ = 0;
};

// What an account has that names no privileges: a replica needs no more.
inline constexpr Privileges kReplicaPrivileges{Privilege::replication_slave, Privilege::replication_client};

// "REPLICATION SLAVE", "BINLOG_ADMIN", and MariaDB's "BINLOG MONITOR" and "BINLOG ADMIN"; in any case.
Result<Privilege> parse_privilege(std::string_view name);

}  // namespace binrelay
