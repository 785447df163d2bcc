#pragma once
// Ingest performs what DumpReceiver decides on the log: stores, compares with what is stored, begins segments.
// Thread:  upstream thread.
// Owner:   UpstreamSession, one for each dump.
// Borrows: the log and the logger outlive it.
#include <chrono>

#include "relay/upstream/dump_receiver.h"
#include "storage/event_log.h"

namespace spdlog {
class logger;
}

namespace binrelay {

class RuleFollower;

class Ingest {
 public:
  // `series`: the first file begins it; nullopt: the log's last series goes on. `rules`: told of every event before the
  // log is; nullptr: nobody needs them.
  Ingest(EventLog& log, DumpStart start, std::optional<SeriesBegin> series, spdlog::logger& logger,
         RuleFollower* rules = nullptr);

  // Errc::malformed: the event must be fetched again. Errc::conflict: the source's files are not the stored ones.
  // Others: the log fails.
  Status on_event(Bytes event);
  // Stores what of `packets` (EventSource::packets_at_hand) needs no closer look, and returns how many bytes of them it
  // has taken: whole packets. What comes next is for on_event(). Errors: of the log.
  Result<std::size_t> on_packets(Bytes packets);
  // Hands whole groups on when the source has nothing more at hand, or when that was long ago: latency stays low,
  // batches get large.
  Status after_event(bool more_at_hand);

  const DumpReceiver& receiver() const { return receiver_; }
  bool stored_anything() const { return stored_anything_; }
  bool series_pending() const { return series_.has_value(); }  // its first file has not begun

 private:
  using Clock = std::chrono::steady_clock;

  Status begin_file(const std::string& name);
  Status store(const StoreEvent& step);
  Status compare(const CompareEvent& step);
  void on_stored();

  EventLog& log_;
  DumpReceiver receiver_;
  std::optional<SeriesBegin> series_;
  spdlog::logger& logger_;
  RuleFollower* rules_;
  bool stored_anything_ = false;
  bool unflushed_ = false;
  Clock::time_point unflushed_since_{};
};

}  // namespace binrelay
