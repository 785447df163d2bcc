#include "protocol/packet/prepared_statement.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstdio>

#include "protocol/packet/packet_framer.h"
#include "protocol/wire/byte_reader.h"
#include "protocol/wire/byte_writer.h"

namespace binrelay {
namespace {

// Types of parameters (MySQL manual, "enum_field_types").
enum ValueKind : std::uint8_t {
  kDecimal = 0x00,
  kTiny = 0x01,
  kShort = 0x02,
  kLong = 0x03,
  kFloat = 0x04,
  kDouble = 0x05,
  kNull = 0x06,
  kTimestamp = 0x07,
  kLongLong = 0x08,
  kInt24 = 0x09,
  kDate = 0x0a,
  kTime = 0x0b,
  kDateTime = 0x0c,
  kYear = 0x0d,
  kVarchar = 0x0f,
  kBit = 0x10,
  kFirstOfStrings = 0xf5,  // JSON; behind it decimal, enum, set, blobs, strings, geometry
  kNewDecimal = 0xf6,
};
constexpr std::uint8_t kUnsigned = 0x80;

template <class Signed, class Unsigned>
ParameterValue integer(Unsigned bits, bool is_unsigned) {
  return {is_unsigned ? std::to_string(bits) : std::to_string(static_cast<Signed>(bits)), true};
}

std::optional<ParameterValue> floating(double number, int digits) {
  if (!std::isfinite(number)) return std::nullopt;  // SQL has no word for it
  std::array<char, 40> text;
  std::snprintf(text.data(), text.size(), "%.*g", digits, number);
  return ParameterValue{text.data(), true};
}

ParameterValue date_and_time(ByteReader& in, bool date_only) {
  constexpr std::size_t kDateSize = 4, kSecondsSize = 7, kMicrosecondsSize = 11;
  const std::size_t size = in.u8();
  if (size != 0 && size != kDateSize && size != kSecondsSize && size != kMicrosecondsSize) in.fail();
  ByteReader parts(in.take(size));
  const unsigned year = size == 0 ? 0 : parts.u16(), month = size == 0 ? 0 : parts.u8(),
                 day = size == 0 ? 0 : parts.u8();
  std::array<char, 64> text;
  int length = std::snprintf(text.data(), text.size(), "%04u-%02u-%02u", year, month, day);
  const auto room = [&] { return text.size() - static_cast<std::size_t>(length); };
  if (!date_only || size > kDateSize) {
    const bool clock = size > kDateSize;
    const unsigned hour = clock ? parts.u8() : 0, minute = clock ? parts.u8() : 0, second = clock ? parts.u8() : 0;
    length += std::snprintf(text.data() + length, room(), " %02u:%02u:%02u", hour, minute, second);
    if (size == kMicrosecondsSize) length += std::snprintf(text.data() + length, room(), ".%06u", parts.u32());
  }
  return {std::string(text.data(), static_cast<std::size_t>(length)), false};
}

ParameterValue time_of_day(ByteReader& in) {
  constexpr std::size_t kSecondsSize = 8, kMicrosecondsSize = 12;
  const std::size_t size = in.u8();
  if (size == 0) return {"00:00:00", false};
  if (size != kSecondsSize && size != kMicrosecondsSize) in.fail();
  ByteReader parts(in.take(size));
  const bool negative = parts.u8() != 0;
  const std::uint64_t hours = std::uint64_t{parts.u32()} * 24 + parts.u8();
  const unsigned minutes = parts.u8(), seconds = parts.u8();
  std::array<char, 64> text;
  int length = std::snprintf(text.data(), text.size(), "%s%02llu:%02u:%02u", negative ? "-" : "",
                             static_cast<unsigned long long>(hours), minutes, seconds);
  if (size == kMicrosecondsSize)
    length += std::snprintf(text.data() + length, text.size() - static_cast<std::size_t>(length), ".%06u", parts.u32());
  return {std::string(text.data(), static_cast<std::size_t>(length)), false};
}

bool is_string(std::uint8_t type) {
  return type == kDecimal || type == kVarchar || type == kBit || type >= kFirstOfStrings;
}

Result<std::optional<ParameterValue>> decode_value(ByteReader& in, ParameterType type) {
  using Value = std::optional<ParameterValue>;
  switch (type.type) {
    case kNull:
      return Value{};
    case kTiny:
      return Value{integer<std::int8_t>(in.u8(), type.is_unsigned)};
    case kShort:
    case kYear:
      return Value{integer<std::int16_t>(in.u16(), type.is_unsigned)};
    case kLong:
    case kInt24:
      return Value{integer<std::int32_t>(in.u32(), type.is_unsigned)};
    case kLongLong:
      return Value{integer<std::int64_t>(in.u64(), type.is_unsigned)};
    case kFloat:
      return floating(static_cast<double>(std::bit_cast<float>(in.u32())), 9);
    case kDouble:
      return floating(std::bit_cast<double>(in.u64()), 17);
    case kDate:
      return Value{date_and_time(in, true)};
    case kTimestamp:
    case kDateTime:
      return Value{date_and_time(in, false)};
    case kTime:
      return Value{time_of_day(in)};
    default:
      break;
  }
  if (!is_string(type.type)) return Error{Errc::unsupported, "a parameter of type " + std::to_string(type.type)};
  return Value{ParameterValue{std::string(in.length_encoded_text()), false}};
}

}  // namespace

Result<ParameterValues> decode_execute(Bytes request, const std::vector<std::optional<std::string>>& long_data,
                                       std::vector<ParameterType>* types) {
  constexpr std::size_t kCursorFlags = 1, kIterations = 4;
  const std::size_t count = long_data.size();
  ByteReader in(request);
  in.skip(kCursorFlags + kIterations);  // no cursor is ever opened: the rows follow at once
  if (count == 0)
    return in.failed() ? Result<ParameterValues>(Error{Errc::short_input, "COM_STMT_EXECUTE"}) : ParameterValues{};
  const Bytes nulls = in.take((count + 7) / 8);
  if (in.u8() == 1) {
    std::vector<ParameterType> sent(count);
    for (ParameterType& type : sent) {
      type.type = in.u8();
      type.is_unsigned = (in.u8() & kUnsigned) != 0;
    }
    if (!in.failed()) *types = std::move(sent);
  }
  if (in.failed()) return Error{Errc::short_input, "COM_STMT_EXECUTE"};
  if (types->size() != count) return Error{Errc::malformed, "COM_STMT_EXECUTE without types"};
  ParameterValues values(count);
  for (std::size_t i = 0; i < count; ++i) {
    if (long_data[i]) {
      values[i] = ParameterValue{*long_data[i], false};
    } else if ((std::to_integer<unsigned>(nulls[i / 8]) >> (i % 8) & 1u) == 0) {
      BINRELAY_ASSIGN(values[i], decode_value(in, (*types)[i]));
    }
  }
  if (in.failed()) return Error{Errc::short_input, "COM_STMT_EXECUTE"};
  return values;
}

void append_prepared(ByteBuffer& out, std::uint32_t statement_id, std::size_t parameters, const ResultSet& columns,
                     std::uint8_t* sequence) {
  constexpr std::uint8_t kOk = 0x00;
  constexpr std::uint16_t kNoWarnings = 0;
  ByteWriter head;
  head.u8(kOk).u32(statement_id).u16(static_cast<std::uint16_t>(columns.columns.size()));
  head.u16(static_cast<std::uint16_t>(parameters)).u8(0).u16(kNoWarnings);
  append_packet(out, head.view(), sequence);
  if (parameters > 0)
    append_column_definitions(out, ResultSet{std::vector<Column>(parameters, Column{"?"}), {}}, sequence);
  if (!columns.columns.empty()) append_column_definitions(out, columns, sequence);
}

}  // namespace binrelay
