// A binlog file: every event goes through every decoder, the description and the boundaries of both families, whatever
// its type says.
#include <algorithm>

#include "protocol/check.h"
#include "protocol/event/event_builder.h"
#include "protocol/event/event_checksum.h"
#include "protocol/event/events.h"
#include "protocol/event/mariadb_compression.h"
#include "protocol/event/transaction_boundary.h"

using namespace binrelay;

namespace {

bool points_into(Bytes outer, std::string_view inner) {
  const auto* begin = reinterpret_cast<const char*>(outer.data());
  return inner.empty() || (inner.data() >= begin && inner.data() + inner.size() <= begin + outer.size());
}

void check_views(Bytes event, ChecksumAlgorithm checksum) {
  if (const auto query = decode_query(event, checksum)) {
    BINRELAY_CHECK(points_into(event, query->database) && points_into(event, query->text),
                   "a query's views are inside it");
    if (query->compressed) {
      const auto text = inflate_mariadb(query->compressed_text, 4096);
      BINRELAY_CHECK(!text.ok() || text->size() <= 4096, "inflating stops where it was told to");
    }
  }
  if (const auto map = decode_table_map(event, checksum)) {
    BINRELAY_CHECK(points_into(event, map->database) && points_into(event, map->table),
                   "a table map's views are inside it");
  }
  if (const auto rotate = decode_rotate(event, checksum)) {
    BINRELAY_CHECK(points_into(event, rotate->file_name), "a rotate's view is inside it");
  }
  if (const auto heartbeat = decode_heartbeat(event, checksum)) {
    BINRELAY_CHECK(points_into(event, heartbeat->file_name), "a heartbeat's view is inside it");
  }
  if (const auto payload = decode_transaction_payload(event, checksum)) {
    BINRELAY_CHECK(points_into(event, as_text(payload->payload)), "a payload is inside its event");
  }
  if (const auto prepare = decode_xa_prepare(event, checksum)) {
    BINRELAY_CHECK(points_into(event, prepare->gtrid) && points_into(event, prepare->bqual),
                   "an XA id is inside its event");
  }
}

void check_values(Bytes event, ChecksumAlgorithm checksum) {
  if (const auto gtid = decode_mysql_gtid(event, checksum); gtid && !gtid->anonymous) {
    BINRELAY_CHECK(parse_mysql_gtid(to_text(gtid->gtid)).value() == gtid->gtid, "a GTID reads as it prints");
  }
  if (const auto set = decode_previous_gtids(event, checksum)) {
    BINRELAY_CHECK(MysqlGtidSet::decode(set->encode()).value() == *set, "a set decodes as it encodes");
  }
  (void)decode_mariadb_gtid(event, checksum).ok();
  (void)decode_mariadb_gtid_list(event, checksum).ok();
  (void)decode_xid(event, checksum).ok();
  (void)decode_rows_head(event, checksum).ok();
}

void check_description(Bytes event, ChecksumAlgorithm checksum) {
  for (const std::size_t length : {std::size_t{20}, std::size_t{1024}}) {
    const std::string text = describe_event(event, checksum, length);
    BINRELAY_CHECK(text.size() <= length, "a description keeps its length");
    const bool printable = std::all_of(text.begin(), text.end(),
                                       [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; });
    BINRELAY_CHECK(printable, "a description is one printable line");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes file = std::as_bytes(std::span(data, size));
  for (const Flavour flavour : {Flavour::mysql, Flavour::mariadb}) {
    for (const ChecksumAlgorithm checksum : {ChecksumAlgorithm::none, ChecksumAlgorithm::crc32}) {
      TransactionBoundary boundary;
      boundary.start_file(flavour, checksum);
      for (std::uint64_t offset = kFirstEventOffset; offset < file.size();) {
        const auto header = decode_event_header(file.subspan(offset));
        if (!header || header->size > file.size() - offset) break;
        const Bytes event = file.subspan(offset, header->size);
        const auto place = boundary.on_event(*header, event, offset);
        BINRELAY_CHECK(!place || *place != BoundaryPlace::group_end || !boundary.in_group(),
                       "a group that ended is closed");
        if (flavour == Flavour::mysql) {
          check_views(event, checksum);
          check_values(event, checksum);
          check_description(event, checksum);
          if (decode_format_description(event)) {
            BINRELAY_CHECK(event_checksum_holds(build_mid_file_format_description(event, true)),
                           "a rewritten FDE holds");
          }
        }
        offset += header->size;
      }
    }
  }
  return 0;
}
