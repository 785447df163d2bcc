// Table maps and rows events, as they follow each other in a file: four bytes, of which the first says how the file is
// summed up (the magic: CRC32), then events one behind the other.
#include <map>

#include "protocol/row/row_images.h"

using namespace binrelay;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kMagic = 4;
  if (size < kMagic) return 0;
  const auto checksum = (data[0] & 1) != 0 ? ChecksumAlgorithm::none : ChecksumAlgorithm::crc32;
  std::map<std::uint64_t, TableColumns> tables;
  for (Bytes rest = std::as_bytes(std::span(data, size)).subspan(kMagic); !rest.empty();) {
    const auto header = decode_event_header(rest);
    if (!header || header->size > rest.size() || header->size < kEventHeaderSize) return 0;
    const Bytes event = rest.first(header->size);
    rest = rest.subspan(header->size);
    if (header->type == EventType::table_map) {
      auto table = decode_table_columns(event, checksum);
      if (table) tables.insert_or_assign(table->table_id, std::move(*table));
    } else if (is_rows_event(header->type)) {
      const auto head = decode_rows_head(event, checksum);
      const auto table = head ? tables.find(head->table_id) : tables.end();
      if (table == tables.end()) continue;
      (void)decode_row_images(event, checksum, table->second, [](const RowChange&) -> Status { return Done{}; });
    }
  }
  return 0;
}
