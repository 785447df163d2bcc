#include "protocol/filter/plain_groups.h"

#include <algorithm>
#include <utility>

#include "protocol/event/event_run.h"
#include "protocol/event/events.h"
#include "protocol/filter/event_edit.h"
#include "protocol/filter/group_rewrite.h"

namespace binrelay {
namespace {

constexpr std::size_t kMostMaps = 64;  // of one statement

void append_to(ByteBuffer* out, Bytes bytes) { out->insert(out->end(), bytes.begin(), bytes.end()); }

}  // namespace

// Where the walk is, and what it has seen.
class PlainGroups::Walk {
 public:
  Walk(Bytes bytes, std::uint64_t offset) : bytes_(bytes), offset_(offset) {}

  // The next event, if it is whole and ends where it says.
  bool step() {
    const Bytes left = bytes_.subspan(size_);
    const auto header = whole_event(left, offset_ + size_);
    if (!header) return false;
    event = {*header, left.first(header->size)};
    size_ += header->size;
    ++events;
    if (header->timestamp != 0) last_timestamp = header->timestamp;
    return true;
  }
  Bytes walked() const { return bytes_.first(size_); }
  std::size_t size() const { return size_; }

  Event event;
  std::size_t events = 0;
  std::uint32_t last_timestamp = 0;
  std::size_t expected_size = 0;             // MySQL: of the whole group
  std::size_t gtid_size = 0, head_size = 0;  // head: all that stands before the first statement
  std::size_t rows_end = 0;
  EventHeader last_of_rows;     // the last event of the last statement
  std::optional<Table> tables;  // what all of them are
  RuleTally tally;

 private:
  Bytes bytes_;
  std::uint64_t offset_;
  std::size_t size_ = 0;
};

std::optional<PlainGroup> PlainGroups::next(Bytes bytes, std::uint64_t offset, ByteBuffer* out) {
  Walk walk(bytes, offset);
  if (!is_plain(&walk)) return std::nullopt;
  PlainGroup group{walk.size(), walk.events, walk.last_timestamp, walk.tally, false};
  if (walk.tables == Table::passes) {
    append_to(out, walk.walked());
    return group;
  }
  if (!write_dropped(walk, out)) return std::nullopt;
  // GTID, what begins the transaction, what fills the place of the rows, XID.
  group.empty = true;
  group.events = (walk.head_size > walk.gtid_size ? 3 : 2) + (by_size_ ? 1 : 0);
  return group;
}

bool PlainGroups::is_plain(Walk* walk) {
  if (!head(walk) || !walk->step()) return false;
  while (walk->event.header.type != EventType::xid) {
    if (!statement(walk) || !walk->step()) return false;
  }
  const bool whole = flavour_ == Flavour::mariadb || walk->size() == walk->expected_size;
  return whole && walk->tables.has_value();
}

bool PlainGroups::head(Walk* walk) const {
  if (!walk->step()) return false;
  const Event& event = walk->event;
  walk->gtid_size = walk->head_size = event.bytes.size();
  if (flavour_ == Flavour::mariadb) {
    constexpr std::uint8_t kOther = MariadbGtidEvent::kStandalone | MariadbGtidEvent::kDdl |
                                    MariadbGtidEvent::kPreparedXa | MariadbGtidEvent::kCompletedXa;
    if (event.header.type != EventType::mariadb_gtid) return false;
    const auto gtid = decode_mariadb_gtid(event.bytes, checksum_);
    return gtid && (gtid->flags & kOther) == 0;
  }
  if (!is_mysql_gtid(event.header.type)) return false;
  const auto gtid = decode_mysql_gtid(event.bytes, checksum_);
  if (!gtid || gtid->transaction_length == 0 || !walk->step() || walk->event.header.type != EventType::query)
    return false;
  walk->expected_size = gtid->transaction_length;
  walk->head_size = walk->size();
  const auto query = decode_query(walk->event.bytes, checksum_);
  return query && !query->compressed && query->text == "BEGIN";
}

// Its first event has been read.
bool PlainGroups::statement(Walk* walk) {
  const EventType first = walk->event.header.type;
  if (first == EventType::rows_query || first == EventType::mariadb_annotate_rows) {
    if (walk->event.header.size > kMaxHeldText || !walk->step()) return false;
  }
  maps_.clear();
  while (walk->event.header.type == EventType::table_map) {
    const auto map = decode_table_map(walk->event.bytes, checksum_);
    if (!map || maps_.size() == kMostMaps) return false;
    const Table table = table_of(walk->event.bytes, *map);
    if (table == Table::named || walk->tables.value_or(table) != table) return false;
    walk->tables = table;
    maps_.push_back(map->table_id);
    if (!walk->step()) return false;
  }
  for (;;) {
    const Event& event = walk->event;
    const auto rows = decode_rows_head(event.bytes, checksum_);
    if (!row_operation(event.header.type) || !rows) return false;
    if (rows->of_no_table() || std::ranges::find(maps_, rows->table_id) == maps_.end()) return false;
    const bool passes = walk->tables == Table::passes;
    (passes ? walk->tally.events_passed : walk->tally.events_dropped) += 1;
    (passes ? walk->tally.bytes_passed : walk->tally.bytes_dropped) += event.header.size;
    ++walk->tally.events_uncounted;
    walk->last_of_rows = event.header;
    walk->rows_end = walk->size();
    if (rows->ends_statement()) return true;
    if (!walk->step()) return false;
  }
}

PlainGroups::Table PlainGroups::table_of(Bytes event, const TableMapView& map) {
  const Bytes body = event.subspan(kEventHeaderSize);
  const auto* const names_end = reinterpret_cast<const std::byte*>(map.table.data() + map.table.size());
  const std::string_view key = as_text(body.first(static_cast<std::size_t>(names_end - body.data())));
  const auto known = tables_.find(key);
  if (known != tables_.end()) return known->second;
  const TableVerdict verdict = rules_.of(map.database, map.table);
  Table table = Table::named;
  if (!verdict.rule && !verdict.any()) table = Table::dropped;
  if (!verdict.rule && verdict.all()) table = Table::passes;
  if (tables_.size() >= kKeptTables) tables_.clear();
  tables_.emplace(key, table);
  return table;
}

bool PlainGroups::write_dropped(const Walk& walk, ByteBuffer* out) const {
  const Bytes all = walk.walked();
  const Bytes gtid = all.first(walk.gtid_size), head = all.first(walk.head_size), end = walk.event.bytes;
  if (by_size_) {
    const std::size_t hole = walk.rows_end - walk.head_size;
    if (hole > kMaxFilledAtOnce || hole < smallest_filler(checksum_)) return false;
    append_to(out, head);
    append_to(out, filler(walk.last_of_rows, hole, walk.last_of_rows.log_pos, checksum_));
  } else if (flavour_ == Flavour::mysql) {
    const auto shortened = with_group_size(gtid, head.size() - gtid.size() + end.size(), checksum_);
    if (!shortened) return false;
    append_to(out, *shortened);
    append_to(out, head.subspan(gtid.size()));
  } else {
    append_to(out, head);
  }
  append_to(out, end);
  return true;
}

}  // namespace binrelay
