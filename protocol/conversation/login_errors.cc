#include "protocol/conversation/login_errors.h"

#include <string>

namespace binrelay {

// These two come before the client has said that it knows of SQLSTATEs.
SqlError too_many_connections() { return {1040, "", "Too many connections"}; }
SqlError bad_handshake() { return {1043, "", "Bad handshake"}; }

SqlError too_many_connections_of(std::string_view user) {
  return {1203, "42000",
          "User " + std::string(user) + " already has more than 'max_user_connections' active connections"};
}

SqlError bad_change_of_user() { return {1047, "08S01", "Unknown command"}; }

SqlError old_authentication(Flavour flavour) {
  return {1251, "08004",
          "Client does not support authentication protocol requested by server; consider upgrading " +
              std::string(to_text(flavour)) + " client"};
}

SqlError login_denied(std::string_view user, std::string_view host, bool with_password) {
  return {1045, "28000",
          "Access denied for user '" + std::string(user) + "'@'" + std::string(host) +
              "' (using password: " + (with_password ? "YES" : "NO") + ")"};
}

}  // namespace binrelay
