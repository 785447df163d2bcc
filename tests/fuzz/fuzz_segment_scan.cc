// A segment file: any bytes are scanned to an end without a crash, and the ends are where they must be.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "protocol/event/event_checksum.h"
#include "storage/index/block_record.h"
#include "storage/segment/segment_scan.h"
#include "storage/segment/torn_tail.h"

using namespace binrelay;

namespace {

// Seeds are events or whole files; what the checksum would stop is let through by making it right.
ByteBuffer with_checksums(ByteBuffer file) {
  for (std::size_t at = kFirstEventOffset; at + kEventHeaderSize + kChecksumSize <= file.size();) {
    const auto header = decode_event_header(Bytes(file).subspan(at));
    if (!header.ok() || header->size < kEventHeaderSize + kChecksumSize || header->size > file.size() - at) break;
    const auto begin = file.begin() + static_cast<std::ptrdiff_t>(at);
    ByteBuffer event(begin, begin + static_cast<std::ptrdiff_t>(header->size));
    rewrite_event_checksum(event);
    std::copy(event.begin(), event.end(), begin);
    at += header->size;
  }
  return file;
}

void scan_file(const std::shared_ptr<const File>& file, std::uint64_t size) {
  SegmentScan scan = SegmentScan::from_start(file, size, 4096);
  BlockDigests digests(512);
  scan.feed(&digests);
  std::optional<BlockBuilder> block;
  for (;;) {
    const auto event = scan.next();
    if (!event.ok()) {
      static_cast<void>(find_event_behind(*file, scan.end() + 1, size, scan.checksum()).ok());
      break;
    }
    if (!*event) break;
    if (!block) block.emplace(SegmentNumber{1}, kFirstEventOffset, scan.head().flavour());
    block->add(**event, scan.boundary());
  }
  if (scan.end() > size || scan.last_boundary() > std::max(scan.end(), kFirstEventOffset)) std::abort();
  if (!block || scan.end() <= kFirstEventOffset) return;
  const BlockRecord record = block->finish(scan.end());
  const auto again = decode_block(encode_block_key(record.segment, record.begin), encode_block_value(record));
  if (!again.ok() || !(*again == record)) std::abort();
}

void scan_bytes(const ByteBuffer& bytes) {
  static const int descriptor = ::memfd_create("segment", 0);
  if (::ftruncate(descriptor, 0) != 0) std::abort();
  if (::pwrite(descriptor, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) std::abort();
  auto file = Disk().open_for_reading("/proc/self/fd/" + std::to_string(descriptor));
  if (!file.ok()) std::abort();
  scan_file(std::make_shared<const File>(std::move(*file)), bytes.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes input(reinterpret_cast<const std::byte*>(data), size);
  ByteBuffer file(input.begin(), input.end());
  scan_bytes(file);
  // A seed that is one event, or has lost its magic, is scanned as the events of a file.
  if (file.size() < kBinlogMagic.size() || !std::equal(kBinlogMagic.begin(), kBinlogMagic.end(), file.begin())) {
    file.insert(file.begin(), kBinlogMagic.begin(), kBinlogMagic.end());
  }
  scan_bytes(with_checksums(std::move(file)));
  return 0;
}
