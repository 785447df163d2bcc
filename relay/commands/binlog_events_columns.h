#pragma once
// The columns of SHOW BINLOG EVENTS, without rows.
#include "protocol/packet/replies.h"

namespace binrelay {

inline ResultSet binlog_events_columns() {
  return {{{"Log_name"},
           {"Pos", ColumnType::longlong, true},
           {"Event_type"},
           {"Server_id", ColumnType::longlong, true},
           {"End_log_pos", ColumnType::longlong, true},
           {"Info"}},
          {}};
}

}  // namespace binrelay
