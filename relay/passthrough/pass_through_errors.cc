#include "relay/passthrough/pass_through_errors.h"

#include <cstdint>
#include <string>

namespace binrelay {
namespace {

constexpr std::uint16_t kErrorOfRelay = 1105;

}  // namespace

SqlError too_many_metadata_questions(std::size_t at_once) {
  return {1040, "08004",
          "Too many connections: " + std::to_string(at_once) +
              " statements about table definitions are being answered (limits.metadata_connections)"};
}

SqlError metadata_question_interrupted() { return {kErrorOfRelay, "HY000", "interrupted"}; }

SqlError source_refuses_metadata_user() {
  return {kErrorOfRelay, "HY000", "the source refuses the account's metadata_user; the relay's log says why"};
}

SqlError source_unreachable() {
  return {kErrorOfRelay, "HY000", "the source cannot be reached for table definitions now; the relay's log says why"};
}

SqlError source_gave_no_answer() {
  return {kErrorOfRelay, "HY000", "the connection to the source was lost, or it did not answer in time; try again"};
}

SqlError too_many_metadata_rows(std::size_t limit) {
  return {1104, "42000",
          "The answer has more than " + std::to_string(limit) + " rows (limits.metadata_rows): ask for less"};
}

}  // namespace binrelay
