#pragma once
// What a QUERY event of the binlog is to a filter. The texts are the server's own or the client's; unknown ones count
// as DDL of no table.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/filter/view_rules.h"

namespace binrelay {

enum class QueryKind : std::uint8_t {
  begin,      // BEGIN
  end,        // COMMIT, ROLLBACK
  savepoint,  // SAVEPOINT, ROLLBACK TO, RELEASE SAVEPOINT
  xa_start,
  xa_end,
  xa_finish,  // XA COMMIT, XA ROLLBACK of a prepared one
  ddl,
  dml,
  comment,  // no statement at all
};

struct QueryTable {
  std::string database, table;
};

struct QueryReading {
  QueryKind kind = QueryKind::ddl;
  std::vector<QueryTable> tables;      // ddl: the tables it names as its objects
  std::vector<std::string> databases;  // ddl: CREATE, ALTER, DROP DATABASE
  std::string xa_id;                   // xa_finish: as xa_id_text() writes it
};

// `database`: of the event, for names that have none. Reads no further than the first few kilobytes of a DML.
QueryReading read_query(std::string_view text, std::string_view database);

bool ddl_passes(const QueryReading& query, const ViewRules& rules, DdlView view);

}  // namespace binrelay
