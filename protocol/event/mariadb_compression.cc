#include "protocol/event/mariadb_compression.h"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <memory>

#include "protocol/wire/byte_reader.h"

namespace binrelay {
namespace {

constexpr std::uint8_t kCompressedMark = 0x80, kAlgorithmMask = 0x70, kLengthCountMask = 0x07;

Error malformed_text(const char* what) { return Error{Errc::malformed, std::string("compressed text: ") + what}; }

struct EndInflate {
  void operator()(z_stream* stream) const { inflateEnd(stream); }
};

// The length and the stream behind the first byte; `window_bits`: zlib's, negative where the stream has no head.
Result<std::string> inflate_behind(ByteReader in, std::uint8_t head, int window_bits, std::size_t at_most) {
  std::uint64_t length = 0;
  for (int i = 0; i < (head & kLengthCountMask); ++i) length = length << 8 | in.u8();
  if (in.failed() || in.remaining() > std::numeric_limits<uInt>::max()) return malformed_text("length");

  const Bytes stream_bytes = in.rest();
  z_stream stream{};
  if (inflateInit2(&stream, window_bits) != Z_OK) return Error{Errc::limit, "compressed text: no memory to inflate"};
  const std::unique_ptr<z_stream, EndInflate> ended_on_return(&stream);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(stream_bytes.data()));
  stream.avail_in = static_cast<uInt>(stream_bytes.size());

  const std::size_t wanted = std::min<std::uint64_t>(length, at_most);
  std::string text;
  while (text.size() < wanted) {  // grows with what really comes out, not with what the length claims
    constexpr std::size_t kStep = 64u << 10;
    const std::size_t had = text.size();
    text.resize(std::min(wanted, had + kStep));
    stream.next_out = reinterpret_cast<Bytef*>(text.data() + had);
    stream.avail_out = static_cast<uInt>(text.size() - had);
    const int result = inflate(&stream, Z_NO_FLUSH);
    const bool ended = result == Z_STREAM_END;
    if (result != Z_OK && !ended) return malformed_text("zlib stream");
    if (stream.avail_out != 0 && (ended || stream.avail_in == 0)) return malformed_text("ends before its length");
  }
  return text;
}

}  // namespace

Result<std::string> inflate_mariadb(Bytes compressed, std::size_t at_most) {
  ByteReader in(compressed);
  const std::uint8_t head = in.u8();
  if ((head & kCompressedMark) == 0) return malformed_text("no mark");
  if ((head & kAlgorithmMask) != 0) return Error{Errc::unsupported, "compressed text: algorithm other than zlib"};
  return inflate_behind(in, head, MAX_WBITS, at_most);
}

Result<std::string> inflate_mariadb_column(Bytes stored, std::size_t at_most) {
  constexpr std::uint8_t kMethodMask = 0xf0, kStoredAsIs = 0x00, kZlib = 0x80, kWithoutHead = 0x08;
  ByteReader in(stored);
  if (stored.empty()) return std::string();
  const std::uint8_t head = in.u8();
  if ((head & kMethodMask) == kStoredAsIs) {
    const std::string_view text = as_text(in.rest());
    return text.size() > at_most ? Result<std::string>(Error{Errc::limit, "a compressed column"}) : std::string(text);
  }
  if ((head & kMethodMask) != kZlib) return Error{Errc::unsupported, "compressed column: method other than zlib"};
  BINRELAY_ASSIGN(std::string text,
                  inflate_behind(in, head, (head & kWithoutHead) != 0 ? -MAX_WBITS : MAX_WBITS, at_most));
  return text;
}

}  // namespace binrelay
