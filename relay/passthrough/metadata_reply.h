#pragma once
// Answers a statement with what the source answers, row by row in bounded memory. Thread: the session's; what waits for
// the source runs on `workers`.
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>
#include <variant>

#include "relay/login/packet_channel.h"
#include "relay/passthrough/metadata_plan.h"
#include "relay/passthrough/pass_through.h"

namespace binrelay {

// The channel has the whole answer, or an error, when it returns.
boost::asio::awaitable<Result<RepliedWith>> reply_metadata(const MetadataRequest& request, PassThrough::Lease& lease,
                                                           ReplyForm form, PacketChannel& channel,
                                                           boost::asio::thread_pool& workers);

// Whether the answer has a row.
boost::asio::awaitable<std::variant<bool, SqlError>> any_row(const MetadataRequest& request, PassThrough::Lease& lease,
                                                             boost::asio::thread_pool& workers);

}  // namespace binrelay
