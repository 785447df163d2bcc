#pragma once
// DECIMAL(precision, scale) as the binlog holds it: groups of nine digits in four bytes, big-endian, the first and last
// group shorter; the first bit inverted, and everything inverted in negative numbers (MySQL server,
// strings/decimal.cc).
#include <string>

#include "protocol/result.h"
#include "protocol/wire/byte_reader.h"

namespace binrelay {

// "-12.50": no leading zeros but one before the point. Errc::malformed: not a decimal MySQL can have.
Result<std::string> read_packed_decimal(ByteReader& in, unsigned precision, unsigned scale);

}  // namespace binrelay
