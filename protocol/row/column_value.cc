#include "protocol/row/column_value.h"

#include <array>
#include <bit>
#include <cstdio>

#include "protocol/event/mariadb_compression.h"
#include "protocol/row/packed_decimal.h"

namespace binrelay {
namespace {

template <class... Arguments>
std::string printed(const char* format, Arguments... arguments) {
  std::array<char, 64> text;
  const int length = std::snprintf(text.data(), text.size(), format, arguments...);
  return {text.data(), static_cast<std::size_t>(length)};
}

std::uint64_t big_endian(ByteReader& in, std::size_t bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i) value = value << 8 | in.u8();
  return value;
}

std::uint64_t little_endian(ByteReader& in, std::size_t bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i) value |= std::uint64_t{in.u8()} << (8 * i);
  return value;
}

ColumnValue integer(ByteReader& in, std::size_t bytes, bool is_unsigned) {
  const std::uint64_t bits = little_endian(in, bytes);
  if (is_unsigned) return bits;
  const unsigned unused = static_cast<unsigned>(64 - 8 * bytes);
  return static_cast<std::int64_t>(bits << unused) >> unused;
}

std::size_t fraction_bytes(unsigned digits) { return (digits + 1) / 2; }

// Microseconds of the fraction behind a temporal value.
std::uint64_t microseconds(ByteReader& in, unsigned digits) {
  constexpr std::array<unsigned, 4> kScale{0, 10000, 100, 1};
  const std::size_t bytes = fraction_bytes(digits);
  return bytes == 0 ? 0 : big_endian(in, bytes) * kScale[bytes];
}

std::string fraction_text(std::uint64_t micros, unsigned digits) {
  return digits == 0 ? "" : "." + printed("%06llu", static_cast<unsigned long long>(micros)).substr(0, digits);
}

ColumnValue date(ByteReader& in) {
  const auto bits = static_cast<unsigned>(little_endian(in, 3));
  return printed("%04u-%02u-%02u", bits >> 9, bits >> 5 & 15u, bits & 31u);
}

ColumnValue old_time(ByteReader& in) {
  const std::int64_t number = static_cast<std::int64_t>(little_endian(in, 3) << 40) >> 40;
  const auto size = static_cast<unsigned>(number < 0 ? -number : number);
  return printed("%s%02u:%02u:%02u", number < 0 ? "-" : "", size / 10000, size / 100 % 100, size % 100);
}

ColumnValue old_datetime(ByteReader& in) {
  const std::uint64_t number = in.u64();
  const auto day = static_cast<unsigned>(number / 1000000), clock = static_cast<unsigned>(number % 1000000);
  return printed("%04u-%02u-%02u %02u:%02u:%02u", day / 10000, day / 100 % 100, day % 100, clock / 10000,
                 clock / 100 % 100, clock % 100);
}

ColumnValue timestamp(std::uint64_t seconds, std::uint64_t micros, unsigned digits) {
  return std::to_string(seconds) + fraction_text(micros, digits);
}

// 1 bit sign, 17 bits year * 13 + month, 5 day, 5 hour, 6 minute, 6 second.
ColumnValue datetime(ByteReader& in, unsigned digits) {
  const std::uint64_t bits = big_endian(in, 5);
  const auto months = static_cast<unsigned>(bits >> 22 & 0x1ffffu);
  const std::uint64_t micros = microseconds(in, digits);
  return printed("%04u-%02u-%02u %02u:%02u:%02u", months / 13, months % 13, static_cast<unsigned>(bits >> 17 & 31u),
                 static_cast<unsigned>(bits >> 12 & 31u), static_cast<unsigned>(bits >> 6 & 63u),
                 static_cast<unsigned>(bits & 63u)) +
         fraction_text(micros, digits);
}

// 1 bit sign, 1 unused, 10 hour, 6 minute, 6 second, and the fraction: together a number that is negative as a whole.
ColumnValue time(ByteReader& in, unsigned digits) {
  const std::size_t fraction = fraction_bytes(digits);
  const unsigned fraction_bits = static_cast<unsigned>(8 * fraction);
  const std::uint64_t stored = big_endian(in, 3 + fraction);
  const std::int64_t number = static_cast<std::int64_t>(stored) - (std::int64_t{0x800000} << fraction_bits);
  const auto size = static_cast<std::uint64_t>(number < 0 ? -number : number);
  const auto clock = static_cast<unsigned>(size >> fraction_bits);
  constexpr std::array<unsigned, 4> kScale{0, 10000, 100, 1};
  const std::uint64_t micros = (size & ((1ull << fraction_bits) - 1)) * kScale[fraction];
  return printed("%s%02u:%02u:%02u", number < 0 ? "-" : "", clock >> 12 & 1023u, clock >> 6 & 63u, clock & 63u) +
         fraction_text(micros, digits);
}

std::string bytes_with_length(ByteReader& in, std::size_t length_bytes) {
  return std::string(in.text(little_endian(in, length_bytes)));
}

Result<ColumnValue> decompressed(const std::string& stored) {
  BINRELAY_ASSIGN(std::string whole, inflate_mariadb_column(as_bytes(stored), kMaxColumnBytes));
  return ColumnValue(std::move(whole));
}

