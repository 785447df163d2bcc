#include "relay/passthrough/metadata_reply.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "protocol/packet/packet_framer.h"

namespace binrelay {

namespace asio = boost::asio;
using asio::awaitable;

namespace {

constexpr std::size_t kPortion = 64u << 10;

using Begun = std::variant<std::vector<ColumnDefinition>, SqlError>;
using Portion = std::variant<RowPortion, SqlError>;

awaitable<Begun> begin_there(PassThrough::Lease& lease, const MetadataRequest& request) {
  co_return lease.begin(request);
}
awaitable<Portion> next_there(PassThrough::Lease& lease) { co_return lease.next(kPortion); }

}  // namespace

awaitable<Result<RepliedWith>> reply_metadata(const MetadataRequest& request, PassThrough::Lease& lease, ReplyForm form,
                                              PacketChannel& channel, asio::thread_pool& workers) {
  Begun begun = co_await asio::co_spawn(workers, begin_there(lease, request), asio::use_awaitable);
  if (const auto* error = std::get_if<SqlError>(&begun)) {
    const ByteBuffer payload = build_error(*error);
    co_return replied(co_await channel.send_payload(payload), RepliedWith::error);
  }
  std::vector<ColumnDefinition> sent;
  for (auto& column : std::get<std::vector<ColumnDefinition>>(begun))
    sent.push_back(as_sent(std::move(column), form.format));
  if (sent.empty()) {
    const ByteBuffer ok = build_ok(0, form.status);
    co_return replied(co_await channel.send_payload(ok), RepliedWith::rows);
  }
  const std::vector<Column> columns = columns_of_rows(sent);
  ByteBuffer out;
  append_definitions(out, sent, channel.sequence(), form.status);
  for (;;) {
    const Portion portion = co_await asio::co_spawn(workers, next_there(lease), asio::use_awaitable);
    if (const auto* error = std::get_if<SqlError>(&portion)) {
      append_packet(out, build_error(*error), channel.sequence());
      co_return replied(co_await channel.send_raw(out), RepliedWith::error);
    }
    const auto& rows = std::get<RowPortion>(portion);
    for (const TextRow& row : rows.rows) {
      if (!request.shown || request.shown(row)) append_row(out, columns, row, form.format, channel.sequence());
    }
    if (rows.last) break;
    const Status taken = co_await channel.send_raw(out);
    if (!taken) co_return taken.error();
    out.clear();
  }
  append_packet(out, build_eof(form.status), channel.sequence());
  co_return replied(co_await channel.send_raw(out), RepliedWith::rows);
}

awaitable<std::variant<bool, SqlError>> any_row(const MetadataRequest& request, PassThrough::Lease& lease,
                                                asio::thread_pool& workers) {
  Begun begun = co_await asio::co_spawn(workers, begin_there(lease, request), asio::use_awaitable);
  if (auto* error = std::get_if<SqlError>(&begun)) co_return std::move(*error);
  bool any = false;
  for (bool last = false; !last;) {
    Portion portion = co_await asio::co_spawn(workers, next_there(lease), asio::use_awaitable);
    if (auto* error = std::get_if<SqlError>(&portion)) co_return std::move(*error);
    any |= !std::get<RowPortion>(portion).rows.empty();
    last = std::get<RowPortion>(portion).last;
  }
  co_return any;
}

}  // namespace binrelay
