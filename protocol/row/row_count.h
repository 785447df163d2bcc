#pragma once
// RowWidths counts the rows in row events without reading a value: what it costs is a step for each column of a row.
// Thread: any; immutable.
#include <cstdint>
#include <optional>
#include <vector>

#include "protocol/bytes.h"
#include "protocol/event/event_header.h"

namespace binrelay {

class RowWidths {
 public:
  // Of a TABLE_MAP event; nullopt: a column of it is not known.
  static std::optional<RowWidths> of(Bytes table_map, ChecksumAlgorithm checksum);
  // Of a whole row event of that table. nullopt: MariaDB has compressed it, or it does not add up.
  std::optional<std::uint64_t> rows_in(Bytes event, ChecksumAlgorithm checksum) const;

 private:
  struct Column {
    std::uint8_t length_bytes = 0;  // of a length in front of the value; 0: the value has `width` bytes
    std::uint16_t width = 0;
  };
  bool skip_image(class ByteReader& in, Bytes present) const;

  std::vector<Column> columns_;
  std::size_t json_columns_ = 0;
};

}  // namespace binrelay
