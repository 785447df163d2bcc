#pragma once
// SessionState: what one connection has told the relay about itself: login, variables, registration.
// Thread: the session's io thread. Owner: Session.
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "protocol/ids.h"
#include "protocol/packet/commands.h"
#include "relay/config/privileges.h"

namespace binrelay {

// A row of SHOW WARNINGS.
struct SqlWarning {
  std::string level;  // Note, Warning, Error
  std::uint16_t code = 0;
  std::string text;
};

struct SessionState {
  std::uint32_t connection_id = 0;
  std::string user;
  std::string peer_host;  // address without port
  std::uint16_t peer_port = 0;
  std::uint16_t local_port = 0;  // the port dialled
  std::string database;
  std::string tls_version, tls_cipher;                               // "" without TLS
  std::map<std::string, std::string> attributes;                     // connect attributes
  std::map<std::string, std::optional<std::string>> user_variables;  // @x, names in lower case; nullopt: NULL
  std::map<std::string, std::string> session_variables;              // SET x = …, names in lower case
  std::optional<RegisterReplicaCommand> registration;                // COM_REGISTER_SLAVE
  bool has_made_statements = false;  // any since it was opened, but the SET NAMES of a library that opens it anew
  std::string account_host = "%";    // the account's: CURRENT_USER() shows it
  Privileges privileges = kReplicaPrivileges;  // of the account
  bool sees_every_event = true;                // the account has no view of its own
  bool sees_upstream = false;                  // SHOW REPLICA STATUS has a row
  std::vector<SqlWarning> warnings;            // of the last statement
};

}  // namespace binrelay
