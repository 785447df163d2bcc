#pragma once
// Errors of statements, with mysqld's codes, SQLSTATEs and words where clients know them (MySQL manual, "Server Error
// Message Reference").
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/ids.h"
#include "protocol/packet/replies.h"
#include "protocol/sql/statement.h"
#include "storage/source_identity.h"

namespace binrelay {

// What an account may lack the privilege for.
enum class Access : std::uint8_t {
  binlog_names,
  binlog_events,
  replicas,
  replica_status,
  page_compression,
  dump,
  purge
};

SqlError syntax_error(Flavour flavour, const ParseError& error);               // 1064
SqlError empty_query();                                                        // 1065
SqlError unknown_variable(std::string_view name);                              // 1193
SqlError variable_is_global(std::string_view name);                            // 1229: SET x
SqlError variable_is_not_of_session(std::string_view name);                    // 1238: @@session.x
SqlError variable_is_read_only(std::string_view name);                         // 1238
SqlError wrong_variable_value(std::string_view name, std::string_view value);  // 1231
SqlError wrong_variable_type(std::string_view name);                           // 1232
SqlError unknown_character_set(std::string_view name);                         // 1115
SqlError unknown_column(Flavour flavour, std::string_view name);               // 1054
SqlError unknown_function(std::string_view database, std::string_view name);   // 1305; database: the session's
SqlError wrong_argument_count(std::string_view function);                      // 1582
SqlError number_out_of_range(std::string_view kind);                           // 1690
SqlError malformed_gtid_text(std::string_view text);                           // 1772
SqlError too_many_user_variables();                                            // 1105
SqlError variable_too_long(std::string_view name);                             // 1105
SqlError variable_was_lost(std::string_view name);                             // 1053: replicas connect again
SqlError expression_too_long();                                                // 1105
SqlError unknown_database(std::string_view name);                              // 1049
SqlError unknown_thread(std::uint64_t id);                                     // 1094
SqlError not_owner_of_thread(std::uint64_t id);                                // 1095
SqlError no_database_selected();                                               // 1046
SqlError unknown_table(Flavour flavour, std::string_view database, std::string_view table);         // 1146; 1109
SqlError database_denied(std::string_view user, std::string_view host, std::string_view database);  // 1044
// 1142; `command` is SELECT or SHOW.
SqlError table_denied(Flavour flavour, std::string_view command, std::string_view user, std::string_view host,
                      std::string_view database, std::string_view table);
SqlError unknown_command();                                                                        // 1047
SqlError malformed_packet();                                                                       // 1835
SqlError packet_too_large();                                                                       // 1153
SqlError long_data_too_long();                                                                     // 1105
SqlError long_data_misplaced(Flavour flavour);                                                     // 1210
SqlError malformed_execution(Flavour flavour);                                                     // 1835; 1210
SqlError unknown_prepared_statement(Flavour flavour, std::uint32_t id, std::string_view command);  // 1243
SqlError too_many_placeholders();                                                                  // 1390
SqlError no_open_cursor(Flavour flavour, std::uint32_t id);                                        // 1421
SqlError too_many_prepared_statements(std::size_t limit);                                          // 1461
SqlError binlog_events_failed(std::string_view problem);                                           // 1220
SqlError no_binary_logging();                                                                      // 1381
SqlError unknown_binary_log();                                                                     // 1373
SqlError access_denied(Access access, const SourceIdentity& source);                               // 1227
SqlError refused_by_view(std::string_view what);                                                   // 1227
SqlError purge_failed(std::string_view why);                                                       // 1378
SqlError refused_by_relay(std::string_view what);  // 1290: names this program and where to go

}  // namespace binrelay
