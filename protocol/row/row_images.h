#pragma once
// The rows of a rows event: images before and behind a change (MySQL manual, "Rows_log_event"). Every rows type of both
// families but PARTIAL_ROW_DATA.
#include <functional>
#include <optional>
#include <vector>

#include "protocol/filter/filter_rules.h"
#include "protocol/row/column_value.h"

namespace binrelay {

// Values by column; nullopt: the image does not hold the column (binlog_row_image MINIMAL, NOBLOB).
using RowImage = std::vector<std::optional<ColumnValue>>;

struct RowChange {
  RowOperation operation = RowOperation::insert;
  RowImage before;  // update, remove
  RowImage after;   // insert, update
};

// Calls `visit` for each row, in order; its error ends it. `table`: of the TABLE_MAP with this event's table id.
// Errc::malformed, short_input, unsupported, limit.
Status decode_row_images(Bytes event, ChecksumAlgorithm checksum, const TableColumns& table,
                         const std::function<Status(RowChange)>& visit);

}  // namespace binrelay
