#pragma once
// What prepared statements bring: the answer to COM_STMT_PREPARE, and the values of COM_STMT_EXECUTE (MySQL manual,
// "COM_STMT_PREPARE Response", "COM_STMT_EXECUTE", "Binary Protocol Value").
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/bytes.h"
#include "protocol/packet/replies.h"
#include "protocol/result.h"

namespace binrelay {

struct ParameterType {
  std::uint8_t type = 0;
  bool is_unsigned = false;
};

// A value as SQL text would say it, without quotes.
struct ParameterValue {
  std::string text;
  bool is_number = false;
};
using ParameterValues = std::vector<std::optional<ParameterValue>>;  // nullopt: NULL

// `request`: what follows the statement's id. `long_data`: what COM_STMT_SEND_LONG_DATA brought, by parameter; it
// stands for a value. A request that brings no types means those of the last one, which `types` holds. Errc::malformed,
// Errc::short_input, Errc::unsupported (a type no value may have).
Result<ParameterValues> decode_execute(Bytes request, const std::vector<std::optional<std::string>>& long_data,
                                       std::vector<ParameterType>* types);

// The packets that answer COM_STMT_PREPARE: the statement's id, its parameters, and the columns it will have ({}:
// none).
void append_prepared(ByteBuffer& out, std::uint32_t statement_id, std::size_t parameters, const ResultSet& columns,
                     std::uint8_t* sequence);

}  // namespace binrelay
