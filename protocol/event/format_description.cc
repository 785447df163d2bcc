#include <algorithm>
#include <cctype>

#include "protocol/event/events.h"
#include "protocol/wire/byte_reader.h"

namespace binrelay {
namespace {

constexpr std::uint16_t kBinlogVersion = 4;
constexpr std::size_t kServerVersionSize = 50;
constexpr std::size_t kAlgorithmAndChecksumSize = 1 + kChecksumSize;

// The post-header lengths the other decoders count on, by event type. Types a server no longer writes may say 0.
struct PostHeader {
  EventType type;
  std::uint8_t size;
};
constexpr PostHeader kPostHeaders[] = {{EventType::query, 13}, {EventType::rotate, 8}, {EventType::table_map, 8}};

bool names_mariadb(std::string_view version) {
  constexpr std::string_view kMariadb = "mariadb";
  const auto same_letter = [](char left, char right) {
    return std::tolower(static_cast<unsigned char>(left)) == right;
  };
  return std::search(version.begin(), version.end(), kMariadb.begin(), kMariadb.end(), same_letter) != version.end();
}

}  // namespace

Result<FormatDescription> decode_format_description(Bytes event) {
  BINRELAY_ASSIGN(const Bytes body, event_body(event, ChecksumAlgorithm::none));
  if (body.size() < kAlgorithmAndChecksumSize) return Error{Errc::short_input, "format description"};

  ByteReader in(body.first(body.size() - kAlgorithmAndChecksumSize));
  FormatDescription description;
  description.binlog_version = in.u16();
  const std::string_view version = in.text(kServerVersionSize);
  description.server_version = version.substr(0, version.find('\0'));
  description.created = in.u32();
  const std::uint8_t header_size = in.u8();
  const Bytes post_header_sizes = in.rest();
  if (in.failed()) return Error{Errc::short_input, "format description"};

  if (description.binlog_version != kBinlogVersion) {
    return Error{Errc::unsupported, "format description: binlog version " + std::to_string(description.binlog_version)};
  }
  if (header_size != kEventHeaderSize) {
    return Error{Errc::unsupported, "format description: event headers of " + std::to_string(header_size) + " bytes"};
  }
  for (const PostHeader& expected : kPostHeaders) {
    const std::size_t index = static_cast<std::size_t>(expected.type) - 1;
    if (index >= post_header_sizes.size() || static_cast<std::uint8_t>(post_header_sizes[index]) != expected.size) {
      return Error{Errc::unsupported,
                   "format description: unusual layout of " + std::string(event_type_name(expected.type))};
    }
  }

  const auto algorithm = static_cast<std::uint8_t>(body[body.size() - kAlgorithmAndChecksumSize]);
  if (algorithm > static_cast<std::uint8_t>(ChecksumAlgorithm::crc32)) {
    return Error{Errc::unsupported, "format description: checksum algorithm " + std::to_string(algorithm)};
  }
  description.checksum = static_cast<ChecksumAlgorithm>(algorithm);
  description.flavour = names_mariadb(description.server_version) ? Flavour::mariadb : Flavour::mysql;
  return description;
}

}  // namespace binrelay
