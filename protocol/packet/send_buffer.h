#pragma once
// SendBuffer: bytes on their way to a client, its own or lent. Grows without clearing what it grows by: at gigabytes a
// second that would be a good part of the work. Thread: one. Owner: who fills and sends it.
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "protocol/bytes.h"

namespace binrelay {

class SendBuffer {
 public:
  std::size_t size() const { return size_ + lent_size_; }
  bool empty() const { return size() == 0; }
  // Of a buffer that nothing was lent to.
  Bytes bytes() const;
  // All of it in its order; until the next call that is not const.
  std::span<const Bytes> pieces();
  void clear();
  // The first `count` bytes have gone; nothing is lent any more.
  void drop_front(std::size_t count);

  void append(Bytes bytes);
  // The same without a copy: `bytes` stay where they are until clear().
  void lend(Bytes bytes);
  bool has_lent() const { return !lent_.empty(); }
  // Room for `count` more bytes, which must be written; `taken` of them are used then.
  std::byte* begin_append(std::size_t count) {
    if (capacity_ - size_ < count) grow(count);
    return room_.get() + size_;
  }
  void end_append(std::size_t taken) { size_ += taken; }

  // Gives the memory back if it is more than `kept`. Only when empty.
  void release_above(std::size_t kept);

 private:
  struct Lent {
    std::size_t before = 0;  // of the buffer's own bytes
    Bytes bytes;
  };
  void grow(std::size_t count);

  std::unique_ptr<std::byte[]> room_;
  std::size_t size_ = 0;  // of its own bytes
  std::size_t capacity_ = 0;
  std::vector<Lent> lent_;
  std::size_t lent_size_ = 0;
  std::vector<Bytes> pieces_;
};

}  // namespace binrelay
