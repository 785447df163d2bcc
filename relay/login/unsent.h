#pragma once
// Unsent: what of some pieces a socket has not yet taken. Thread: one. Borrows the pieces and their bytes.
#include <cstddef>
#include <span>

#include "protocol/bytes.h"

namespace binrelay {

class Unsent {
 public:
  explicit Unsent(std::span<const Bytes> pieces) : pieces_(pieces) { pass_over(0); }
  bool empty() const { return pieces_.empty(); }
  // Gives the socket what it takes without waiting. False: errno says why it took nothing.
  bool send_some(int socket);
  std::size_t taken() const { return taken_; }  // of all of them

 private:
  void pass_over(std::size_t taken);

  std::span<const Bytes> pieces_;
  std::size_t passed_ = 0;  // of the first piece
  std::size_t taken_ = 0;
};

}  // namespace binrelay
