#pragma once
// PacketBlocks reads the packets of a replication stream from a socket in blocks, and hands most of them out where they
// lie: no system call and no copy for each. For a connection that the client library has logged in, and that neither
// TLS nor compression changes.
// Thread: the upstream's; shutdown() of the socket from any other ends a wait. Owner: MysqlSource. Borrows the socket.
// Format: MySQL manual, "Protocol::Packet".
#include <chrono>
#include <cstdint>
#include <memory>

#include "protocol/bytes.h"
#include "protocol/result.h"

namespace binrelay {

class PacketBlocks {
 public:
  static constexpr std::size_t kBlockSize = 256u << 10;

  // `read_ahead`: bytes of the stream that have been read from the socket already. The socket may block or not: some
  // versions of the client library leave it so, some the other way. `patience`: how long nothing may come.
  PacketBlocks(int socket, std::size_t max_payload, std::chrono::milliseconds patience, Bytes read_ahead);

  // The next payload, joined if it was split; valid until the next call. `before_event`: how many bytes of it stand
  // before the event. Errc::connection: the stream has ended, or nothing came in time; Errc::limit: a payload larger
  // than `max_payload`.
  Result<Bytes> next(std::size_t before_event);
  bool whole_packet_at_hand() const;
  // What has been read and not handed out, packets as they came, the last of them perhaps in part; pass_over() is for
  // whole ones. Valid until the next call of next().
  Bytes at_hand() const { return unread(); }
  void pass_over(std::size_t bytes);

 private:
  Bytes unread() const { return {block_.get() + begin_, filled_ - begin_}; }
  Status read_some();
  Status wait_for_bytes() const;
  Status wait_for(std::size_t bytes);
  Result<Bytes> join(std::size_t size, std::size_t before_event);

  int socket_;
  std::size_t max_payload_;
  std::chrono::milliseconds patience_;
  std::size_t begin_ = 0, filled_ = 0;
  std::unique_ptr<std::byte[]> block_;
  ByteBuffer joined_;
};

}  // namespace binrelay
