#include "relay/commands/binlog_events_reply.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "protocol/event/event_builder.h"
#include "protocol/event/events.h"
#include "relay/commands/binlog_events_columns.h"
#include "relay/commands/statement_errors.h"
#include "storage/log_cursor.h"

namespace binrelay {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kReplySize = 64u << 10;

// What is left of an answer that is being sent.
struct EventRows {
  LogCursor cursor;
  std::shared_ptr<const Segment> segment;
  std::uint64_t from = 0;       // first position asked for
  std::uint64_t to_skip = 0;    // LIMIT's offset
  std::uint64_t left = 0;       // LIMIT
  bool begins_at_from = false;  // still to be seen: MariaDB lists nothing unless an event begins there
  std::uint8_t* sequence = nullptr;
  RowFormat format = RowFormat::text;
  ResultSet head = binlog_events_columns();
  std::uint64_t end = kFirstEventOffset;  // of the last event read
  bool finished = false;
};

std::vector<std::optional<std::string>> row_of(const CursorEvent& event, const Segment& segment) {
  const std::uint64_t end = event.position.offset + event.header.size;
  std::string body = event.whole ? describe_event(event.bytes, segment.checksum) : std::string("(large event)");
  if (event.whole && event.header.type == EventType::rotate) {
    const auto rotate = decode_rotate(event.bytes, segment.checksum);
    const std::string name = rotate ? segment.series->names.of(rotate->file_name) : "";
    if (rotate && name != rotate->file_name)
      body = describe_event(build_renamed_rotate(event.bytes, name, segment.checksum), segment.checksum);
  }
  return {segment.served_name,
          std::to_string(event.position.offset),
          std::string(event_type_name(event.header.type)),
          std::to_string(static_cast<std::uint32_t>(event.header.server_id)),
          std::to_string(end),
          body};
}

Error wrong_offset() { return Error{Errc::not_found, "Wrong offset or I/O error"}; }

Error behind_the_file(std::uint64_t from, std::uint64_t end) {
  return Error{Errc::not_found, "Invalid pos specified. Requested from pos:" + std::to_string(from) +
                                    " is greater than actual file size:" + std::to_string(end)};
}

asio::awaitable<Result<RepliedWith>> refuse(PacketChannel& channel, SqlError error) {
  const ByteBuffer payload = build_error(error);
  co_return replied(co_await channel.send_payload(payload), RepliedWith::error);
}

// Fills `out` with rows up to the write size. Runs on a reader thread: it may wait for the disk.
asio::awaitable<std::optional<Error>> fill(EventRows& rows, ByteBuffer& out) {
  while (!rows.finished && out.size() < kReplySize) {
    const CursorStep step = rows.cursor.next();
    if (const auto* event = std::get_if<CursorEvent>(&step)) {
      rows.end = event->position.offset + event->header.size;
      if (event->position.offset < rows.from) continue;
      const bool right_place = !std::exchange(rows.begins_at_from, false) || event->position.offset == rows.from;
      if (!right_place) co_return wrong_offset();
      if (rows.to_skip > 0) {
        --rows.to_skip;
        continue;
      }
      if (rows.left-- == 0) {
        rows.finished = true;
        break;
      }
      append_row(out, rows.head.columns, row_of(*event, *rows.segment), rows.format, rows.sequence);
    } else if (std::get_if<NeedsRead>(&step)) {
      const auto read = rows.cursor.read(ReadMode::may_block);
      if (!read) co_return read.error();
    } else if (const auto* error = std::get_if<Error>(&step)) {
      co_return *error;
    } else {
      rows.finished = true;  // the file's end, or the log's
      if (rows.begins_at_from && rows.from < rows.end) co_return wrong_offset();
      if (rows.begins_at_from && rows.from > rows.end) co_return behind_the_file(rows.from, rows.end);
    }
  }
  co_return std::nullopt;
}

}  // namespace

asio::awaitable<Result<RepliedWith>> reply_binlog_events(ShowBinlogEventsStatement request, const RelayView& relay,
                                                         ReplyForm form, PacketChannel& channel,
                                                         asio::thread_pool& readers) {
  const auto catalog = relay.log->catalog();
  const auto segment = request.file ? catalog->find(std::string_view(*request.file)) : catalog->history_begin();
  if (!segment) {
    co_return co_await refuse(channel, binlog_events_failed("Could not find target log"));
  }
  // From the file's start always: only there is it sure that an event begins.
  auto cursor = LogCursor::open(*relay.log, LogPosition{segment->number, kFirstEventOffset});
  if (!cursor) {
    co_return co_await refuse(channel, binlog_events_failed("Could not find target log"));
  }
  EventRows rows{std::move(*cursor),
                 segment,
                 std::max(request.position.value_or(kFirstEventOffset), kFirstEventOffset),
                 request.offset,
                 request.limit.value_or(UINT64_MAX),
                 relay.source->flavour == Flavour::mariadb,
                 channel.sequence(),
                 form.format};

  ByteBuffer out;
  append_result_head(out, rows.head, channel.sequence(), form.status);
  while (!rows.finished) {
    const auto failed = co_await asio::co_spawn(readers, fill(rows, out), asio::use_awaitable);
    if (failed) {
      append_packet(out, build_error(binlog_events_failed(failed->context)), channel.sequence());
      co_return replied(co_await channel.send_raw(out), RepliedWith::error);
    }
    if (rows.finished) break;
    const Status sent = co_await channel.send_raw(out);
    if (!sent) co_return sent.error();
    out.clear();
  }
  append_packet(out, build_eof(form.status), channel.sequence());
  co_return replied(co_await channel.send_raw(out), RepliedWith::rows);
}

}  // namespace binrelay
