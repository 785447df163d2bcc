#pragma once
// GroupMaker writes random transactions of either family as a source would, and says which of their row events a filter
// lets out. Decided from what it writes, not by the code under test.
#include <zstd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "protocol/event/event_checksum.h"
#include "protocol/event/event_header.h"
#include "protocol/filter/filter_rules.h"
#include "protocol/filter/group_judge.h"
#include "protocol/wire/byte_writer.h"
#include "protocol/wire/mysql_varint.h"

namespace binrelay::made {

struct MadeGroup {
  std::vector<ByteBuffer> events;
  std::vector<std::string> row_events;  // "t3 update", what may go out, in order
  std::vector<std::string> all_row_events;
  bool payload = false, ddl = false;
  std::uint64_t begin = 0, end = 0;  // offsets in the file

  std::vector<GroupEvent> as_input(ChecksumAlgorithm checksum) const {
    std::vector<GroupEvent> input;
    std::uint64_t offset = begin;
    for (const ByteBuffer& event : events) {
      input.push_back({decode_event_header(event).value(), offset, event, true, checksum});
      offset += event.size();
    }
    return input;
  }
};

// Tables t0 to t7 of `db`: bit 0 of the number inserts, bit 1 updates, bit 2 deletes are monitored.
inline std::vector<FilterRule> made_rules() {
  std::vector<FilterRule> rules;
  for (std::uint64_t i = 0; i < 8; ++i)
    rules.push_back({i + 1, "db", "t" + std::to_string(i), (i & 1) != 0, (i & 2) != 0, (i & 4) != 0});
  return rules;
}

class GroupMaker {
 public:
  GroupMaker(Flavour flavour, ChecksumAlgorithm checksum, std::uint64_t seed)
      : flavour_(flavour), checksum_(checksum), random_(seed) {}

  std::uint64_t offset = 4;

  MadeGroup group() {
    MadeGroup made;
    made.begin = offset;
    const bool mysql = flavour_ == Flavour::mysql;
    const std::uint32_t form = below(20);
    std::vector<Part> parts;
    if (form == 0) {
      made.ddl = true;
      parts.push_back({EventType::query, query("ALTER TABLE t" + std::to_string(below(8)) + " ADD c int")});
    } else if (mysql && form <= 2) {
      const std::string id = "X'" + hex(gtid_number_) + "',X'',1";
      parts.push_back({EventType::query, query("XA START " + id)});
      statements(parts, made);
      parts.push_back({EventType::query, query("XA END " + id)});
      ByteWriter body;
      body.u8(0).u32(1).u32(8).u32(0).u64(gtid_number_);
      parts.push_back({EventType::xa_prepare, std::move(body).take()});
    } else {
      if (mysql) parts.push_back({EventType::query, query("BEGIN")});
      statements(parts, made);
      if (below(8) == 0) {
        parts.push_back({EventType::query, query("COMMIT")});
      } else {
        parts.push_back({EventType::xid, number(7)});
      }
      made.payload = mysql && form >= 16;
    }
    if (made.payload) parts = {payload_of(parts)};
    assemble(parts, made);
    return made;
  }

 private:
  struct Part {
    EventType type;
    ByteBuffer body;
  };

  std::uint32_t below(std::uint32_t limit) { return static_cast<std::uint32_t>(random_() % limit); }
  static std::string hex(std::uint64_t value) {
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(__builtin_bswap64(value)));
    return text;
  }
  static ByteBuffer number(std::uint64_t value) {
    ByteWriter body;
    body.u64(value);
    return std::move(body).take();
  }
  static ByteBuffer query(std::string_view text) {
    ByteWriter body;
    body.u32(8).u32(0).u8(2).u16(0).u16(0).nul_terminated_text("db").text(text);
    return std::move(body).take();
  }

  void statements(std::vector<Part>& parts, MadeGroup& made) {
    const std::uint32_t count = below(5);
    for (std::uint32_t i = 0; i < count; ++i) statement(parts, made);
  }

  void statement(std::vector<Part>& parts, MadeGroup& made) {
    const bool mysql = flavour_ == Flavour::mysql;
    if (below(10) == 0) return parts.push_back({EventType::query, query("SAVEPOINT `s`")});
    if (below(2) == 0) {
      const std::string text = "update t set v = " + std::string(below(200), 'x');
      ByteWriter body;
      if (mysql) body.u8(0);
      body.text(text);
      parts.push_back({mysql ? EventType::rows_query : EventType::mariadb_annotate_rows, std::move(body).take()});
    }
    std::vector<std::uint32_t> tables;
    for (std::uint32_t i = 0, count = 1 + below(3); i < count; ++i) tables.push_back(below(8));
    const std::uint64_t first_id = 100 + below(1000);
    for (std::size_t i = 0; i < tables.size(); ++i) {
      ByteWriter body;
      const std::string name = "t" + std::to_string(tables[i]);
      body.u48(first_id + i).u16(1).u8(2).nul_terminated_text("db").u8(static_cast<std::uint8_t>(name.size()));
      body.nul_terminated_text(name).u8(1).u8(3).u8(0).u8(0);
      parts.push_back({EventType::table_map, std::move(body).take()});
    }
    const std::uint32_t rows = 1 + below(4);
    for (std::uint32_t i = 0; i < rows; ++i) {
      const std::uint32_t which = below(static_cast<std::uint32_t>(tables.size()));
      row_event(parts, made, first_id + which, tables[which], i + 1 == rows);
    }
  }

