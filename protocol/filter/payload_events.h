#pragma once
// TRANSACTION_PAYLOAD (40): the events of a transaction, compressed as one. PayloadEvents takes its bytes as they come
// and yields the events; PayloadPacker makes such an event again.
// Thread: one at a time. Memory: one inner event (kMaxInnerEvent), zstd's window (kMaxZstdWindowLog), and in the packer
// what it packs, compressed.
#include <cstdint>
#include <functional>
#include <memory>

#include "protocol/bytes.h"
#include "protocol/event/event_header.h"
#include "protocol/result.h"

struct ZSTD_DCtx_s;
struct ZSTD_CCtx_s;

namespace binrelay {

inline constexpr std::uint64_t kMaxInnerEvent = 256u << 20;
inline constexpr int kMaxZstdWindowLog = 27;

class PayloadEvents {
 public:
  PayloadEvents();
  ~PayloadEvents();
  using OnEvent = std::function<Status(const EventHeader& header, Bytes event)>;

  // Bytes of the payload event behind its header, in order, without its checksum. Errc::malformed: no such payload, or
  // it does not hold what it declares; never more than it declares is unpacked.
  Status feed(Bytes piece, const OnEvent& on_event);
  Status finish() const;  // behind the last piece

 private:
  Status feed_payload(Bytes piece, const OnEvent& on_event);
  Status take_unpacked(Bytes bytes, const OnEvent& on_event);

  struct EndZstd {
    void operator()(ZSTD_DCtx_s* context) const;
  };
  ByteBuffer head_;  // until the fields are whole
  bool head_read_ = false;
  bool compressed_ = true;
  std::uint64_t packed_left_ = 0, declared_ = 0, unpacked_ = 0;
  bool frame_over_ = false;
  std::unique_ptr<ZSTD_DCtx_s, EndZstd> zstd_;
  ByteBuffer out_;       // one step of unpacked bytes
  ByteBuffer buffered_;  // the beginning of an event
};

class PayloadPacker {
 public:
  PayloadPacker();
  ~PayloadPacker();
  Status add(Bytes inner_event);
  // A payload event as large as the one it stands for, whose header is `like`: a consumer that adds sizes up must never
  // be at a place where the source has no event. Errc::limit: what is left does not fit in.
  Result<ByteBuffer> finish(const EventHeader& like, ChecksumAlgorithm checksum);

 private:
  struct EndZstd {
    void operator()(ZSTD_CCtx_s* context) const;
  };
  std::unique_ptr<ZSTD_CCtx_s, EndZstd> zstd_;
  ByteBuffer packed_;
  std::uint64_t size_ = 0;
};

}  // namespace binrelay
