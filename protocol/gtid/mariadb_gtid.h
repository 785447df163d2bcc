#pragma once
// MariaDB's GTIDs: domain-server-sequence, and the two kinds of "where": a position (last GTID per domain:
// @@gtid_slave_pos,
// @slave_connect_state) and a binlog state (last GTID per domain and server: @@gtid_binlog_state, GTID_LIST events).
// Source: MariaDB knowledge base, "Global Transaction ID".
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/bytes.h"
#include "protocol/ids.h"
#include "protocol/result.h"

namespace binrelay {

struct MariadbGtid {
  std::uint32_t domain = 0;
  std::uint32_t server = 0;
  std::uint64_t sequence = 0;
  friend auto operator<=>(const MariadbGtid&, const MariadbGtid&) = default;
};
std::string to_text(const MariadbGtid& gtid);  // "0-1-100"
Result<MariadbGtid> parse_mariadb_gtid(std::string_view text);

// Last GTID of each domain.
class MariadbPosition {
 public:
  // "0-1-100,5-2-7"; "" is empty; a domain twice is Errc::conflict, in MariaDB's words.
  static Result<MariadbPosition> parse(std::string_view text);
  std::string to_text() const;  // ascending domains, ","
  void advance(const MariadbGtid& gtid) { last_[gtid.domain] = gtid; }
  std::optional<MariadbGtid> at(std::uint32_t domain) const;
  const std::map<std::uint32_t, MariadbGtid>& domains() const { return last_; }
  bool empty() const { return last_.empty(); }
  friend bool operator==(const MariadbPosition&, const MariadbPosition&) = default;

 private:
  std::map<std::uint32_t, MariadbGtid> last_;
};

// Last sequence of each (domain, server), and which server wrote last in each domain.
class MariadbBinlogState {
 public:
  // In the order of a GTID_LIST event: of the entries of a domain the last one listed is the domain's last.
  static MariadbBinlogState from_list(const std::vector<MariadbGtid>& gtids);
  static Result<MariadbBinlogState> parse(std::string_view text);  // @@gtid_binlog_state
  std::string to_text() const;                                     // as @@gtid_binlog_state
  std::vector<MariadbGtid> to_list() const;                        // domain by domain, the domain's last entry last

  // `gtid` becomes its server's last and its domain's last, also when its sequence goes back (gtid_strict_mode=OFF), as
  // MariaDB 10.11 has it.
  void add(const MariadbGtid& gtid);
  MariadbPosition position() const;  // @@gtid_binlog_pos: the last of each domain
  std::optional<MariadbGtid> last_in(std::uint32_t domain) const;
  std::optional<std::uint64_t> sequence_of(std::uint32_t domain, std::uint32_t server) const;
  bool empty() const { return domains_.empty(); }
  friend bool operator==(const MariadbBinlogState&, const MariadbBinlogState&) = default;

 private:
  struct Domain {
    std::map<std::uint32_t, std::uint64_t> sequence_by_server;
    std::uint32_t last_server = 0;
    friend bool operator==(const Domain&, const Domain&) = default;
  };
  std::map<std::uint32_t, Domain> domains_;
};

}  // namespace binrelay
