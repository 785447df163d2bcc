#include "storage/continuity.h"

#include <set>

#include "protocol/limits.h"

namespace binrelay {
namespace {

std::string shortened(const std::string& text) {
  return text.size() <= kMaxErrorText ? text : text.substr(0, kMaxErrorText) + "…";
}

std::optional<std::string> mysql_break(const MysqlGtidSet& expected, const MysqlGtidSet& found) {
  if (expected == found) return std::nullopt;
  const MysqlGtidSet missing = difference(found, expected);
  const MysqlGtidSet lost = difference(expected, found);
  std::string text;
  if (!missing.empty()) text += "it presumes " + shortened(missing.to_text()) + ", which the files before do not have";
  if (!lost.empty())
    text += (text.empty() ? "" : "; ") + ("it does not know of " + shortened(lost.to_text()) + " of the files before");
  return text;
}

std::optional<std::string> mariadb_break(const MariadbBinlogState& expected, const MariadbBinlogState& found) {
  std::set<std::uint32_t> kept;
  for (const MariadbGtid& gtid : found.to_list()) kept.insert(gtid.domain);
  std::vector<MariadbGtid> still_expected;
  for (const MariadbGtid& gtid : expected.to_list()) {
    if (kept.contains(gtid.domain)) still_expected.push_back(gtid);
  }
  const MariadbBinlogState comparable = MariadbBinlogState::from_list(still_expected);
  if (comparable == found) return std::nullopt;
  return "it begins at " + shortened(found.to_text()) + ", the files before end at " + shortened(comparable.to_text());
}

}  // namespace

std::optional<std::string> continuity_break(const GtidState& expected, const GtidState& found) {
  if (expected.index() != found.index()) return "it is of the other server family";
  if (const auto* mysql = std::get_if<MysqlGtidSet>(&expected))
    return mysql_break(*mysql, std::get<MysqlGtidSet>(found));
  return mariadb_break(std::get<MariadbBinlogState>(expected), std::get<MariadbBinlogState>(found));
}

std::optional<std::string> series_break(const GtidState& held, const GtidState& found) {
  const GtidState missing = lacking(found, held);
  if (is_empty(missing)) return std::nullopt;
  return "it presumes " + shortened(to_text(missing)) + ", which the log does not have";
}

}  // namespace binrelay
