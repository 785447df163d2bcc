#include "protocol/packet/send_buffer.h"

#include <algorithm>
#include <cstring>

#include "protocol/check.h"

namespace binrelay {

void SendBuffer::append(Bytes bytes) {
  if (bytes.empty()) return;
  std::memcpy(begin_append(bytes.size()), bytes.data(), bytes.size());
  end_append(bytes.size());
}

void SendBuffer::release_above(std::size_t kept) {
  BINRELAY_CHECK(empty(), "what is to be sent is kept");
  if (capacity_ <= kept) return;
  room_.reset();
  capacity_ = 0;
}

void SendBuffer::grow(std::size_t count) {
  const std::size_t capacity = std::max(2 * capacity_, size_ + count);
  auto room = std::make_unique_for_overwrite<std::byte[]>(capacity);
  if (size_ != 0) std::memcpy(room.get(), room_.get(), size_);
  room_ = std::move(room);
  capacity_ = capacity;
}

}  // namespace binrelay