bool fits(unsigned value, unsigned least, unsigned most) { return value >= least && value <= most; }

Error bad_layout(const ColumnLayout& column) {
  return Error{Errc::malformed, "table map event: a column of type " +
                                    std::to_string(static_cast<unsigned>(column.kind)) + " and size " +
                                    std::to_string(column.size)};
}

Result<ColumnValue> read_value(ByteReader& in, const ColumnLayout& column) {
  const unsigned size = column.size;
  switch (column.kind) {
    case ColumnKind::tiny:
      return integer(in, 1, column.is_unsigned);
    case ColumnKind::short_:
      return integer(in, 2, column.is_unsigned);
    case ColumnKind::int24:
      return integer(in, 3, column.is_unsigned);
    case ColumnKind::long_:
      return integer(in, 4, column.is_unsigned);
    case ColumnKind::long_long:
      return integer(in, 8, column.is_unsigned);
    case ColumnKind::float_:
      return ColumnValue(static_cast<double>(std::bit_cast<float>(in.u32())));
    case ColumnKind::double_:
      return ColumnValue(std::bit_cast<double>(in.u64()));
    case ColumnKind::new_decimal: {
      BINRELAY_ASSIGN(std::string number, read_packed_decimal(in, size >> 8, size & 255u));
      return ColumnValue(std::move(number));
    }
    case ColumnKind::year: {
      const unsigned year = in.u8();
      return ColumnValue(std::uint64_t{year == 0 ? 0 : year + 1900});
    }
    case ColumnKind::date:
    case ColumnKind::new_date:
      return date(in);
    case ColumnKind::time:
      return old_time(in);
    case ColumnKind::datetime:
      return old_datetime(in);
    case ColumnKind::timestamp:
      return timestamp(in.u32(), 0, 0);
    case ColumnKind::timestamp2: {
      if (size > 6) return bad_layout(column);
      const std::uint64_t seconds = big_endian(in, 4);
      return timestamp(seconds, microseconds(in, size), size);
    }
    case ColumnKind::datetime2:
      return size > 6 ? Result<ColumnValue>(bad_layout(column)) : datetime(in, size);
    case ColumnKind::time2:
      return size > 6 ? Result<ColumnValue>(bad_layout(column)) : time(in, size);
    case ColumnKind::bit: {  // bits left over, whole bytes
      const std::size_t bytes = (size & 255u) + (size >> 8 != 0 ? 1 : 0);
      if (bytes > 8) return bad_layout(column);
      return ColumnValue(big_endian(in, bytes));
    }
    case ColumnKind::enum_:
      return fits(size & 255u, 1, 2) ? Result<ColumnValue>(little_endian(in, size & 255u)) : bad_layout(column);
    case ColumnKind::set:
      return fits(size & 255u, 1, 8) ? Result<ColumnValue>(little_endian(in, size & 255u)) : bad_layout(column);
    case ColumnKind::varchar:
    case ColumnKind::var_string:
    case ColumnKind::string:
      return ColumnValue(bytes_with_length(in, size > 255 ? 2 : 1));
    case ColumnKind::mariadb_compressed_varchar:
      return decompressed(bytes_with_length(in, size > 255 ? 2 : 1));
    case ColumnKind::mariadb_compressed_blob:
      return fits(size, 1, 4) ? decompressed(bytes_with_length(in, size)) : bad_layout(column);
    case ColumnKind::tiny_blob:
    case ColumnKind::medium_blob:
    case ColumnKind::long_blob:
    case ColumnKind::blob:
    case ColumnKind::json:
    case ColumnKind::geometry:
    case ColumnKind::vector:
      return fits(size, 1, 4) ? Result<ColumnValue>(bytes_with_length(in, size)) : bad_layout(column);
    case ColumnKind::decimal:  // of servers before 5.0
    case ColumnKind::null:
      break;
  }
  return Error{Errc::unsupported, "a value of column type " + std::to_string(static_cast<unsigned>(column.kind))};
}

}  // namespace

Result<ColumnValue> decode_column_value(ByteReader& in, const ColumnLayout& column) {
  auto value = read_value(in, column);
  if (value.ok() && in.failed()) return Error{Errc::short_input, "rows event: a value"};
  return value;
}

Result<JsonDifferences> decode_json_differences(ByteReader& in) {
  const std::uint32_t size = in.u32();
  ByteReader each(in.take(size));
  if (in.failed()) return Error{Errc::short_input, "rows event: differences of a JSON document"};
  JsonDifferences differences;
  while (!each.at_end()) {
    const std::uint8_t operation = each.u8();
    if (operation > static_cast<std::uint8_t>(JsonDifference::Operation::remove))
      return Error{Errc::malformed, "rows event: a difference of a JSON document"};
    JsonDifference difference{static_cast<JsonDifference::Operation>(operation), {}, {}};
    difference.path = as_text(each.take(each.length_encoded()));
    if (difference.operation != JsonDifference::Operation::remove)
      difference.value = as_text(each.take(each.length_encoded()));
    if (each.failed()) return Error{Errc::malformed, "rows event: a difference of a JSON document"};
    differences.push_back(std::move(difference));
  }
  return differences;
}

}  // namespace binrelay
