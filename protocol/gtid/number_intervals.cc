#include "protocol/gtid/number_intervals.h"

#include <algorithm>

namespace binrelay {
namespace {

bool by_begin(const NumberInterval& left, const NumberInterval& right) { return left.begin < right.begin; }

// Appends to runs that arrive in order of begin; merges what overlaps or touches.
void append_in_order(std::vector<NumberInterval>& runs, NumberInterval run) {
  if (!runs.empty() && run.begin <= runs.back().end) {
    runs.back().end = std::max(runs.back().end, run.end);
  } else {
    runs.push_back(run);
  }
}

}  // namespace

NumberIntervals NumberIntervals::of(std::vector<NumberInterval> runs) {
  std::erase_if(runs, [](const NumberInterval& run) { return run.begin >= run.end; });
  std::sort(runs.begin(), runs.end(), by_begin);
  NumberIntervals result;
  for (const NumberInterval& run : runs) append_in_order(result.runs_, run);
  return result;
}

void NumberIntervals::add(NumberInterval run) {
  if (run.begin >= run.end) return;
  if (runs_.empty() || run.begin >= runs_.back().begin) {  // the log grows at its end: O(1)
    append_in_order(runs_, run);
    return;
  }
  // [first, last) are the runs that `run` overlaps or touches.
  const auto first = std::lower_bound(runs_.begin(), runs_.end(), run.begin,
                                      [](const NumberInterval& held, std::uint64_t begin) { return held.end < begin; });
  const auto last = std::upper_bound(first, runs_.end(), run.end,
                                     [](std::uint64_t end, const NumberInterval& held) { return end < held.begin; });
  if (first == last) {
    runs_.insert(first, run);
    return;
  }
  first->begin = std::min(first->begin, run.begin);
  first->end = std::max(std::prev(last)->end, run.end);
  runs_.erase(std::next(first), last);
}

void NumberIntervals::add(const NumberIntervals& others) {
  if (others.runs_.empty()) return;
  if (runs_.empty() || others.runs_.front().begin >= runs_.back().begin) {
    const std::vector<NumberInterval> appended = others.runs_;  // a copy: `others` may be *this
    for (const NumberInterval& run : appended) append_in_order(runs_, run);
    return;
  }
  std::vector<NumberInterval> both;
  both.reserve(runs_.size() + others.runs_.size());
  std::merge(runs_.begin(), runs_.end(), others.runs_.begin(), others.runs_.end(), std::back_inserter(both), by_begin);
  runs_.clear();
  for (const NumberInterval& run : both) append_in_order(runs_, run);
}

void NumberIntervals::subtract(const NumberIntervals& others) {
  std::vector<NumberInterval> left;
  auto cut = others.runs_.begin();
  for (NumberInterval run : runs_) {
    while (cut != others.runs_.end() && cut->end <= run.begin) ++cut;
    // `cut` may reach into the next run too, so it stays where it is unless it is used up.
    for (auto c = cut; c != others.runs_.end() && c->begin < run.end && run.begin < run.end; ++c) {
      if (run.begin < c->begin) left.push_back({run.begin, c->begin});
      run.begin = std::min(run.end, c->end);
      cut = c;
    }
    if (run.begin < run.end) left.push_back(run);
  }
  runs_ = std::move(left);
}

bool NumberIntervals::contains(std::uint64_t number) const {
  const auto after = std::upper_bound(runs_.begin(), runs_.end(), number,
                                      [](std::uint64_t value, const NumberInterval& run) { return value < run.begin; });
  return after != runs_.begin() && number < std::prev(after)->end;
}

bool NumberIntervals::contains_all(const NumberIntervals& others) const {
  auto held = runs_.begin();
  return std::all_of(others.runs_.begin(), others.runs_.end(), [&](const NumberInterval& wanted) {
    held = std::lower_bound(held, runs_.end(), wanted.end,
                            [](const NumberInterval& run, std::uint64_t end) { return run.end < end; });
    return held != runs_.end() && held->begin <= wanted.begin;
  });
}

std::uint64_t NumberIntervals::count() const {
  std::uint64_t total = 0;
  for (const NumberInterval& run : runs_) total += run.end - run.begin;
  return total;
}

}  // namespace binrelay
