#include "relay/upstream/start_search.h"

#include "protocol/event/event_checksum.h"
#include "protocol/event/events.h"
#include "relay/upstream/source_error.h"

namespace binrelay {
namespace {

// The first event of every dump names the file. The session has announced CRC32, so it carries a checksum.
Result<std::string> read_named_file(EventSource& source, Flavour flavour) {
  const auto event = source.next_event();
  if (!event) return explained(event.error(), source.server_error(), flavour);
  BINRELAY_ASSIGN(const EventHeader header, decode_event_header(*event));
  if (header.size != event->size() || header.type != EventType::rotate ||
      event->size() < kEventHeaderSize + kChecksumSize || !event_checksum_holds(*event)) {
    return Error{Errc::malformed, "the source's dump does not begin with the name of a file"};
  }
  BINRELAY_ASSIGN(const RotateView rotate, decode_rotate(*event, ChecksumAlgorithm::crc32));
  return std::string(rotate.file_name);
}

// The header timestamp of a file's format description: when the file was begun.
Result<std::uint32_t> read_begin_time(EventSource& source, Flavour flavour, const std::string& file,
                                      ServerId server_id) {
  BINRELAY_TRY(source.start_dump({.file = file, .server_id = server_id}));
  BINRELAY_ASSIGN(const std::string named, read_named_file(source, flavour));
  const auto event = source.next_event();
  if (!event) return explained(event.error(), source.server_error(), flavour);
  BINRELAY_ASSIGN(const EventHeader header, decode_event_header(*event));
  if (named != file || header.type != EventType::format_description) {
    return Error{Errc::malformed, "the source's dump of " + file + " does not begin with its format description"};
  }
  return header.timestamp;
}

}  // namespace

Result<std::string> find_file_by_gtid(EventSource& source, Flavour flavour, const std::string& set,
                                      ServerId server_id) {
  BinlogDump dump{.server_id = server_id};
  if (flavour == Flavour::mysql) {
    BINRELAY_ASSIGN(const MysqlGtidSet known, MysqlGtidSet::parse(set));
    dump.gtids = known.encode();
  } else {
    BINRELAY_ASSIGN(const MariadbPosition known, MariadbPosition::parse(set));
    BINRELAY_TRY(source.query("SET @slave_connect_state = '" + known.to_text() + "', @slave_gtid_strict_mode = 0"));
  }
  BINRELAY_TRY(source.start_dump(dump));
  return read_named_file(source, flavour);
}

std::string position_text(const GtidState& state) {
  const auto* mariadb = std::get_if<MariadbBinlogState>(&state);
  return mariadb ? mariadb->position().to_text() : to_text(state);
}

Result<std::string> find_file_by_time(EventSource& source, const SourceFacts& facts, std::int64_t time,
                                      ServerId server_id, const Reconnect& reconnect) {
  // Files are in the order they were begun. Invariant: files before `low` are old enough, files from `high` on are too
  // young.
  std::size_t low = 0, high = facts.files.size();
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    BINRELAY_TRY(reconnect());
    BINRELAY_ASSIGN(const std::uint32_t begun,
                    read_begin_time(source, facts.identity.flavour, facts.files[middle].name, server_id));
    if (begun <= time)
      low = middle + 1;
    else
      high = middle;
  }
  return facts.files[low == 0 ? 0 : low - 1].name;
}

}  // namespace binrelay
