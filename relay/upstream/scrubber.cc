#include "relay/upstream/scrubber.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "storage/segment/segment_blocks.h"
#include "storage/segment/segment_files.h"

namespace binrelay {
namespace {

constexpr std::chrono::milliseconds kLookPeriod{200};  // for damage that readers found
constexpr std::chrono::seconds kRestorePause{5};       // after a restore that failed for want of a source
constexpr std::chrono::seconds kLongestPause{60};      // what every source has refused is asked for ever more seldom
constexpr std::chrono::hours kPassPeriod{6};           // a small log is not read over and over
constexpr std::uint64_t kMostAtOnce = 64u << 20;

std::string place_of(const Segment& segment, std::uint64_t begin, std::uint64_t end) {
  return segment.source_name + ", bytes " + std::to_string(segment.blocks->begin_of(begin)) + " to " +
         std::to_string(segment.blocks->end_of(end - 1));
}

// The source has been asked and does not have it, or has it damaged or differently, too. Anything else may pass.
bool says_no(const Error& error) {
  switch (error.code) {
    case Errc::not_found:
    case Errc::conflict:
    case Errc::checksum:
    case Errc::malformed:
    case Errc::limit:
      return true;
    default:
      return false;
  }
}

}  // namespace

Scrubber::Scrubber(EventLog& log, std::vector<FetchSource> sources, std::function<Endpoint()> followed,
                   std::uint64_t bytes_per_second, std::shared_ptr<spdlog::logger> logger)
    : log_(log),
      sources_(std::move(sources)),
      followed_(std::move(followed)),
      bytes_per_second_(bytes_per_second),
      logger_(std::move(logger)) {}

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
  for (const FetchSource& source : sources_) source.connection->interrupt();
  if (thread_.joinable()) thread_.join();
}

