#include "protocol/gtid/gtid_state.h"

#include "protocol/check.h"

namespace binrelay {

std::string to_text(const GtidState& state) {
  return std::visit([](const auto& held) { return held.to_text(); }, state);
}

std::string to_text(const AnyGtid& gtid) {
  return std::visit([](const auto& held) { return to_text(held); }, gtid);
}

void add(GtidState& state, const AnyGtid& gtid) {
  BINRELAY_CHECK(state.index() == gtid.index(), "a GTID joins a state of its own flavour");
  if (auto* mysql = std::get_if<MysqlGtidSet>(&state)) {
    mysql->add(std::get<MysqlGtid>(gtid));
  } else {
    std::get<MariadbBinlogState>(state).add(std::get<MariadbGtid>(gtid));
  }
}

GtidState empty_state(Flavour flavour) {
  if (flavour == Flavour::mysql) return MysqlGtidSet{};
  return MariadbBinlogState{};
}

}  // namespace binrelay
