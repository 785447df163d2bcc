#pragma once
// MysqlGtidSet: uuid[:tag]:intervals, MySQL's GTID sets with tags (MySQL manual, "GTID Sets", "Tagged GTIDs").
#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "protocol/bytes.h"
#include "protocol/gtid/number_intervals.h"
#include "protocol/gtid/uuid.h"
#include "protocol/result.h"

namespace binrelay {

// The stream of numbers one server hands out: its uuid and, since MySQL 8.3, a tag ("" = untagged).
struct GtidSource {
  Uuid uuid;
  std::string tag;  // lower case, at most kMaxTagLength of [a-z_0-9], not starting with a digit
  friend auto operator<=>(const GtidSource&, const GtidSource&) = default;
};

inline constexpr std::uint64_t kMaxGtidNumber = (1ull << 63) - 2;

struct MysqlGtid {
  GtidSource source;
  std::uint64_t number = 0;  // 1 … kMaxGtidNumber
  friend auto operator<=>(const MysqlGtid&, const MysqlGtid&) = default;
};
std::string to_text(const MysqlGtid& gtid);  // uuid:n or uuid:tag:n
Result<MysqlGtid> parse_mysql_gtid(std::string_view text);
Result<std::string> parse_gtid_tag(std::string_view text);  // checks its letters, makes them lower case

class MysqlGtidSet {
 public:
  // Text as gtid_executed prints it: whitespace and newlines anywhere between parts, any order, overlaps allowed,
  // "uuid:1-5:7:tag:1-3, uuid2:1". The empty text is the empty set.
  static Result<MysqlGtidSet> parse(std::string_view text);
  // The binary form of PREVIOUS_GTIDS bodies and COM_BINLOG_DUMP_GTID: untagged (u64 count of uuids) and tagged (the
  // first u64 has 1 in its top and bottom byte, the count between; entries carry a tag). Source: MySQL server
  // rpl_gtid_set.cc, Gtid_set::encode.
  // Strict as mysqld is: intervals ascend and do not touch, nothing follows.
  static Result<MysqlGtidSet> decode(Bytes bytes);
  ByteBuffer encode() const;  // tagged form only when a tag is present
  // Canonical: one line, "," between uuids, sorted; what @@gtid_executed says without newlines.
  std::string to_text() const;
  std::string to_text_with_newlines() const;  // ",\n" between uuids: exactly @@gtid_executed

  void add(const MysqlGtid& gtid);
  void add(const GtidSource& source, NumberInterval run);
  void add(const MysqlGtidSet& other);
  void subtract(const MysqlGtidSet& other);
  bool contains(const MysqlGtid& gtid) const;
  bool contains_all(const MysqlGtidSet& other) const;
  bool empty() const { return sources_.empty(); }
  std::uint64_t count() const;
  // Only what `uuid` wrote, all its tags.
  MysqlGtidSet only(const Uuid& uuid) const;
  const std::map<GtidSource, NumberIntervals>& sources() const { return sources_; }
  friend bool operator==(const MysqlGtidSet&, const MysqlGtidSet&) = default;

 private:
  std::string text_with(std::string_view between_uuids) const;

  std::map<GtidSource, NumberIntervals> sources_;  // no empty entries
};

MysqlGtidSet difference(MysqlGtidSet left, const MysqlGtidSet& right);

}  // namespace binrelay
