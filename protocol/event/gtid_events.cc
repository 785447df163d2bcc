#include "protocol/event/events.h"
#include "protocol/limits.h"
#include "protocol/wire/byte_reader.h"
#include "protocol/wire/mysql_varint.h"

namespace binrelay {
namespace {

constexpr std::uint8_t kLogicalClock = 2;  // the type byte before last_committed; absent before MySQL 5.7

constexpr std::size_t kMariadbGtidSize = 19;

Error short_gtid() { return Error{Errc::short_input, "GTID event"}; }

// GTID (33) and ANONYMOUS (34): fields were appended over the years, so the body may end after any of the groups.
Result<MysqlGtidEvent> decode_untagged(Bytes body) {
  constexpr std::uint64_t kTopBitOf56 = 1ull << 55;
  ByteReader in(body);
  MysqlGtidEvent event;
  event.flags = in.u8();
  const Bytes uuid = in.take(16);
  event.gtid.number = in.u64();
  if (in.failed()) return short_gtid();
  event.gtid.source.uuid = uuid_from_bytes(uuid);

  if (in.at_end() || in.u8() != kLogicalClock) return event;
  event.last_committed = static_cast<std::int64_t>(in.u64());
  event.sequence_number = static_cast<std::int64_t>(in.u64());
  if (!in.failed() && !in.at_end()) {  // MySQL 8.0.1
    const std::uint64_t immediate = in.u56();
    event.immediate_commit_us = immediate & ~kTopBitOf56;
    event.original_commit_us = immediate & kTopBitOf56 ? in.u56() : event.immediate_commit_us;
  }
  if (!in.failed() && !in.at_end()) event.transaction_length = in.length_encoded();  // MySQL 8.0.2
  if (in.failed()) return short_gtid();
  return event;
}

// Field ids of the tagged event; a field may be absent, ids ascend.
enum class TaggedField : std::uint64_t {
  flags = 0,
  uuid,
  number,
  tag,
  last_committed,
  sequence_number,
  immediate_commit,
  original_commit,
  transaction_length,
  immediate_server_version,
  original_server_version,
  commit_group_ticket,
  first_unknown,
};

Status read_tagged_field(TaggedField field, ByteReader& in, MysqlGtidEvent& event) {
  switch (field) {
    case TaggedField::flags:
      event.flags = static_cast<std::uint8_t>(read_mysql_varint(in));
      break;
    case TaggedField::uuid:
      for (std::uint8_t& byte : event.gtid.source.uuid.bytes) {
        const std::uint64_t value = read_mysql_varint(in);
        if (value > 0xff) return Error{Errc::malformed, "tagged GTID event: UUID"};
        byte = static_cast<std::uint8_t>(value);
      }
      break;
    case TaggedField::number:
      event.gtid.number = static_cast<std::uint64_t>(zigzag_decoded(read_mysql_varint(in)));
      break;
    case TaggedField::tag: {
      const std::string_view tag = in.text(read_mysql_varint(in));
      if (!in.failed() && !tag.empty()) {
        BINRELAY_ASSIGN(event.gtid.source.tag, parse_gtid_tag(tag));
      }
      break;
    }
    case TaggedField::last_committed:
      event.last_committed = zigzag_decoded(read_mysql_varint(in));
      break;
    case TaggedField::sequence_number:
      event.sequence_number = zigzag_decoded(read_mysql_varint(in));
      break;
    case TaggedField::immediate_commit:
      event.immediate_commit_us = read_mysql_varint(in);
      event.original_commit_us = event.immediate_commit_us;
      break;
    case TaggedField::original_commit:
      event.original_commit_us = read_mysql_varint(in);
      break;
    case TaggedField::transaction_length:
      event.transaction_length = read_mysql_varint(in);
      break;
    default:
      read_mysql_varint(in);
  }
  return Done{};
}

// One message of MySQL's serialization library: version, size, last id that must be known, then (id, value) pairs.
Result<MysqlGtidEvent> decode_tagged(Bytes body) {
  constexpr std::uint64_t kMessageVersion = 1;
  constexpr auto kFirstUnknown = static_cast<std::uint64_t>(TaggedField::first_unknown);
  ByteReader in(body);
  const std::uint64_t version = read_mysql_varint(in);
  const std::uint64_t size = read_mysql_varint(in);
  const std::uint64_t last_needed = read_mysql_varint(in);
  if (in.failed()) return short_gtid();
  if (version != kMessageVersion) return Error{Errc::unsupported, "tagged GTID event: message version"};
  if (size != body.size()) return Error{Errc::malformed, "tagged GTID event: message size"};
  if (last_needed >= kFirstUnknown) return Error{Errc::unsupported, "tagged GTID event: a field that must be known"};

  MysqlGtidEvent event;
  std::uint64_t next_id = 0;
  while (!in.at_end()) {
    const std::uint64_t id = read_mysql_varint(in);
    if (id >= kFirstUnknown) break;  // a later version's: ignorable, or last_needed would have said so
    if (in.failed() || id < next_id) return Error{Errc::malformed, "tagged GTID event: fields out of order"};
    next_id = id + 1;
    BINRELAY_TRY(read_tagged_field(static_cast<TaggedField>(id), in, event));
  }
  if (in.failed()) return short_gtid();
  return event;
}

}  // namespace

Result<MysqlGtidEvent> decode_mysql_gtid(Bytes event, ChecksumAlgorithm checksum) {
  BINRELAY_ASSIGN(const Bytes body, event_body(event, checksum));
  const auto type = static_cast<EventType>(event[kTypeOffset]);
  auto decoded = type == EventType::gtid_tagged ? decode_tagged(body) : decode_untagged(body);
  if (!decoded) return decoded;
  if (type == EventType::anonymous_gtid) {
    decoded->anonymous = true;
    decoded->gtid = {};
  } else if (decoded->gtid.number == 0 || decoded->gtid.number > kMaxGtidNumber) {
    return Error{Errc::malformed, "GTID event: number " + std::to_string(decoded->gtid.number)};
  }
  return decoded;
}

Result<MariadbGtidEvent> decode_mariadb_gtid(Bytes event, ChecksumAlgorithm checksum) {
  BINRELAY_ASSIGN(const EventHeader header, decode_event_header(event));
  BINRELAY_ASSIGN(const Bytes body, event_body(event, checksum));
  ByteReader in(body);
  MariadbGtidEvent decoded;
  decoded.gtid.server = static_cast<std::uint32_t>(header.server_id);
  decoded.gtid.sequence = in.u64();
  decoded.gtid.domain = in.u32();
  decoded.flags = in.u8();
  if (decoded.flags & MariadbGtidEvent::kGroupCommitId) decoded.commit_id = in.u64();
  if (decoded.flags & (MariadbGtidEvent::kPreparedXa | MariadbGtidEvent::kCompletedXa)) {
    const auto format_id = static_cast<std::int32_t>(in.u32());
    const std::uint8_t gtrid_length = in.u8();
    const std::uint8_t bqual_length = in.u8();
    const std::string_view gtrid = in.text(gtrid_length);
    decoded.xa_id = xa_id_text(format_id, gtrid, in.text(bqual_length));
  }
  // Zeros fill up a short body, so they read as "no extra flags". A thread id may follow (MariaDB 11.5): nothing needs
  // it.
  if (!in.at_end()) decoded.extra_flags = in.u8();
  if (decoded.extra_flags & MariadbGtidEvent::kExtraEngines) in.skip(1);
  if (decoded.extra_flags & (MariadbGtidEvent::kCommitAlter | MariadbGtidEvent::kRollbackAlter)) {
    decoded.start_alter_sequence = in.u64();
  }
  if (in.failed() || body.size() < kMariadbGtidSize) return short_gtid();
  return decoded;
}

Result<MysqlGtidSet> decode_previous_gtids(Bytes event, ChecksumAlgorithm checksum) {
  BINRELAY_ASSIGN(const Bytes body, event_body(event, checksum));
  return MysqlGtidSet::decode(body);
}

Result<MariadbGtidList> decode_mariadb_gtid_list(Bytes event, ChecksumAlgorithm checksum) {
  constexpr std::uint32_t kCountMask = (1u << 28) - 1;
  constexpr std::size_t kEntrySize = 16;
  BINRELAY_ASSIGN(const Bytes body, event_body(event, checksum));
  ByteReader in(body);
  const std::uint32_t head = in.u32();
  const std::uint32_t count = head & kCountMask;
  if (in.failed()) return Error{Errc::short_input, "GTID list"};
  if (count > kMaxMariadbDomains) return Error{Errc::limit, "GTID list: " + std::to_string(count) + " entries"};
  // An empty list is padded: MariaDB once read a smaller event as broken.
  const bool size_fits = count == 0 ? in.remaining() <= kEntrySize : in.remaining() == count * kEntrySize;
  if (!size_fits) return Error{Errc::malformed, "GTID list: size and count disagree"};

  MariadbGtidList list;
  list.flags = static_cast<std::uint8_t>(head >> 28);
  list.gtids.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    MariadbGtid gtid;
    gtid.domain = in.u32();
    gtid.server = in.u32();
    gtid.sequence = in.u64();
    list.gtids.push_back(gtid);
  }
  return list;
}

}  // namespace binrelay
