#pragma once
// NumberIntervals: an ordered set of positive 63-bit numbers kept as disjoint, non-adjacent half-open runs.
#include <cstdint>
#include <vector>

namespace binrelay {

struct NumberInterval {
  std::uint64_t begin = 0;  // first number
  std::uint64_t end = 0;    // one past the last
  friend bool operator==(const NumberInterval&, const NumberInterval&) = default;
};

class NumberIntervals {
 public:
  // Runs in any order, overlapping or empty: sorted once, O(n log n).
  static NumberIntervals of(std::vector<NumberInterval> runs);

  void add(std::uint64_t number) { add(NumberInterval{number, number + 1}); }
  void add(NumberInterval run);  // O(1) when it extends the last run, O(log n + moved) otherwise
  void add(const NumberIntervals& others);
  void subtract(const NumberIntervals& others);

  bool contains(std::uint64_t number) const;
  bool contains_all(const NumberIntervals& others) const;
  bool empty() const { return runs_.empty(); }
  std::uint64_t count() const;
  const std::vector<NumberInterval>& runs() const { return runs_; }
  friend bool operator==(const NumberIntervals&, const NumberIntervals&) = default;

 private:
  std::vector<NumberInterval> runs_;
};

}  // namespace binrelay
