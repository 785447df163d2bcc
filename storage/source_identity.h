#pragma once
// Who the source was when we last spoke to it: what consumers are shown, and what tells a switched source.
#include <cstdint>
#include <map>
#include <string>

#include "protocol/gtid/uuid.h"
#include "protocol/ids.h"

namespace binrelay {

struct SourceIdentity {
  Flavour flavour = Flavour::mysql;
  std::string version;  // as in the greeting, without MariaDB's "5.5.5-" prefix
  Uuid server_uuid;     // zeros on MariaDB, which has none
  ServerId server_id{};
  std::string gtid_mode;  // MySQL: ON, OFF, …; "" on MariaDB
  std::uint8_t lower_case_table_names = 0;
  std::string gtid_purged_at_start;  // MySQL: @@gtid_purged when the log began
  std::map<std::string, std::string>
      variables;  // binlog_format, binlog_checksum, … as SHOW GLOBAL VARIABLES prints them
  friend bool operator==(const SourceIdentity&, const SourceIdentity&) = default;
};

}  // namespace binrelay
