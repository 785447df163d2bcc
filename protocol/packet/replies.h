#pragma once
// Payloads a server sends: OK, ERR, EOF and text result sets (MySQL manual, "Protocol::OK_Packet" and following).
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/bytes.h"
#include "protocol/result.h"

namespace binrelay {

inline constexpr std::uint16_t kStatusAutocommit = 0x0002;
inline constexpr std::uint16_t kStatusMoreResults = 0x0008;

// An error as clients see it: code, SQLSTATE of 5 characters ("": none is sent, to one that may not know of any), text
// (cut at kMaxErrorText bytes on the wire).
struct SqlError {
  std::uint16_t code = 0;
  std::string sqlstate;
  std::string text;
};

ByteBuffer build_ok(std::uint64_t affected_rows = 0, std::uint16_t status = kStatusAutocommit,
                    std::string_view text = {}, std::uint16_t warnings = 0);
ByteBuffer build_error(const SqlError& error);
ByteBuffer build_eof(std::uint16_t status = kStatusAutocommit);
ByteBuffer build_dump_eof();  // fe 00 00 02 00

enum class ColumnType : std::uint8_t { longlong = 0x08, var_string = 0xfd, double_ = 0x05, long_ = 0x03 };

struct Column {
  std::string name;
  ColumnType type = ColumnType::var_string;
  bool is_unsigned = false;
};

// A result set of text values; a value of nullopt is NULL.
struct ResultSet {
  std::vector<Column> columns;
  std::vector<std::vector<std::optional<std::string>>> rows;
};

// How the values of a row travel: as text, or as prepared statements want them (MySQL manual, "Binary Protocol
// Resultset Row"). A number in binary is the one its text begins with, 0 when there is none.
enum class RowFormat : std::uint8_t { text, binary };
struct ReplyForm {
  RowFormat format = RowFormat::text;
  std::uint16_t status = kStatusAutocommit;  // with kStatusMoreResults: another statement of the same text follows
};

// How an answer ended that was sent row by row.
enum class RepliedWith : std::uint8_t { rows, error };
inline Result<RepliedWith> replied(const Status& sent, RepliedWith how) {
  if (!sent) return sent.error();
  return how;
}

// Column definitions and the EOF behind them.
void append_column_definitions(ByteBuffer& out, const ResultSet& result, std::uint8_t* sequence,
                               std::uint16_t status = kStatusAutocommit);
// A result too large to hold: its columns (`result.rows` only hints at widths), then row by row, then build_eof() as a
// packet.
void append_result_head(ByteBuffer& out, const ResultSet& result, std::uint8_t* sequence,
                        std::uint16_t status = kStatusAutocommit);
void append_row(ByteBuffer& out, const std::vector<Column>& columns, const std::vector<std::optional<std::string>>& row,
                RowFormat format, std::uint8_t* sequence);
// The whole result as packets appended to `out`, from *sequence on: column count, definitions, EOF, rows, EOF.
void append_result_set(ByteBuffer& out, const ResultSet& result, std::uint8_t* sequence,
                       std::uint16_t status = kStatusAutocommit, RowFormat format = RowFormat::text);

}  // namespace binrelay
