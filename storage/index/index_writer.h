#pragma once
// IndexWriter: the thread that writes block records behind the durable end: those it is fed, and where there are none,
// those that it finds by reading.
//
// Thread: its own. Owner: EventLog. Borrows: board, store and feed outlive it.
#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "storage/ends_board.h"
#include "storage/index/index_feed.h"
#include "storage/index/index_store.h"
#include "storage/segment/segment_scan.h"

namespace binrelay {

// Makes the block records of the whole groups of `segment` that `scan` finds from `from` on; a last, short block only
// with `to_the_end`. Stops early, with no error, when `emit` returns false. Returns where the records end. `from` and
// the scan's limit are boundaries; 4 = the segment's first event.
Result<std::uint64_t> make_block_records(SegmentScan& scan, const Segment& segment, std::uint64_t from, bool to_the_end,
                                         std::uint64_t block_bytes,
                                         const std::function<Result<bool>(const BlockRecord&)>& emit);

class IndexWriter {
 public:
  // `from`: where the records in the store end.
  IndexWriter(EndsBoard& board, IndexStore& store, IndexFeed& feed, LogPosition from, std::uint64_t block_bytes);
  ~IndexWriter() {
    give_up();
    if (thread_.joinable()) thread_.join();
  }
  IndexWriter(const IndexWriter&) = delete;
  IndexWriter& operator=(const IndexWriter&) = delete;

  // Any thread: these segments are purged. Their records go, and no new ones come.
  void forget_before(SegmentNumber oldest);
  LogPosition indexed() const;
  std::optional<Error> failure() const;  // set: it has given up

 private:
  void run(LogPosition from);
  Result<LogPosition> put_fed(LogPosition at, LogPosition durable);
  Result<bool> put(const BlockRecord& record);
  bool finish_file(const Segment& segment, const Segment& following);
  bool finish_files_before(SegmentNumber number);
  void give_up() {
    stopping_ = true;
    board_.wake_index();
  }
  Result<LogPosition> index(const Segment& segment, std::uint64_t from, std::uint64_t to, bool to_the_end);

  EndsBoard& board_;
  IndexStore& store_;
  IndexFeed& feed_;
  const std::uint64_t block_bytes_;
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;
  LogPosition indexed_;
  SegmentNumber oldest_{};  // those before are purged
  std::optional<Error> failure_;
  std::thread thread_;  // last: starts when everything else is there
};

}  // namespace binrelay
