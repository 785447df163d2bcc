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
constexpr std::uint64_t kMostAtOnce = 64u << 20;

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
    const Restoring restoring = Clock::now() >= restore_at_ ? restore_one() : Restoring::nothing_to_do;
    if (restoring == Restoring::failed) restore_at_ = Clock::now() + kRestorePause;
    if (bytes_per_second_ != 0 && Clock::now() >= scrub_at_) scrub_at_ = Clock::now() + scrub_one();
    const auto until =
        bytes_per_second_ == 0 ? Clock::now() + kLookPeriod : std::min(scrub_at_, Clock::now() + kLookPeriod);
    lock.lock();
    if (restoring == Restoring::restored) continue;  // damage seldom comes alone, and readers wait
    stopped_.wait_until(lock, until, [this] { return stopping_; });
  }
}

Scrubber::Restoring Scrubber::restore_one() {
  const auto catalog = log_.catalog();  // a temporary would not outlive the loop
  for (const auto& segment : catalog->segments()) {
    if (segment->blocks == nullptr) continue;
    auto block = segment->blocks->first_damaged();
    if (!block) continue;
    block = first_damaged_up_to(*segment, *block);
    const std::uint64_t end = end_of_damage(*segment, *block);
    const std::string place = segment->source_name + ", bytes " + std::to_string(segment->blocks->begin_of(*block)) +
                              " to " + std::to_string(segment->blocks->end_of(end - 1));
    if (std::exchange(told_, place) != place) {
      logger_->error("{}: the disk does not hold what was stored; it is not served before it is restored", place);
      for (std::uint64_t bad = *block; bad < end; ++bad) log_.count_bad_block();
    }
    if (const Status restored = restore(*segment, *block, end); !restored.ok()) {
      if (std::exchange(failed_, restored.error().context) != restored.error().context)
        logger_->error("{} cannot be fetched from the source, trying again every {} s: {}", place,
                       kRestorePause.count(), restored.error().context);
      return Restoring::failed;
    }
    told_.clear();
    failed_.clear();
    logger_->info("{} fetched from the source and restored", place);
    return Restoring::restored;
  }
  return Restoring::nothing_to_do;
}

// The source is asked for whole events, and where they begin is read from the file's begin on: what is damaged there
// without anybody having read it comes first.
std::uint64_t Scrubber::first_damaged_up_to(const Segment& segment, std::uint64_t block) {
  const SegmentBlocks& blocks = *segment.blocks;
  for (std::uint64_t earlier = 0; earlier < block; ++earlier) {
    if (blocks.state(earlier) == SegmentBlocks::State::unchecked)
      static_cast<void>(log_.check_block(segment, earlier).ok());
    if (blocks.state(earlier) == SegmentBlocks::State::damaged) return earlier;
  }
  return block;
}

// Damage often comes in one piece; it is fetched in one piece.
std::uint64_t Scrubber::end_of_damage(const Segment& segment, std::uint64_t block) {
  const SegmentBlocks& blocks = *segment.blocks;
  std::uint64_t end = block + 1;
  while (end < blocks.count() && blocks.end_of(end) - blocks.begin_of(block) <= kMostAtOnce) {
    if (blocks.state(end) == SegmentBlocks::State::unchecked) static_cast<void>(log_.check_block(segment, end).ok());
    if (blocks.state(end) != SegmentBlocks::State::damaged) break;
    ++end;
  }
  return end;
}

Status Scrubber::restore(const Segment& segment, std::uint64_t block, std::uint64_t end) {
  const SegmentBlocks& blocks = *segment.blocks;
  BINRELAY_ASSIGN(const std::uint64_t event_begin, event_that_holds(segment.path, blocks.begin_of(block)));
  const LostStretch lost{segment.source_name, event_begin, blocks.begin_of(block), blocks.end_of(end - 1),
                         segment.format_description};
  const FetcherIdentity self = fetcher_of(log_.relay_server_id(), log_.relay_uuid());
  BINRELAY_ASSIGN(const ByteBuffer content, fetch_stretch(*source_, lost, self));
  for (; block < end; ++block) {
    const Bytes part = Bytes(content).subspan(blocks.begin_of(block) - lost.from);
    BINRELAY_TRY(log_.restore_block(segment, block, part.first(blocks.end_of(block) - blocks.begin_of(block))));
  }
  return Done{};
}

// Checks the next block; returns the pause that keeps to the rate.
Scrubber::Clock::duration Scrubber::scrub_one() {
  if (!next_block()) return kLookPeriod;
  const std::uint64_t bytes = segment_->blocks->end_of(block_) - segment_->blocks->begin_of(block_);
  const auto state = log_.check_block(*segment_, block_);
  const bool purged = log_.catalog()->find(segment_->number) == nullptr;
  if (!state.ok() && !purged) logger_->warn("{}", state.error().context);
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
  if (segment_ != nullptr && catalog->find(segment_->number) == nullptr) {  // it has been purged
    segment_ = catalog->after(segment_->number);
    block_ = 0;
  }
  while (segment_ != nullptr) {
    if (segment_->blocks != nullptr && block_ < segment_->blocks->count()) return true;
    segment_ = catalog->after(segment_->number);
    block_ = 0;
  }
  return false;
}

}  // namespace binrelay
