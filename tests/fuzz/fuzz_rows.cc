// Table maps and rows events, as they follow each other in a file: four bytes, of which the first says how the file is
// summed up (the magic: CRC32), then events one behind the other.
#include <map>

#include "protocol/row/row_count.h"
#include "protocol/row/row_images.h"

using namespace binrelay;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kMagic = 4;
  if (size < kMagic) return 0;
  const auto checksum = (data[0] & 1) != 0 ? ChecksumAlgorithm::none : ChecksumAlgorithm::crc32;
  std::map<std::uint64_t, TableColumns> tables;
  std::map<std::uint64_t, RowWidths> widths;
  for (Bytes rest = std::as_bytes(std::span(data, size)).subspan(kMagic); !rest.empty();) {
    const auto header = decode_event_header(rest);
    if (!header || header->size > rest.size() || header->size < kEventHeaderSize) return 0;
    const Bytes event = rest.first(header->size);
    rest = rest.subspan(header->size);
    if (header->type == EventType::table_map) {
      auto table = decode_table_columns(event, checksum);
      if (auto width = RowWidths::of(event, checksum)) widths.insert_or_assign(table->table_id, std::move(*width));
      if (table) tables.insert_or_assign(table->table_id, std::move(*table));
    } else if (is_rows_event(header->type)) {
      const auto head = decode_rows_head(event, checksum);
      const auto table = head ? tables.find(head->table_id) : tables.end();
      if (table == tables.end()) continue;
      std::uint64_t rows = 0;
      const Status read = decode_row_images(event, checksum, table->second, [&rows](const RowChange&) -> Status {
        ++rows;
        return Done{};
      });
      const auto known = widths.find(head->table_id);
      const auto counted = known == widths.end() ? std::nullopt : known->second.rows_in(event, checksum);
      if (read.ok() && counted && *counted != rows) __builtin_trap();
    }
  }
  return 0;
}
