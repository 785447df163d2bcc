#include "protocol/packet/send_buffer.h"

#include <algorithm>
#include <cstring>

#include "protocol/check.h"

namespace binrelay {

Bytes SendBuffer::bytes() const {
  BINRELAY_CHECK(!has_lent(), "what was lent lies elsewhere");
  return {room_.get(), size_};
}

std::span<const Bytes> SendBuffer::pieces() {
  pieces_.clear();
  std::size_t begin = 0;
  for (const Lent& lent : lent_) {
    if (lent.before > begin) pieces_.emplace_back(room_.get() + begin, lent.before - begin);
    pieces_.push_back(lent.bytes);
    begin = lent.before;
  }
  if (size_ > begin) pieces_.emplace_back(room_.get() + begin, size_ - begin);
  return pieces_;
}

void SendBuffer::clear() {
  size_ = lent_size_ = 0;
  lent_.clear();
}

void SendBuffer::lend(Bytes bytes) {
  if (bytes.empty()) return;
  lent_.push_back({size_, bytes});
  lent_size_ += bytes.size();
}

void SendBuffer::append(Bytes bytes) {
  if (bytes.empty()) return;
  std::memcpy(begin_append(bytes.size()), bytes.data(), bytes.size());
  end_append(bytes.size());
}

void SendBuffer::drop_front(std::size_t count) {
  BINRELAY_CHECK(count <= size(), "only what is there goes");
  if (count == size()) return clear();
  SendBuffer rest;
  for (Bytes piece : pieces()) {
    const std::size_t gone = std::min(count, piece.size());
    count -= gone;
    rest.append(piece.subspan(gone));
  }
  *this = std::move(rest);
}

void SendBuffer::release_above(std::size_t kept) {
  BINRELAY_CHECK(empty(), "what is to be sent is kept");
  if (capacity_ <= kept) return;
  room_.reset();
  capacity_ = 0;
  std::vector<Lent>().swap(lent_);
  std::vector<Bytes>().swap(pieces_);
}

void SendBuffer::grow(std::size_t count) {
  const std::size_t capacity = std::max(2 * capacity_, size_ + count);
  auto room = std::make_unique_for_overwrite<std::byte[]>(capacity);
  if (size_ != 0) std::memcpy(room.get(), room_.get(), size_);
  room_ = std::move(room);
  capacity_ = capacity;
}

}  // namespace binrelay