bool Scrubber::stopping() {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

void Scrubber::run() {
  while (!stopping()) {
    restore_damage();
    if (bytes_per_second_ != 0 && Clock::now() >= scrub_at_) scrub_at_ = Clock::now() + scrub_one();
    const auto until =
        bytes_per_second_ == 0 ? Clock::now() + kLookPeriod : std::min(scrub_at_, Clock::now() + kLookPeriod);
    std::unique_lock lock(mutex_);
    stopped_.wait_until(lock, until, [this] { return stopping_; });
  }
}

// --- what is damaged ---

// What cannot be restored holds up nothing that can.
void Scrubber::restore_damage() {
  const auto catalog = log_.catalog();  // a temporary would not outlive the loop
  forget_what_is_over(*catalog);
  gone_now_.clear();
  for (const auto& segment : catalog->segments()) {
    for (auto block = next_damaged(*segment, 0); block && !stopping();) {
      const Stretch stretch{*segment, *block, end_of_damage(*segment, *block)};
      tell(stretch);
      if (is_due(stretch)) restore(stretch);
      block = next_damaged(*segment, stretch.end);
    }
  }
}

void Scrubber::forget_what_is_over(const SegmentCatalog& catalog) {
  std::erase_if(damaged_, [&](const auto& entry) {
    const auto& [segment_number, block] = entry.first;
    const auto segment = catalog.find(segment_number);
    return segment == nullptr || block >= segment->blocks->count() ||
           segment->blocks->state(block) != SegmentBlocks::State::damaged;
  });
}

void Scrubber::tell(const Stretch& stretch) {
  bool fresh = false;
  for (std::uint64_t block = stretch.begin; block < stretch.end; ++block) {
    if (!damaged_.try_emplace(BlockName{stretch.segment.number, block}).second) continue;
    log_.count_bad_block();
    fresh = true;
  }
  if (fresh)
    logger_->error("{}: the disk does not hold what was stored; it is not served before it is restored",
                   place_of(stretch.segment, stretch.begin, stretch.end));
}

bool Scrubber::is_due(const Stretch& stretch) const {
  for (std::uint64_t block = stretch.begin; block < stretch.end; ++block) {
    if (damaged_.at({stretch.segment.number, block}).next_at <= Clock::now()) return true;
  }
  return false;
}

// The source is asked for whole events, and where they begin is read from the file's begin on: what is damaged there
// without anybody having read it comes first.
std::optional<std::uint64_t> Scrubber::next_damaged(const Segment& segment, std::uint64_t from) {
  const SegmentBlocks& blocks = *segment.blocks;
  const auto known = blocks.first_damaged(from);
  for (std::uint64_t earlier = from; known && earlier < *known; ++earlier) {
    if (blocks.state(earlier) == SegmentBlocks::State::unchecked)
      static_cast<void>(log_.check_block(segment, earlier).ok());
    if (blocks.state(earlier) == SegmentBlocks::State::damaged) return earlier;
  }
  return known;
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

// --- restoring ---

void Scrubber::restore(const Stretch& stretch) {
  if (reads_well_again(stretch)) return;
  bool none_has_it = true;
  if (const Status restored = restore_from_any(stretch, &none_has_it); !restored.ok()) {
    remember_failure(stretch, restored.error().context, none_has_it);
  } else {
    logger_->info("{} fetched from the source and restored", place_of(stretch.segment, stretch.begin, stretch.end));
  }
}

// A disk that could not read may be able to by now.
bool Scrubber::reads_well_again(const Stretch& stretch) {
  const SegmentBlocks& blocks = *stretch.segment.blocks;
  for (std::uint64_t block = stretch.begin; block < stretch.end; ++block) {
    if (!log_.check_block(stretch.segment, block).ok() || blocks.state(block) != SegmentBlocks::State::sound)
      return false;
  }
  logger_->info("{} can be read again", place_of(stretch.segment, stretch.begin, stretch.end));
  return true;
}

void Scrubber::remember_failure(const Stretch& stretch, const std::string& why, bool none_has_it) {
  bool fresh = false;
  for (std::uint64_t block = stretch.begin; block < stretch.end; ++block) {
    Attempts& attempts = damaged_.at({stretch.segment.number, block});
    attempts.pause = none_has_it ? std::clamp(2 * attempts.pause, kRestorePause, kLongestPause) : kRestorePause;
    attempts.next_at = Clock::now() + attempts.pause;
    stretch.segment.blocks->set_lost(block, none_has_it);
    fresh |= std::exchange(attempts.failure, why) != why;
  }
  if (fresh)
    logger_->error("{} cannot be fetched from the source, trying again: {}",
                   place_of(stretch.segment, stretch.begin, stretch.end), why);
}

// Any source may have the files of any generation. `none_has_it`: each has said so, and waiting will not help.
Status Scrubber::restore_from_any(const Stretch& stretch, bool* none_has_it) {
  std::stable_partition(sources_.begin(), sources_.end(), [first = to_text(followed_())](const FetchSource& source) {
    return to_text(source.address) == first;
  });
  std::string why;
  for (const FetchSource& source : sources_) {
    EventSource* const connection = source.connection.get();
    if (!gone_now_.contains(connection)) {
      const Status restored = restore_from(*connection, stretch);
      if (restored.ok()) return restored;
      if (is_gone(*connection, restored.error())) gone_now_.emplace(connection, restored.error().context);
      why += (why.empty() ? "" : "; ") + to_text(source.address) + ": " + restored.error().context;
      *none_has_it &= says_no(restored.error());
    } else {
      why += (why.empty() ? "" : "; ") + to_text(source.address) + ": " + gone_now_.at(connection);
      *none_has_it = false;
    }
    if (stopping()) {
      *none_has_it = false;
      break;
    }
  }
  return Error{Errc::refused, why};
}

// Whether the source is out of reach, and not only what it was asked for.
bool Scrubber::is_gone(EventSource& source, const Error& error) {
  if (error.code != Errc::connection && error.code != Errc::authentication) return false;
  const bool connected = !stopping() && source.connect().ok();
  source.close();
  return !connected;
}

// Restores every block that it can; the error is the first one's that it cannot.
Status Scrubber::restore_from(EventSource& source, const Stretch& stretch) {
  const Segment& segment = stretch.segment;
  const SegmentBlocks& blocks = *segment.blocks;
  // Where damage that stays hides where the events begin, the source is asked for the whole file.
  const auto holder = event_that_holds(segment.path, blocks.begin_of(stretch.begin));
  const LostStretch lost{segment.source_name, holder.ok() ? *holder : kFirstEventOffset, blocks.begin_of(stretch.begin),
                         blocks.end_of(stretch.end - 1), segment.format_description};
  const FetcherIdentity self = fetcher_of(log_.relay_server_id(), log_.relay_uuid());
  auto fetched = fetch_stretch(source, lost, self);
  const bool damaged_there =
      !fetched.ok() && (fetched.error().code == Errc::checksum || fetched.error().code == Errc::malformed);
  if (damaged_there && stretch.end - stretch.begin > 1) return restore_one_by_one(source, stretch);
  BINRELAY_ASSIGN(const ByteBuffer content, std::move(fetched));
  Status outcome = Done{};
  for (std::uint64_t block = stretch.begin; block < stretch.end; ++block) {
    if (blocks.state(block) != SegmentBlocks::State::damaged) continue;  // another source had it
    const Bytes part = Bytes(content).subspan(blocks.begin_of(block) - lost.from);
    const Status restored =
        log_.restore_block(segment, block, part.first(blocks.end_of(block) - blocks.begin_of(block)));
    if (!restored.ok() && outcome.ok()) outcome = restored;
  }
  return outcome;
}

// What the source has damaged, too, keeps its own block from coming back, and no other.
Status Scrubber::restore_one_by_one(EventSource& source, const Stretch& stretch) {
  Status outcome = Done{};
  for (std::uint64_t block = stretch.begin; block < stretch.end && !stopping(); ++block) {
    const Status restored = restore_from(source, {stretch.segment, block, block + 1});
    if (!restored.ok() && !says_no(restored.error())) return restored;
    if (!restored.ok() && outcome.ok()) outcome = restored;
  }
  return outcome;
}

// --- reading everything again ---

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
  if (segment_ != nullptr) {
    // It has been purged, or a log that was reopened knows its blocks anew.
    const auto now = catalog->find(segment_->number);
    if (now == nullptr) block_ = 0;
    segment_ = now != nullptr ? now : catalog->after(segment_->number);
  }
  while (segment_ != nullptr) {
    if (block_ < segment_->blocks->count()) return true;
    segment_ = catalog->after(segment_->number);
    block_ = 0;
  }
  return false;
}

}  // namespace binrelay
