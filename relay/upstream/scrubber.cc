#include "relay/upstream/scrubber.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <utility>

#include "storage/segment/segment_blocks.h"
#include "storage/segment/segment_files.h"

namespace binrelay {
namespace {

constexpr std::chrono::milliseconds kLookPeriod{200};  // for damage that readers found
constexpr std::chrono::seconds kRestorePause{5};       // after a restore that failed
constexpr std::chrono::hours kPassPeriod{6};           // a small log is not read over and over
constexpr std::uint32_t kOtherServerId = 1u << 29;     // relay ids are 2^30 … 2^31

std::string name_of(const Segment& segment, std::uint64_t block) {
  return segment.source_name + ", bytes " + std::to_string(segment.blocks->begin_of(block)) + " to " +
         std::to_string(segment.blocks->end_of(block));
}

}  // namespace

Scrubber::Scrubber(EventLog& log, std::unique_ptr<EventSource> source, std::uint64_t bytes_per_second,
                   std::shared_ptr<spdlog::logger> logger)
    : log_(log), source_(std::move(source)), bytes_per_second_(bytes_per_second), logger_(std::move(logger)) {}

Scrubber::~Scrubber() { stop(); }

void Scrubber::start() {
  pass_began_ = scrub_at_ = Clock::now();
  thread_ = std::thread([this] { run(); });
}

void Scrubber::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stopped_.notify_all();
  source_->interrupt();
  if (thread_.joinable()) thread_.join();
}

void Scrubber::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    if (Clock::now() >= restore_at_ && !restore_one()) restore_at_ = Clock::now() + kRestorePause;
    if (bytes_per_second_ != 0 && Clock::now() >= scrub_at_) scrub_at_ = Clock::now() + scrub_one();
    const auto until =
        bytes_per_second_ == 0 ? Clock::now() + kLookPeriod : std::min(scrub_at_, Clock::now() + kLookPeriod);
    lock.lock();
    stopped_.wait_until(lock, until, [this] { return stopping_; });
  }
}

// False: there is damage that cannot be restored now.
bool Scrubber::restore_one() {
  for (const auto& segment : log_.catalog()->segments()) {
    if (segment->blocks == nullptr) continue;
    const auto block = segment->blocks->first_damaged();
    if (!block) continue;
    tell_damage(*segment, *block);
    if (const Status restored = restore(*segment, *block); !restored.ok()) {
      if (std::exchange(failed_, restored.error().context) != restored.error().context)
        logger_->error("{} cannot be fetched from the source, trying again every {} s: {}", name_of(*segment, *block),
                       kRestorePause.count(), restored.error().context);
      return false;
    }
    failed_.clear();
    logger_->info("{} fetched from the source and restored", name_of(*segment, *block));
    return true;
  }
  return true;
}

void Scrubber::tell_damage(const Segment& segment, std::uint64_t block) {
  const std::string place = name_of(segment, block);
  if (std::exchange(told_, place) == place) return;
  log_.count_bad_block();
  logger_->error("{}: the disk does not hold what was stored; it is not served before it is restored", place);
}

Status Scrubber::restore(const Segment& segment, std::uint64_t block) {
  SegmentBlocks& blocks = *segment.blocks;
  if (!segment.sealed) return Error{Errc::refused, "the file is still being written"};
  BINRELAY_ASSIGN(const std::uint64_t event_begin, event_that_holds(segment, blocks.begin_of(block)));
  const LostStretch lost{segment.source_name, event_begin, blocks.begin_of(block), blocks.end_of(block),
                         segment.format_description};
  FetcherIdentity self{ServerId{static_cast<std::uint32_t>(log_.relay_server_id()) ^ kOtherServerId},
                       log_.relay_uuid()};
  self.uuid.bytes[0] ^= 0x80;
  BINRELAY_ASSIGN(const ByteBuffer content, fetch_stretch(*source_, lost, self));
  return log_.restore_block(segment, block, content);
}

// Checks the next block; returns the pause that keeps to the rate.
Scrubber::Clock::duration Scrubber::scrub_one() {
  if (!next_block()) return kLookPeriod;
  const std::uint64_t bytes = segment_->blocks->end_of(block_) - segment_->blocks->begin_of(block_);
  const auto state = log_.check_block(*segment_, block_);
  if (!state.ok()) logger_->warn("{}: {}", name_of(*segment_, block_), state.error().context);
  ++block_;
  return std::chrono::microseconds(bytes * 1'000'000 / bytes_per_second_);
}

// False: the pass is over, and the next one not due.
bool Scrubber::next_block() {
  const auto catalog = log_.catalog();
  if (segment_ == nullptr) {
    if (Clock::now() < pass_began_) return false;
    pass_began_ = Clock::now() + kPassPeriod;
    segment_ = catalog->oldest();
    block_ = 0;
  }
  while (segment_ != nullptr) {
    if (segment_->sealed && segment_->blocks != nullptr && block_ < segment_->blocks->count()) return true;
    segment_ = catalog->after(segment_->number);
    block_ = 0;
  }
  return false;
}

}  // namespace binrelay
