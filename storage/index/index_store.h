#pragma once
// IndexStore: block records in RocksDB. A cache: it can be thrown away at any time and rebuilt from the segments.
//
// Thread: put() one at a time; reading any. Owner: EventLog (writing), a tool (reading).
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>

#include "protocol/gtid/uuid.h"
#include "protocol/ids.h"
#include "protocol/result.h"
#include "storage/index/block_record.h"

namespace binrelay {

class IndexStore {
 public:
  // `log` is the log's relay uuid: an index of another log, of another version, or one that cannot be opened is an
  // error; remove it and open again. Errc::not_found: there is none (reading only).
  static Result<std::unique_ptr<IndexStore>> open(const std::filesystem::path& directory, const Uuid& log);
  static Result<std::unique_ptr<IndexStore>> open_for_reading(const std::filesystem::path& directory,
                                                              const Uuid& log);  // changes nothing
  ~IndexStore();

  Status put(const BlockRecord& record);
  // No block will come to this segment: what is to be known of it as a whole is summed up. Once more does no harm.
  // `created`, `youngest_end`: as of sum_up().
  Status finish_file(SegmentNumber segment, std::uint32_t created, std::uint32_t youngest_end);
  Status remove_before(SegmentNumber segment);  // the records of all segments before it
  Result<std::optional<BlockRecord>> last() const;
  // In log order, from `from` on; stops when `visit` returns false. An undecodable record is an error.
  Status for_each(SegmentNumber from, const std::function<bool(const BlockRecord&)>& visit) const;
  Result<std::vector<BlockRecord>> of_segment(SegmentNumber segment) const;
  Result<std::vector<BlockSpan>> spans_of_segment(SegmentNumber segment) const;
  Result<std::vector<FileSpan>> file_spans() const;  // in log order, of those that are finished

 private:
  struct Database;
  explicit IndexStore(std::unique_ptr<Database> database);
  Status write(Bytes key, Bytes value);
  std::unique_ptr<Database> database_;
};

}  // namespace binrelay
