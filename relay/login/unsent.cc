#include "relay/login/unsent.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>

namespace binrelay {

namespace {

constexpr std::size_t kPiecesAtOnce = 128;  // the kernel takes 1024

}  // namespace

bool Unsent::send_some(int socket) {
  std::array<iovec, kPiecesAtOnce> parts;
  std::size_t count = 0;
  for (const Bytes piece : pieces_) {
    if (count == parts.size()) break;
    const Bytes left = piece.subspan(count == 0 ? passed_ : 0);
    parts[count++] = {const_cast<std::byte*>(left.data()), left.size()};
  }
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = count;
  const ssize_t taken = ::sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (taken < 0) return false;
  taken_ += static_cast<std::size_t>(taken);
  pass_over(static_cast<std::size_t>(taken));
  return true;
}

void Unsent::pass_over(std::size_t taken) {
  passed_ += taken;
  while (!pieces_.empty() && passed_ >= pieces_.front().size()) {
    passed_ -= pieces_.front().size();
    pieces_ = pieces_.subspan(1);
  }
}

}  // namespace binrelay
