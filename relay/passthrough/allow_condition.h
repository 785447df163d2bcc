#pragma once
// An allow-list as a condition on columns of information_schema.
#include <string>

#include "protocol/filter/allow_list.h"
#include "protocol/sql/information_schema_query.h"

namespace binrelay {

// `database` and `table`: columns, rendered. "" when everything is allowed. A row about a database shows when some
// table of it may be seen; one that belongs to a table it does not name, when all of them may. `fold` as in
// AllowList::allows.
std::string allow_condition(const AllowList& allowed, bool fold, RowSubject subject, const std::string& database,
                            const std::string& table);

}  // namespace binrelay
