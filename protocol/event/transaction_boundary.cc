#include "protocol/event/transaction_boundary.h"

#include <string>

#include "protocol/event/events.h"
#include "protocol/wire/ascii.h"

namespace binrelay {
namespace {

Error cannot_follow(const EventHeader& header, std::uint64_t offset, const char* why) {
  return Error{Errc::malformed,
               std::string(event_type_name(header.type)) + " event at offset " + std::to_string(offset) + ": " + why};
}

bool starts_with_word(std::string_view text, std::string_view upper_case_words) {
  if (text.size() < upper_case_words.size()) return false;
  for (std::size_t i = 0; i < upper_case_words.size(); ++i) {
    if (upper(text[i]) != upper_case_words[i]) return false;
  }
  return true;
}

// The server itself writes these texts, so their form is fixed. ROLLBACK TO goes back to a savepoint and ends nothing.
bool commits_or_rolls_back(std::string_view text) {
  return text == "COMMIT" || (starts_with_word(text, "ROLLBACK") && !starts_with_word(text, "ROLLBACK TO "));
}
bool ends_prepared_xa(std::string_view text) {
  return starts_with_word(text, "XA COMMIT") || starts_with_word(text, "XA ROLLBACK");
}
bool begins_transaction(std::string_view text) { return text == "BEGIN" || starts_with_word(text, "XA START"); }

}  // namespace

void TransactionBoundary::start_file(Flavour flavour, ChecksumAlgorithm checksum) {
  *this = TransactionBoundary{};
  flavour_ = flavour;
  checksum_ = checksum;
}

Result<BoundaryPlace> TransactionBoundary::on_event(const EventHeader& header, Bytes event, std::uint64_t offset) {
  if (is_gtid(header.type)) return on_gtid(header, event, offset);
  return in_group_ ? in_open_group(header, event, offset) : without_gtid(header, event, offset);
}

Result<BoundaryPlace> TransactionBoundary::on_gtid(const EventHeader& header, Bytes event, std::uint64_t offset) {
  if (in_group_) return cannot_follow(header, offset, "the group before it has not ended");
  const Flavour writer = header.type == EventType::mariadb_gtid ? Flavour::mariadb : Flavour::mysql;
  if (writer != flavour_) return cannot_follow(header, offset, "it is of the other server family");
  return writer == Flavour::mariadb ? on_mariadb_gtid(event, offset) : on_mysql_gtid(header, event, offset);
}

Result<BoundaryPlace> TransactionBoundary::on_mysql_gtid(const EventHeader& header, Bytes event, std::uint64_t offset) {
  auto decoded = decode_mysql_gtid(event, checksum_);
  if (!decoded) return std::move(decoded).error();
  std::optional<AnyGtid> gtid;
  if (!decoded->anonymous) gtid.emplace(std::move(decoded->gtid));
  const std::uint64_t length = decoded->transaction_length;
  if (length == 0) {  // MySQL 5.7: one statement unless a BEGIN follows
    open(EndsAt::next_query, offset, std::move(gtid));
    return BoundaryPlace::group_begin;
  }
  if (length < header.size || length > UINT64_MAX - offset)
    return cannot_follow(header, offset, "impossible transaction length");
  open(EndsAt::expected_end, offset, std::move(gtid));
  expected_end_ = offset + length;
  in_group_ = length > header.size;
  return in_group_ ? BoundaryPlace::group_begin : BoundaryPlace::group_whole;
}

Result<BoundaryPlace> TransactionBoundary::on_mariadb_gtid(Bytes event, std::uint64_t offset) {
  BINRELAY_ASSIGN(const MariadbGtidEvent decoded, decode_mariadb_gtid(event, checksum_));
  // The end of a prepared XA transaction is one QUERY too, and may be compressed: the flag tells, the text need not.
  constexpr std::uint8_t kOneStatement = MariadbGtidEvent::kStandalone | MariadbGtidEvent::kCompletedXa;
  open(decoded.flags & kOneStatement ? EndsAt::next_query : EndsAt::commit, offset, decoded.gtid);
  return BoundaryPlace::group_begin;
}

Result<BoundaryPlace> TransactionBoundary::in_open_group(const EventHeader& header, Bytes event, std::uint64_t offset) {
  if (belongs_to_file(header.type)) return cannot_follow(header, offset, "the group before it has not ended");
  BINRELAY_ASSIGN(const bool ends, ends_group(header, event, offset));
  in_group_ = !ends;
  return ends ? BoundaryPlace::group_end : BoundaryPlace::group_middle;
}

// Every group of MySQL >= 5.7 and MariaDB >= 10.0 begins with a GTID event; older ones begin with a QUERY or what
// belongs to one.
Result<BoundaryPlace> TransactionBoundary::without_gtid(const EventHeader& header, Bytes event, std::uint64_t offset) {
  switch (header.type) {
    case EventType::query:
    case EventType::mariadb_query_compressed:
    case EventType::intvar:
    case EventType::rand:
    case EventType::user_var:
    case EventType::begin_load_query:
    case EventType::append_block:
    case EventType::execute_load_query: {
      open(EndsAt::next_query, offset, std::nullopt);
      BINRELAY_ASSIGN(const bool ends, ends_group(header, event, offset));
      in_group_ = !ends;
      return ends ? BoundaryPlace::group_whole : BoundaryPlace::group_begin;
    }
    case EventType::xid:
    case EventType::xa_prepare:
    case EventType::transaction_payload:
    case EventType::table_map:
      return cannot_follow(header, offset, "no group is open");
    default:
      if (is_rows_event(header.type)) return cannot_follow(header, offset, "no group is open");
      return BoundaryPlace::outside;
  }
}

Result<bool> TransactionBoundary::ends_group(const EventHeader& header, Bytes event, std::uint64_t offset) {
  if (ends_at_ == EndsAt::expected_end) {
    const std::uint64_t end = offset + header.size;
    if (end > expected_end_)
      return cannot_follow(header, offset, "it passes the end its group's transaction length gives");
    return end == expected_end_;
  }
  switch (header.type) {
    case EventType::xid:
    case EventType::xa_prepare:
    case EventType::transaction_payload:
      return true;
    case EventType::incident:
      return ends_at_ == EndsAt::next_query;
    case EventType::query:
    case EventType::execute_load_query:
    case EventType::mariadb_query_compressed:
      return query_ends_group(header, event);
    default:
      return false;
  }
}

Result<bool> TransactionBoundary::query_ends_group(const EventHeader& header, Bytes event) {
  BINRELAY_ASSIGN(const QueryView query, decode_query(event, checksum_));
  // MariaDB compresses no text below 10 bytes, so a compressed one is none of BEGIN, COMMIT, ROLLBACK.
  if (query.compressed || header.type == EventType::execute_load_query) return ends_at_ == EndsAt::next_query;
  if (ends_at_ == EndsAt::next_query && begins_transaction(query.text)) {
    ends_at_ = EndsAt::commit;
    return false;
  }
  return ends_at_ == EndsAt::next_query || commits_or_rolls_back(query.text) || ends_prepared_xa(query.text);
}

void TransactionBoundary::open(EndsAt ends_at, std::uint64_t offset, std::optional<AnyGtid> gtid) {
  in_group_ = true;
  ends_at_ = ends_at;
  expected_end_ = 0;
  begin_offset_ = offset;
  gtid_ = std::move(gtid);
}

}  // namespace binrelay
