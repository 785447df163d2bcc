#pragma once
// A column of a result set as a server describes it (MySQL manual, "Protocol::ColumnDefinition41"), to be passed on.
#include <cstdint>
#include <string>
#include <vector>

#include "protocol/bytes.h"
#include "protocol/packet/replies.h"

namespace binrelay {

struct ColumnDefinition {
  std::string schema, table, original_table, name, original_name;
  std::uint16_t character_set = 0;
  std::uint32_t length = 0;
  std::uint8_t type = 0;
  std::uint16_t flags = 0;
  std::uint8_t decimals = 0;
};

// In a binary row numbers and times have forms of their own, and the values at hand are texts: integers become BIGINT,
// times and floating numbers texts. In text rows columns stay what they are.
ColumnDefinition as_sent(ColumnDefinition column, RowFormat format);
// For append_row().
std::vector<Column> columns_of_rows(const std::vector<ColumnDefinition>& sent);
// Count, definitions, EOF.
void append_definitions(ByteBuffer& out, const std::vector<ColumnDefinition>& sent, std::uint8_t* sequence,
                        std::uint16_t status);

}  // namespace binrelay
