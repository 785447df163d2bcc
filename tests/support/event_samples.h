#pragma once
// SampleBinlog writes the events of one binlog file as a source would: right offsets, right checksums, either family.
// Only what tests of stored bytes need; what real servers write is checked against real servers.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/bytes.h"
#include "protocol/event/event_checksum.h"
#include "protocol/event/event_header.h"
#include "protocol/gtid/mariadb_gtid.h"
#include "protocol/gtid/mysql_gtid_set.h"
#include "protocol/ids.h"
#include "protocol/wire/byte_writer.h"

namespace binrelay::samples {

inline Uuid sample_uuid(std::uint8_t seed = 0xaa) {
  Uuid uuid;
  uuid.bytes.fill(seed);
  return uuid;
}
inline MysqlGtid mysql_gtid(std::uint64_t number, std::uint8_t seed = 0xaa) {
  return MysqlGtid{{sample_uuid(seed), ""}, number};
}
inline MysqlGtidSet mysql_set(std::uint64_t first, std::uint64_t last, std::uint8_t seed = 0xaa) {
  MysqlGtidSet set;
  if (first <= last) set.add(GtidSource{sample_uuid(seed), ""}, NumberInterval{first, last + 1});
  return set;
}

class SampleBinlog {
 public:
  explicit SampleBinlog(Flavour flavour = Flavour::mysql, ChecksumAlgorithm checksum = ChecksumAlgorithm::crc32,
                        std::uint64_t offset = kFirstEventOffset)
      : flavour_(flavour), checksum_(checksum), offset_(offset) {}

  std::uint64_t offset() const { return offset_; }
  Flavour flavour() const { return flavour_; }
  void at_time(std::uint32_t timestamp) { timestamp_ = timestamp; }
  void without_log_pos(bool zero) { zero_log_pos_ = zero; }  // as MariaDB >= 11.4 inside transactions

  ByteBuffer format_description() {
    constexpr std::size_t kPostHeaders = 172;
    std::vector<std::uint8_t> sizes(kPostHeaders, 0);
    for (const auto& [type, size] :
         {std::pair{2, 13}, {4, 8}, {15, 95}, {19, 8}, {23, 8}, {24, 8}, {25, 8}, {30, 10}, {33, 42}}) {
      sizes[static_cast<std::size_t>(type) - 1] = static_cast<std::uint8_t>(size);
    }
    const std::string version = flavour_ == Flavour::mysql ? "9.7.4" : "10.11.19-MariaDB-log";
    ByteWriter body;
    body.u16(4).text(version).zeros(50 - version.size()).u32(0).u8(19);
    for (const std::uint8_t size : sizes) body.u8(size);
    body.u8(static_cast<std::uint8_t>(checksum_));
    const ChecksumAlgorithm others = std::exchange(checksum_, ChecksumAlgorithm::crc32);  // an FDE always has its CRC
    ByteBuffer made = event(EventType::format_description, body.view());
    checksum_ = others;
    return made;
  }
  ByteBuffer previous_gtids(const MysqlGtidSet& set) { return event(EventType::previous_gtids, set.encode()); }
  ByteBuffer gtid_list(const std::vector<MariadbGtid>& list) {
    ByteWriter body;
    body.u32(static_cast<std::uint32_t>(list.size()));
    for (const MariadbGtid& gtid : list) body.u32(gtid.domain).u32(gtid.server).u64(gtid.sequence);
    return event(EventType::mariadb_gtid_list, body.view());
  }
  // Without transaction_length, as MySQL 5.7: the group ends at its XID.
  ByteBuffer gtid(const MysqlGtid& gtid) {
    ByteWriter body;
    body.u8(1);
    for (const std::uint8_t byte : gtid.source.uuid.bytes) body.u8(byte);
    body.u64(gtid.number).u8(2).u64(0).u64(1);
    return event(EventType::gtid, body.view());
  }
  ByteBuffer gtid(const MariadbGtid& gtid, std::uint8_t flags = 0) {
    ByteWriter body;
    body.u64(gtid.sequence).u32(gtid.domain).u8(flags).zeros(6);
    server_id_ = gtid.server;
    return event(EventType::mariadb_gtid, body.view());
  }
  ByteBuffer query(std::string_view text) {
    ByteWriter body;
    body.u32(7).u32(0).u8(4).u16(0).u16(0).nul_terminated_text("shop").text(text);
    return event(EventType::query, body.view());
  }
  ByteBuffer begin() { return query("BEGIN"); }
  ByteBuffer table_map(std::uint64_t table_id, std::string_view table) {
    ByteWriter body;
    body.u48(table_id).u16(1).u8(4).nul_terminated_text("shop").u8(static_cast<std::uint8_t>(table.size()));
    body.nul_terminated_text(table).u8(1).u8(3).u8(0).u8(0);
    return event(EventType::table_map, body.view());
  }
  ByteBuffer write_rows(std::uint64_t table_id, std::size_t row_bytes) {
    ByteWriter body;
    body.u48(table_id).u16(1).u16(2).u8(1).u8(0xff);
    ByteBuffer pattern(std::min<std::size_t>(row_bytes, 4099));  // a prime, so that no two pages are equal
    for (std::size_t i = 0; i < pattern.size(); ++i) pattern[i] = static_cast<std::byte>(i * 7 + i / 251 + table_id);
    for (std::size_t left = row_bytes; left > 0; left -= std::min(left, pattern.size())) {
      body.bytes(Bytes(pattern).first(std::min(left, pattern.size())));
    }
    return event(EventType::write_rows, body.view());
  }
  ByteBuffer xid(std::uint64_t number) { return event(EventType::xid, ByteWriter().u64(number).view()); }
  ByteBuffer rotate(std::string_view name) { return event(EventType::rotate, ByteWriter().u64(4).text(name).view()); }
  ByteBuffer stop() { return event(EventType::stop, {}); }

  ByteBuffer event(EventType type, Bytes body) {
    const bool sums = checksum_ == ChecksumAlgorithm::crc32;
    const std::size_t size = kEventHeaderSize + body.size() + (sums ? kChecksumSize : 0);
    offset_ += size;
    ByteWriter out;
    out.u32(timestamp_).u8(static_cast<std::uint8_t>(type)).u32(server_id_).u32(static_cast<std::uint32_t>(size));
    out.u32(zero_log_pos_ ? 0 : static_cast<std::uint32_t>(offset_)).u16(0).bytes(body);
    if (sums) out.zeros(kChecksumSize);
    ByteBuffer made = std::move(out).take();
    if (sums) rewrite_event_checksum(made);
    return made;
  }

 private:
  Flavour flavour_;
  ChecksumAlgorithm checksum_;
  std::uint64_t offset_;
  std::uint32_t timestamp_ = 1'700'000'000;
  std::uint32_t server_id_ = 1;
  bool zero_log_pos_ = false;
};

}  // namespace binrelay::samples
