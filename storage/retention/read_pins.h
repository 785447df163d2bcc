#pragma once
// ReadPins: which segments are being read. A purge stops before the oldest of them; a reader that comes while a purge
// is under way finds the purged segments gone already.
//
// Thread: any; one mutex. Owner: EventLog. Outlives its pins.
//
// Invariant: no pin is at a segment below the floor.
#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "protocol/ids.h"

namespace binrelay {

class ReadPins {
 public:
  // Holds one segment and all behind it back from purging, while it lives.
  class Pin {
   public:
    Pin() = default;
    Pin(Pin&& other) noexcept : pins_(std::exchange(other.pins_, nullptr)), segment_(other.segment_) {}
    Pin& operator=(Pin&& other) noexcept {
      std::swap(pins_, other.pins_);
      std::swap(segment_, other.segment_);
      return *this;
    }
    ~Pin() {
      if (pins_ != nullptr) pins_->release(segment_);
    }
    // Forward only: a later segment cannot have been purged.
    void move_to(SegmentNumber segment);

   private:
    friend class ReadPins;
    Pin(ReadPins* pins, SegmentNumber segment) : pins_(pins), segment_(segment) {}
    ReadPins* pins_ = nullptr;
    SegmentNumber segment_{};
  };

  // nullopt: the segment is purged, or about to be.
  std::optional<Pin> pin(SegmentNumber segment);
  std::optional<SegmentNumber> oldest() const;

  // Raises the floor to `wanted`, or to the oldest pin if that comes first; returns it. Nobody can pin below any more.
  SegmentNumber raise_floor(SegmentNumber wanted);
  // The purge did not happen after all.
  void lower_floor(SegmentNumber to);

 private:
  void release(SegmentNumber segment);
  void release_locked(SegmentNumber segment);

  mutable std::mutex mutex_;
  std::map<SegmentNumber, std::size_t> readers_;  // by segment
  SegmentNumber floor_{};
};

}  // namespace binrelay