  void row_event(std::vector<Part>& parts, MadeGroup& made, std::uint64_t id, std::uint32_t table, bool last) {
    const bool mysql = flavour_ == Flavour::mysql;
    const std::uint32_t operation = below(3);
    constexpr std::array kMysql{EventType::write_rows, EventType::update_rows, EventType::delete_rows};
    constexpr std::array kMariadb{EventType::write_rows_v1, EventType::update_rows_v1, EventType::delete_rows_v1};
    constexpr std::array kNames{"insert", "update", "delete"};
    ByteWriter body;
    body.u48(id).u16(last ? 1 : 0);
    if (mysql) body.u16(2);
    body.u8(1).u8(1);  // one column, present
    if (operation == 1) body.u8(1);
    for (std::uint32_t i = 0, count = 1 + below(3); i < count; ++i) {
      body.u8(0).u32(below(1000));
      if (operation == 1) body.u8(0).u32(below(1000));
    }
    parts.push_back({mysql ? kMysql[operation] : kMariadb[operation], std::move(body).take()});
    const std::string said = "t" + std::to_string(table) + " " + kNames[operation];
    made.all_row_events.push_back(said);
    if ((table >> operation & 1) != 0) made.row_events.push_back(said);
  }

  ByteBuffer event(const Part& part, ChecksumAlgorithm checksum, std::uint64_t at) const {
    const std::size_t trailer = checksum == ChecksumAlgorithm::crc32 ? kChecksumSize : 0;
    const auto size = static_cast<std::uint32_t>(kEventHeaderSize + part.body.size() + trailer);
    ByteWriter out;
    out.u32(1700000000).u8(static_cast<std::uint8_t>(part.type)).u32(101).u32(size);
    out.u32(static_cast<std::uint32_t>(at + size)).u16(0).bytes(part.body).zeros(trailer);
    ByteBuffer made = std::move(out).take();
    if (trailer != 0) rewrite_event_checksum(made);
    return made;
  }

  Part payload_of(const std::vector<Part>& parts) const {
    ByteWriter plain;
    for (const Part& part : parts) plain.bytes(event(part, ChecksumAlgorithm::none, 0));
    ByteBuffer packed(ZSTD_compressBound(plain.size()));
    packed.resize(ZSTD_compress(packed.data(), packed.size(), plain.view().data(), plain.size(), 3));
    ByteWriter body;
    body.u8(2).u8(1).u8(0).u8(3).u8(9).u8(0xfe).u64(plain.size()).u8(1).u8(9).u8(0xfe).u64(packed.size()).u8(0);
    body.bytes(packed);
    return {EventType::transaction_payload, std::move(body).take()};
  }

  ByteBuffer gtid_body(std::uint64_t length, bool tagged, bool ddl) const {
    ByteWriter body;
    if (flavour_ == Flavour::mariadb) {
      body.u64(gtid_number_).u32(0).u8(ddl ? 0x29 : 0x0c).zeros(6);
    } else if (!tagged) {
      body.u8(1).zeros(15).u8(0xaa).u64(gtid_number_).u8(2).u64(gtid_number_ - 1).u64(gtid_number_);
      body.u32(1000).u24(0).length_encoded(length).u32(90704);
    } else {
      ByteWriter fields;
      fields.u8(0).u8(0).u8(2);
      for (int i = 0; i < 16; ++i) write_mysql_varint(fields, 0xa0 + static_cast<std::uint64_t>(i));
      fields.u8(4);
      write_mysql_varint(fields, zigzag_encoded(static_cast<std::int64_t>(gtid_number_)));
      fields.u8(6).u8(8).text("tagx").u8(8);
      write_mysql_varint(fields, zigzag_encoded(static_cast<std::int64_t>(gtid_number_ - 1)));
      fields.u8(10);
      write_mysql_varint(fields, zigzag_encoded(static_cast<std::int64_t>(gtid_number_)));
      fields.u8(12);
      write_mysql_varint(fields, 1'700'000'000'000'000);
      fields.u8(16);
      write_mysql_varint(fields, length);
      fields.u8(18);
      write_mysql_varint(fields, 90704);
      std::uint64_t size = fields.size() + 3;
      if (size >= 128) ++size;
      body.u8(2);
      write_mysql_varint(body, size);
      body.u8(0).bytes(fields.view());
    }
    return std::move(body).take();
  }

  void assemble(const std::vector<Part>& parts, MadeGroup& made) {
    const bool tagged = flavour_ == Flavour::mysql && below(4) == 0;
    const EventType head = flavour_ == Flavour::mariadb ? EventType::mariadb_gtid
                           : tagged                     ? EventType::gtid_tagged
                                                        : EventType::gtid;
    const std::size_t around = kEventHeaderSize + (checksum_ == ChecksumAlgorithm::crc32 ? kChecksumSize : 0);
    std::uint64_t length = 0;
    for (const Part& part : parts) length += around + part.body.size();
    ByteBuffer gtid;
    for (std::uint64_t before = 0, whole = length + around;;) {
      gtid = gtid_body(whole, tagged, made.ddl);
      whole = length + around + gtid.size();
      if (whole == before) break;
      before = whole;
    }
    ++gtid_number_;
    add(made, {head, std::move(gtid)});
    for (const Part& part : parts) add(made, part);
    made.end = offset;
  }

  void add(MadeGroup& made, const Part& part) {
    made.events.push_back(event(part, checksum_, offset));
    offset += made.events.back().size();
  }

  const Flavour flavour_;
  const ChecksumAlgorithm checksum_;
  std::mt19937_64 random_;
  std::uint64_t gtid_number_ = 1;
};

}  // namespace binrelay::made
