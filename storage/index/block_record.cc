#include "storage/index/block_record.h"

#include <algorithm>
#include <tuple>

#include "protocol/event/events.h"
#include "protocol/wire/byte_reader.h"
#include "protocol/wire/byte_writer.h"
#include "storage/gtid_state_bytes.h"

namespace binrelay {
namespace {

constexpr std::size_t kKeySize = 16;
constexpr std::size_t kTableIdSize = 6;

void write_big_endian(ByteWriter& out, std::uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) out.u8(static_cast<std::uint8_t>(value >> shift));
}
std::uint64_t read_big_endian(ByteReader& in) {
  std::uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = value << 8 | in.u8();
  return value;
}

}  // namespace

ByteBuffer encode_block_key(SegmentNumber segment, std::uint64_t begin) {
  ByteWriter out;
  write_big_endian(out, raw(segment));
  write_big_endian(out, begin);
  return std::move(out).take();
}

ByteBuffer encode_block_value(const BlockRecord& record) {
  ByteWriter out;
  out.u64(record.end);
  write_gtid_state(out, record.added);
  out.u32(record.first_timestamp).u32(record.last_timestamp);
  out.u64(record.transactions).u64(record.events).u64(record.payloads);
  out.u8(record.tables_complete).u32(static_cast<std::uint32_t>(record.tables.size()));
  for (const TableActivity& table : record.tables) {
    out.length_encoded_text(table.database).length_encoded_text(table.table);
    out.length_encoded(table.rows_events).length_encoded(table.bytes);
  }
  return std::move(out).take();
}

Result<BlockRecord> decode_block(Bytes key, Bytes value) {
  if (key.size() != kKeySize) return Error{Errc::malformed, "index key"};
  BlockRecord record;
  ByteReader key_in(key);
  record.segment = SegmentNumber{read_big_endian(key_in)};
  record.begin = read_big_endian(key_in);
  ByteReader in(value);
  record.end = in.u64();
  BINRELAY_ASSIGN(record.added, read_gtid_state(in));
  record.first_timestamp = in.u32();
  record.last_timestamp = in.u32();
  record.transactions = in.u64();
  record.events = in.u64();
  record.payloads = in.u64();
  record.tables_complete = in.u8() != 0;
  const std::uint32_t tables = in.u32();
  if (tables > kMaxTablesPerBlock) return Error{Errc::limit, "index record: tables"};
  for (std::uint32_t i = 0; i < tables && !in.failed(); ++i) {
    TableActivity table;
    table.database = in.length_encoded_text();
    table.table = in.length_encoded_text();
    table.rows_events = in.length_encoded();
    table.bytes = in.length_encoded();
    record.tables.push_back(std::move(table));
  }
  if (in.failed() || !in.at_end() || record.end <= record.begin) return Error{Errc::malformed, "index record"};
  return record;
}

Result<BlockSpan> decode_block_span(Bytes key, Bytes value) {
  if (key.size() != kKeySize) return Error{Errc::malformed, "index key"};
  BlockSpan span;
  ByteReader key_in(key);
  span.segment = SegmentNumber{read_big_endian(key_in)};
  span.begin = read_big_endian(key_in);
  ByteReader in(value);
  span.end = in.u64();
  skip_gtid_state(in);
  in.u32();  // the least timestamp
  span.last_timestamp = in.u32();
  if (in.failed() || span.end <= span.begin) return Error{Errc::malformed, "index record"};
  return span;
}

ByteBuffer encode_file_key(SegmentNumber segment) {
  ByteWriter out;
  out.text(kFileKeyPrefix);
  write_big_endian(out, raw(segment));
  return std::move(out).take();
}

ByteBuffer encode_file_value(const FileSpan& file) {
  ByteWriter out;
  out.u32(file.last_timestamp).u64(file.end);
  return std::move(out).take();
}

