#pragma once
// BlockRecord: what one block of a segment contains. A block is a run of whole groups (and what stands between groups)
// of at least StorageOptions::index_block_bytes; the blocks of a segment tile it from offset 4 on. A record is a pure
// function of its block's bytes.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "protocol/bytes.h"
#include "protocol/gtid/gtid_state.h"
#include "protocol/ids.h"
#include "protocol/result.h"
#include "storage/segment/segment_scan.h"

namespace binrelay {

inline constexpr std::size_t kMaxTablesPerBlock = 4096;

struct TableActivity {
  std::string database, table;
  std::uint64_t rows_events = 0;
  std::uint64_t bytes = 0;  // of these events
  friend bool operator==(const TableActivity&, const TableActivity&) = default;
};

struct BlockRecord {
  SegmentNumber segment{};
  std::uint64_t begin = 0, end = 0;
  GtidState added;
  std::uint32_t first_timestamp = 0, last_timestamp = 0;  // least and greatest of events in groups; 0 = none
  std::uint64_t transactions = 0;
  std::uint64_t events = 0;
  std::uint64_t payloads = 0;         // compressed transactions, whose tables are not told
  std::vector<TableActivity> tables;  // sorted by name
  bool tables_complete = true;        // false: more than kMaxTablesPerBlock
  friend bool operator==(const BlockRecord&, const BlockRecord&) = default;
};

// What a search by place or time wants of a record: much less to decode.
struct BlockSpan {
  SegmentNumber segment{};
  std::uint64_t begin = 0, end = 0;
  std::uint32_t last_timestamp = 0;  // greatest of events in groups; 0 = none
};

// What a search by time wants of a whole file that is over: whether it has to look into it.
struct FileSpan {
  SegmentNumber segment{};
  std::uint64_t end = 0;             // of its last block
  std::uint32_t last_timestamp = 0;  // greatest of all its events
  friend bool operator==(const FileSpan&, const FileSpan&) = default;
};

// Whether these blocks, in log order, are all that a file begins with, and end at `limit` or before.
template <class Blocks>
bool tiles(const Blocks& blocks, std::uint64_t limit) {
  std::uint64_t at = kFirstEventOffset;
  for (const auto& block : blocks) {
    if (block.begin != at || block.end > limit) return false;
    at = block.end;
  }
  return true;
}

// Of the blocks of one file, in log order; there is at least one. What stands around its groups: the head is as old as
// the file, which was `created` then (seconds since 1970), and a ROTATE or STOP no younger than `youngest_end`.
template <class Blocks>
FileSpan sum_up(const Blocks& blocks, std::uint32_t created, std::uint32_t youngest_end) {
  FileSpan file{blocks.back().segment, blocks.back().end, std::max(created, youngest_end)};
  for (const auto& block : blocks) file.last_timestamp = std::max(file.last_timestamp, block.last_timestamp);
  return file;
}

// Key and value in the index: key = segment u64 and begin u64, big-endian, so that records sort in log order.
ByteBuffer encode_block_key(SegmentNumber segment, std::uint64_t begin);
ByteBuffer encode_block_value(const BlockRecord& record);
Result<BlockRecord> decode_block(Bytes key, Bytes value);
Result<BlockSpan> decode_block_span(Bytes key, Bytes value);  // reads no further than it has to

// Behind the keys of all blocks, in log order: the prefix, and the segment as above.
inline constexpr std::string_view kFileKeyPrefix = "file";
ByteBuffer encode_file_key(SegmentNumber segment);
ByteBuffer encode_file_value(const FileSpan& file);
Result<FileSpan> decode_file_span(Bytes key, Bytes value);

// Adds up the events of a block.
class BlockBuilder {
 public:
  BlockBuilder(SegmentNumber segment, std::uint64_t begin, Flavour flavour);
  void add(const ScannedEvent& event, const TransactionBoundary& boundary);
  std::uint64_t begin() const { return record_.begin; }
  // The block ends at `end`; the next one begins there.
  BlockRecord finish(std::uint64_t end);

 private:
  void add_to_group(const ScannedEvent& event);
  void learn_table(const ScannedEvent& event);
  void count_rows(const ScannedEvent& event);
  std::optional<std::size_t> table_of(std::uint64_t id);

  Flavour flavour_;
  BlockRecord record_;
  std::vector<GtidRun> added_;                                      // record_.added, before the block is finished
  std::vector<TableActivity> tables_;                               // in order of appearance
  std::unordered_map<std::uint64_t, std::size_t> by_id_;            // table id of a TABLE_MAP: index in tables_
  std::unordered_map<std::string, std::size_t> by_name_;            // database NUL table: index in tables_
  std::optional<std::pair<std::uint64_t, std::size_t>> last_used_;  // of by_id_
};

}  // namespace binrelay
