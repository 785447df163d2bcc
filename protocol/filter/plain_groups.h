#pragma once
// PlainGroups recognises the groups that nearly every log consists of: transactions of row events in tables that no
// rule names. It says at one look, from memory, what GroupPlanner and GroupRewriter need two passes for, and gives the
// same bytes (a test compares). Everything else it leaves to them.
// Thread: none of its own. Memory: the verdicts of kKeptTables table maps. Borrows nothing.
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "protocol/bytes.h"
#include "protocol/event/event_header.h"
#include "protocol/event/events.h"
#include "protocol/filter/group_plan.h"
#include "protocol/filter/view_rules.h"

namespace binrelay {

// What goes out of one, and what it was.
struct PlainGroup {
  std::size_t stored_size = 0;
  std::size_t events = 0;  // that go out; the first is the GTID event
  std::uint32_t last_timestamp = 0;
  RuleTally tally;     // of rule 0
  bool empty = false;  // its rows do not go out
};

class PlainGroups {
 public:
  PlainGroups(Flavour flavour, ChecksumAlgorithm checksum, ViewRules rules, const ViewOptions& options)
      : flavour_(flavour), checksum_(checksum), rules_(std::move(rules)), by_size_(options.by_size) {}

  // The group at the front of `bytes`, which begin at `offset` of their file: what goes out of it is appended to `out`.
  // nullopt: it is another kind of group, or not whole.
  std::optional<PlainGroup> next(Bytes bytes, std::uint64_t offset, ByteBuffer* out);

 private:
  enum class Table : std::uint8_t { named, passes, dropped };
  struct Event {
    EventHeader header;
    Bytes bytes;
  };
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  class Walk;
  bool is_plain(Walk* walk);
  bool head(Walk* walk) const;
  bool statement(Walk* walk);
  Table table_of(Bytes event, const TableMapView& map);
  bool write_dropped(const Walk& walk, ByteBuffer* out) const;

  static constexpr std::size_t kKeptTables = 1u << 16;

  const Flavour flavour_;
  const ChecksumAlgorithm checksum_;
  const ViewRules rules_;
  const bool by_size_;
  // By table id and both names, as they stand in the table map.
  std::unordered_map<std::string, Table, Hash, std::equal_to<>> tables_;
  std::vector<std::uint64_t> maps_;  // table ids of the statement that is looked at
};

}  // namespace binrelay