Result<FileSpan> decode_file_span(Bytes key, Bytes value) {
  FileSpan file;
  ByteReader key_in(key);
  if (key_in.text(kFileKeyPrefix.size()) != kFileKeyPrefix) return Error{Errc::malformed, "index key"};
  file.segment = SegmentNumber{read_big_endian(key_in)};
  ByteReader in(value);
  file.last_timestamp = in.u32();
  file.end = in.u64();
  if (key_in.failed() || !key_in.at_end() || in.failed() || !in.at_end())
    return Error{Errc::malformed, "index record of a file"};
  return file;
}

BlockBuilder::BlockBuilder(SegmentNumber segment, std::uint64_t begin, Flavour flavour) : flavour_(flavour) {
  record_.segment = segment;
  record_.begin = begin;
  record_.added = empty_state(flavour);
}

void BlockBuilder::add(const ScannedEvent& event, const TransactionBoundary& boundary) {
  ++record_.events;
  if (event.place == BoundaryPlace::outside) return;
  add_to_group(event);
  if (event.place != BoundaryPlace::group_end && event.place != BoundaryPlace::group_whole) return;
  ++record_.transactions;
  if (boundary.gtid()) append_gtid(added_, *boundary.gtid());
}

void BlockBuilder::add_to_group(const ScannedEvent& event) {
  const std::uint32_t timestamp = event.header.timestamp;
  if (timestamp != 0) {
    record_.first_timestamp = record_.first_timestamp == 0 ? timestamp : std::min(record_.first_timestamp, timestamp);
    record_.last_timestamp = std::max(record_.last_timestamp, timestamp);
  }
  if (event.header.type == EventType::table_map) return learn_table(event);
  if (event.header.type == EventType::transaction_payload) ++record_.payloads;
  if (is_rows_event(event.header.type)) count_rows(event);
}

void BlockBuilder::learn_table(const ScannedEvent& event) {
  // A scan has no more than the first bytes of a larger one; of a later version is what cannot be decoded. Their rows
  // stay uncounted.
  if (event.header.size > SegmentScan::kBufferSize) return;
  const auto map = decode_table_map(event.bytes, event.checksum);
  if (!map.ok()) return;
  const auto known = table_of(map->table_id);
  if (known && tables_[*known].database == map->database && tables_[*known].table == map->table) return;
  last_used_.reset();

  std::string name(map->database);
  name.append(1, '\0').append(map->table);
  auto at = by_name_.find(name);
  if (at == by_name_.end()) {
    if (tables_.size() == kMaxTablesPerBlock) {
      record_.tables_complete = false;
      by_id_.erase(map->table_id);
      return;
    }
    tables_.push_back({std::string(map->database), std::string(map->table), 0, 0});
    at = by_name_.emplace(std::move(name), tables_.size() - 1).first;
  }
  by_id_[map->table_id] = at->second;
}

void BlockBuilder::count_rows(const ScannedEvent& event) {
  if (event.bytes.size() < kEventHeaderSize + kTableIdSize) return;
  const auto known = table_of(ByteReader(event.bytes.subspan(kEventHeaderSize)).u48());
  if (!known) return;
  ++tables_[*known].rows_events;
  tables_[*known].bytes += event.header.size;
}

// Most events are of the same table as the one before.
std::optional<std::size_t> BlockBuilder::table_of(std::uint64_t id) {
  if (last_used_ && last_used_->first == id) return last_used_->second;
  const auto known = by_id_.find(id);
  if (known == by_id_.end()) return std::nullopt;
  last_used_ = *known;
  return known->second;
}

BlockRecord BlockBuilder::finish(std::uint64_t end) {
  for (const GtidRun& run : added_) binrelay::add(record_.added, run);
  BlockRecord done = std::move(record_);
  done.end = end;
  done.tables = std::move(tables_);
  std::sort(done.tables.begin(), done.tables.end(), [](const TableActivity& left, const TableActivity& right) {
    return std::tie(left.database, left.table) < std::tie(right.database, right.table);
  });
  *this = BlockBuilder(done.segment, end, flavour_);
  return done;
}

}  // namespace binrelay
