#pragma once
// SendBuffer: bytes on their way to a client. Grows without clearing what it grows by: at gigabytes a second that would
// be a good part of the work. Thread: one. Owner: who fills and sends it.
#include <cstddef>
#include <memory>

#include "protocol/bytes.h"

namespace binrelay {

class SendBuffer {
 public:
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  Bytes bytes() const { return {room_.get(), size_}; }
  void clear() { size_ = 0; }

  void append(Bytes bytes);
  // Room for `count` more bytes, which must be written; `taken` of them are used then.
  std::byte* begin_append(std::size_t count) {
    if (capacity_ - size_ < count) grow(count);
    return room_.get() + size_;
  }
  void end_append(std::size_t taken) { size_ += taken; }

  // Gives the memory back if it is more than `kept`. Only when empty.
  void release_above(std::size_t kept);

 private:
  void grow(std::size_t count);

  std::unique_ptr<std::byte[]> room_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace binrelay
