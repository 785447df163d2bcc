#pragma once
// What keeps a log from being opened and can be fetched from the source again: sealed segments whose file is missing or
// short, or whose first block is not what was stored; and a bad event in the segment that was being written.
// Thread: the caller's, while nobody has the log open.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "protocol/bytes.h"
#include "protocol/gtid/uuid.h"
#include "protocol/ids.h"
#include "protocol/result.h"
#include "storage/segment/segment_catalog.h"
#include "storage/storage_options.h"

namespace binrelay {

// The last segment from its first bad event on.
struct DamagedTail {
  std::string source_name;
  std::filesystem::path path;
  std::uint64_t from = 0, to = 0;  // where the bad event begins, and where the file ended
  ByteBuffer format_description;   // empty: it is the bad event
  // What tells that a source's file is the one that was stored: its digest of [begin, end), or else the first whole
  // event behind the bad one, as it stands in the file, or else an equal format description.
  struct Digest {
    std::uint64_t begin = 0, end = 0;
    std::uint32_t crc32 = 0;
  };
  std::optional<Digest> digest;
  std::uint64_t witness_offset = 0;
  ByteBuffer witness;
};

struct DamageAtOpen {
  Uuid relay_uuid;
  ServerId relay_server_id{};
  // Number, names, path, size and blocks are set; what a file says of itself is not known.
  std::vector<std::shared_ptr<const Segment>> heads;
  std::optional<DamagedTail> tail;  // looked for when there are no damaged heads
};

// Makes a missing or short sealed file as long as it was; what is not in it reads as damaged blocks.
Result<DamageAtOpen> find_damage_at_open(const StorageOptions& options);

// Errc::checksum: `content` is not what the segment's first block held.
Status restore_head(const StorageOptions& options, const Segment& segment, Bytes content);
// `content` is what the source has in [from, to). What stood there is copied aside first. Errc::conflict: the source's
// file is another one, or nothing tells that it is not.
Status restore_tail(const StorageOptions& options, const DamagedTail& tail, Bytes content);

}  // namespace binrelay
