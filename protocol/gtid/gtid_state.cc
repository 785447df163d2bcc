#include "protocol/gtid/gtid_state.h"

#include "protocol/check.h"

namespace binrelay {
namespace {

bool mariadb_contains(const MariadbBinlogState& state, const MariadbGtid& gtid) {
  const auto sequence = state.sequence_of(gtid.domain, gtid.server);
  return sequence && *sequence >= gtid.sequence;
}

bool continues(const GtidRun& run, const AnyGtid& gtid) {
  if (run.first.index() != gtid.index()) return false;
  if (const auto* mysql = std::get_if<MysqlGtid>(&gtid)) {
    const auto& first = std::get<MysqlGtid>(run.first);
    return mysql->number == first.number + run.count && mysql->source == first.source;
  }
  const auto& mariadb = std::get<MariadbGtid>(gtid);
  const auto& first = std::get<MariadbGtid>(run.first);
  return mariadb.sequence == first.sequence + run.count && mariadb.domain == first.domain &&
         mariadb.server == first.server;
}

}  // namespace

void append_gtid(std::vector<GtidRun>& runs, const AnyGtid& gtid) {
  if (!runs.empty() && continues(runs.back(), gtid))
    ++runs.back().count;
  else
    runs.push_back({gtid, 1});
}

void add(GtidState& state, const GtidRun& run) {
  BINRELAY_CHECK(state.index() == run.first.index(), "GTIDs join a state of their own flavour");
  if (auto* mysql = std::get_if<MysqlGtidSet>(&state)) {
    const auto& first = std::get<MysqlGtid>(run.first);
    mysql->add(first.source, {first.number, first.number + run.count});
    return;
  }
  MariadbGtid last = std::get<MariadbGtid>(run.first);
  last.sequence += run.count - 1;
  std::get<MariadbBinlogState>(state).add(last);
}

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

bool is_empty(const GtidState& state) {
  return std::visit([](const auto& held) { return held.empty(); }, state);
}

bool contains(const GtidState& state, const AnyGtid& gtid) {
  if (state.index() != gtid.index()) return false;
  if (const auto* mysql = std::get_if<MysqlGtidSet>(&state)) return mysql->contains(std::get<MysqlGtid>(gtid));
  return mariadb_contains(std::get<MariadbBinlogState>(state), std::get<MariadbGtid>(gtid));
}

GtidState lacking(const GtidState& wanted, const GtidState& held) {
  if (wanted.index() != held.index()) return wanted;
  if (const auto* mysql = std::get_if<MysqlGtidSet>(&wanted)) return difference(*mysql, std::get<MysqlGtidSet>(held));
  MariadbBinlogState missing;
  for (const MariadbGtid& gtid : std::get<MariadbBinlogState>(wanted).to_list()) {
    if (!mariadb_contains(std::get<MariadbBinlogState>(held), gtid)) missing.add(gtid);
  }
  return missing;
}

GtidState joined(const GtidState& first, const GtidState& read) {
  BINRELAY_CHECK(first.index() == read.index(), "GTID states of one flavour are joined");
  if (const auto* mysql = std::get_if<MysqlGtidSet>(&first)) {
    MysqlGtidSet all = *mysql;
    all.add(std::get<MysqlGtidSet>(read));
    return all;
  }
  // A domain's last is `first`'s until the series has got past it.
  const auto& had = std::get<MariadbBinlogState>(first);
  MariadbBinlogState all = had;
  for (const MariadbGtid& gtid : std::get<MariadbBinlogState>(read).to_list()) {
    if (!mariadb_contains(had, gtid)) all.add(gtid);
  }
  return all;
}

}  // namespace binrelay
