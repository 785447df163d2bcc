#pragma once
// Errors of statements about table definitions that do not come from the source itself: the relay's own, with the codes
// of the nearest ones of mysqld.
#include <cstddef>

#include "protocol/packet/replies.h"

namespace binrelay {

SqlError too_many_metadata_questions(std::size_t at_once);  // 1040
SqlError metadata_question_interrupted();                   // 1105
SqlError source_refuses_metadata_user();                    // 1105
SqlError source_unreachable();                              // 1105
SqlError source_gave_no_answer();                           // 1105
SqlError too_many_metadata_rows(std::size_t limit);         // 1104

}  // namespace binrelay
