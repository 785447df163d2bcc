// GTID sets, positions and states. The first byte says what the rest is: t text of a MySQL set, b its binary form, p a
// MariaDB position, s a MariaDB binlog state.
#include "protocol/check.h"
#include "protocol/gtid/gtid_state.h"

using namespace binrelay;

namespace {

void check_set(const MysqlGtidSet& set) {
  BINRELAY_CHECK(MysqlGtidSet::parse(set.to_text()).value() == set, "a set reads as it prints");
  BINRELAY_CHECK(MysqlGtidSet::parse(set.to_text_with_newlines()).value() == set, "newlines change nothing");
  BINRELAY_CHECK(MysqlGtidSet::decode(set.encode()).value() == set, "a set decodes as it encodes");
  BINRELAY_CHECK(set.contains_all(set) && difference(set, set).empty(), "a set holds itself");

  // Every other source, and what is left: together the set again.
  MysqlGtidSet part;
  bool take = false;
  for (const auto& [source, numbers] : set.sources()) {
    for (const NumberInterval& run : numbers.runs()) {
      if ((take = !take)) part.add(source, run);
    }
  }
  BINRELAY_CHECK(set.contains_all(part), "a set holds its parts");
  MysqlGtidSet rest = difference(set, part);
  rest.add(part);
  BINRELAY_CHECK(rest == set, "parts add up");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Bytes input = std::as_bytes(std::span(data + 1, size - 1));
  switch (data[0]) {
    case 't':
      if (const auto set = MysqlGtidSet::parse(as_text(input))) check_set(*set);
      break;
    case 'b':
      if (const auto set = MysqlGtidSet::decode(input)) {
        check_set(*set);
      }
      break;
    case 'p':
      if (const auto position = MariadbPosition::parse(as_text(input))) {
        BINRELAY_CHECK(MariadbPosition::parse(position->to_text()).value() == *position,
                       "a position reads as it prints");
      }
      break;
    case 's':
      if (const auto state = MariadbBinlogState::parse(as_text(input))) {
        BINRELAY_CHECK(MariadbBinlogState::parse(state->to_text()).value() == *state, "a state reads as it prints");
        BINRELAY_CHECK(MariadbBinlogState::from_list(state->to_list()) == *state, "a state is its list");
      }
      break;
    default:
      break;
  }
  return 0;
}
