#pragma once
// SHOW BINLOG EVENTS: answered row by row from the log, in bounded memory.
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include "protocol/sql/statement.h"
#include "relay/commands/statement_answers.h"
#include "relay/login/packet_channel.h"

namespace binrelay {

// The channel has the whole answer, or an error, when it returns.
boost::asio::awaitable<Result<RepliedWith>> reply_binlog_events(ShowBinlogEventsStatement request,
                                                                const RelayView& relay, ReplyForm form,
                                                                PacketChannel& channel,
                                                                boost::asio::thread_pool& readers);

}  // namespace binrelay
