#pragma once
// Errors of logins, with mysqld's codes, SQLSTATEs and words (MySQL manual, "Server Error Message Reference").
#include <string_view>

#include "protocol/ids.h"
#include "protocol/packet/replies.h"

namespace binrelay {

SqlError too_many_connections();                                                          // 1040, for a greeting
SqlError too_many_connections_of(std::string_view user);                                  // 1203
SqlError bad_handshake();                                                                 // 1043
SqlError bad_change_of_user();                                                            // 1047
SqlError old_authentication(Flavour flavour);                                             // 1251
SqlError login_denied(std::string_view user, std::string_view host, bool with_password);  // 1045

}  // namespace binrelay
