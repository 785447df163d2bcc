#include "protocol/gtid/mariadb_gtid.h"

#include <charconv>

#include "protocol/limits.h"

namespace binrelay {
namespace {

Error malformed(std::string_view text) {
  return Error{Errc::malformed, "'" + std::string(text.substr(0, 64)) + "' is not a MariaDB GTID"};
}

template <class T>
bool take_number(std::string_view& text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

bool take_dash(std::string_view& text) {
  if (text.empty() || text.front() != '-') return false;
  text.remove_prefix(1);
  return true;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpaces = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kSpaces);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpaces) - begin + 1);
}

// Calls `use` with each GTID of a comma-separated list.
template <class Use>
Status for_each_gtid(std::string_view text, Use use) {
  text = trimmed(text);
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    BINRELAY_ASSIGN(const MariadbGtid gtid, parse_mariadb_gtid(trimmed(text.substr(0, comma))));
    BINRELAY_TRY(use(gtid));
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
    if (trimmed(text).empty()) return malformed("");
  }
  return Done{};
}

Error too_many_domains() {
  return Error{Errc::limit, "GTID list: more than " + std::to_string(kMaxMariadbDomains) + " entries"};
}

std::string list_text(const std::vector<MariadbGtid>& gtids) {
  std::string text;
  for (const MariadbGtid& gtid : gtids) {
    if (!text.empty()) text += ",";
    text += to_text(gtid);
  }
  return text;
}

}  // namespace

std::string to_text(const MariadbGtid& gtid) {
  return std::to_string(gtid.domain) + "-" + std::to_string(gtid.server) + "-" + std::to_string(gtid.sequence);
}

Result<MariadbGtid> parse_mariadb_gtid(std::string_view text) {
  std::string_view rest = text;
  MariadbGtid gtid;
  if (take_number(rest, gtid.domain) && take_dash(rest) && take_number(rest, gtid.server) && take_dash(rest) &&
      take_number(rest, gtid.sequence) && rest.empty()) {
    return gtid;
  }
  return malformed(text);
}

Result<MariadbPosition> MariadbPosition::parse(std::string_view text) {
  MariadbPosition position;
  BINRELAY_TRY(for_each_gtid(text, [&](const MariadbGtid& gtid) -> Status {
    const auto [listed, fresh] = position.last_.emplace(gtid.domain, gtid);
    if (!fresh) {
      return Error{Errc::conflict, "GTID " + binrelay::to_text(gtid) + " and " + binrelay::to_text(listed->second) +
                                       " conflict (duplicate domain id " + std::to_string(gtid.domain) + ")"};
    }
    if (position.last_.size() > kMaxMariadbDomains) return too_many_domains();
    return Done{};
  }));
  return position;
}

std::string MariadbPosition::to_text() const {
  std::vector<MariadbGtid> gtids;
  for (const auto& [domain, gtid] : last_) gtids.push_back(gtid);
  return list_text(gtids);
}

std::optional<MariadbGtid> MariadbPosition::at(std::uint32_t domain) const {
  const auto found = last_.find(domain);
  if (found == last_.end()) return std::nullopt;
  return found->second;
}

MariadbBinlogState MariadbBinlogState::from_list(const std::vector<MariadbGtid>& gtids) {
  MariadbBinlogState state;
  for (const MariadbGtid& gtid : gtids) state.add(gtid);
  return state;
}

Result<MariadbBinlogState> MariadbBinlogState::parse(std::string_view text) {
  MariadbBinlogState state;
  std::size_t entries = 0;
  BINRELAY_TRY(for_each_gtid(text, [&](const MariadbGtid& gtid) -> Status {
    if (state.sequence_of(gtid.domain, gtid.server)) {
      return Error{Errc::malformed, "GTID list: server " + std::to_string(gtid.server) + " is listed twice in domain " +
                                        std::to_string(gtid.domain)};
    }
    if (++entries > kMaxMariadbDomains) return too_many_domains();
    state.add(gtid);
    return Done{};
  }));
  return state;
}

std::string MariadbBinlogState::to_text() const { return list_text(to_list()); }

std::vector<MariadbGtid> MariadbBinlogState::to_list() const {
  std::vector<MariadbGtid> list;
  for (const auto& [number, domain] : domains_) {
    for (const auto& [server, sequence] : domain.sequence_by_server) {
      if (server != domain.last_server) list.push_back({number, server, sequence});
    }
    list.push_back({number, domain.last_server, domain.sequence_by_server.at(domain.last_server)});
  }
  return list;
}

void MariadbBinlogState::add(const MariadbGtid& gtid) {
  Domain& domain = domains_[gtid.domain];
  domain.sequence_by_server[gtid.server] = gtid.sequence;
  domain.last_server = gtid.server;
}

MariadbPosition MariadbBinlogState::position() const {
  MariadbPosition position;
  for (const auto& [number, domain] : domains_) position.advance(*last_in(number));
  return position;
}

std::optional<MariadbGtid> MariadbBinlogState::last_in(std::uint32_t domain) const {
  const auto found = domains_.find(domain);
  if (found == domains_.end()) return std::nullopt;
  const std::uint32_t server = found->second.last_server;
  return MariadbGtid{domain, server, found->second.sequence_by_server.at(server)};
}

std::optional<std::uint64_t> MariadbBinlogState::sequence_of(std::uint32_t domain, std::uint32_t server) const {
  const auto found = domains_.find(domain);
  if (found == domains_.end()) return std::nullopt;
  const auto entry = found->second.sequence_by_server.find(server);
  if (entry == found->second.sequence_by_server.end()) return std::nullopt;
  return entry->second;
}

}  // namespace binrelay
