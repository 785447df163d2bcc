#include "protocol/gtid/number_intervals.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

namespace binrelay {
namespace {

using Numbers = std::set<std::uint64_t>;

NumberIntervals intervals_of(const Numbers& numbers) {
  NumberIntervals intervals;
  for (const std::uint64_t number : numbers) intervals.add(number);
  return intervals;
}

Numbers numbers_of(const NumberIntervals& intervals) {
  Numbers numbers;
  for (const NumberInterval& run : intervals.runs()) {
    for (std::uint64_t number = run.begin; number < run.end; ++number) numbers.insert(number);
  }
  return numbers;
}

void expect_canonical(const NumberIntervals& intervals) {
  std::uint64_t previous_end = 0;
  for (const NumberInterval& run : intervals.runs()) {
    EXPECT_LT(previous_end, run.begin) << "runs ascend and do not touch";
    EXPECT_LT(run.begin, run.end);
    previous_end = run.end;
  }
}

TEST(NumberIntervals, JoinsWhatTouches) {
  NumberIntervals intervals;
  intervals.add(NumberInterval{1, 3});
  intervals.add(NumberInterval{5, 6});
  intervals.add(NumberInterval{3, 5});
  EXPECT_EQ(intervals.runs(), (std::vector<NumberInterval>{{1, 6}}));
}

TEST(NumberIntervals, IgnoresEmptyRuns) {
  NumberIntervals intervals = NumberIntervals::of({{5, 5}, {7, 6}});
  intervals.add(NumberInterval{9, 9});
  EXPECT_TRUE(intervals.empty());
}

TEST(NumberIntervals, TakesItselfAsAnOperand) {
  NumberIntervals intervals = intervals_of({1, 2, 7});
  intervals.add(intervals);
  EXPECT_EQ(numbers_of(intervals), (Numbers{1, 2, 7}));
  EXPECT_TRUE(intervals.contains_all(intervals));
  intervals.subtract(intervals);
  EXPECT_TRUE(intervals.empty());
}

// Against std::set, with small numbers so that runs meet in every way.
class AgainstSet : public testing::TestWithParam<unsigned> {
 protected:
  std::mt19937 random_{GetParam()};

  NumberInterval random_run() {
    const std::uint64_t begin = 1 + random_() % 60;
    return {begin, begin + random_() % 8};
  }
  std::vector<NumberInterval> random_runs() {
    std::vector<NumberInterval> runs(random_() % 12);
    for (NumberInterval& run : runs) run = random_run();
    return runs;
  }
  static Numbers numbers_in(const std::vector<NumberInterval>& runs) {
    Numbers numbers;
    for (const NumberInterval& run : runs) {
      for (std::uint64_t number = run.begin; number < run.end; ++number) numbers.insert(number);
    }
    return numbers;
  }
};

INSTANTIATE_TEST_SUITE_P(NumberIntervals, AgainstSet, testing::Range(1u, 9u));

TEST_P(AgainstSet, AddingOneByOneOrAtOnceIsTheSame) {
  for (int round = 0; round < 2000; ++round) {
    const std::vector<NumberInterval> runs = random_runs();
    NumberIntervals one_by_one;
    for (const NumberInterval& run : runs) one_by_one.add(run);
    expect_canonical(one_by_one);
    EXPECT_EQ(numbers_of(one_by_one), numbers_in(runs));
    EXPECT_EQ(NumberIntervals::of(runs), one_by_one);
    EXPECT_EQ(one_by_one.count(), numbers_in(runs).size());
  }
}

TEST_P(AgainstSet, UnionDifferenceAndInclusionAgree) {
  for (int round = 0; round < 2000; ++round) {
    const std::vector<NumberInterval> left_runs = random_runs(), right_runs = random_runs();
    const Numbers left = numbers_in(left_runs), right = numbers_in(right_runs);
    const NumberIntervals right_intervals = NumberIntervals::of(right_runs);

    NumberIntervals both = NumberIntervals::of(left_runs);
    EXPECT_EQ(both.contains_all(right_intervals), std::includes(left.begin(), left.end(), right.begin(), right.end()));
    for (std::uint64_t number = 0; number < 70; ++number) EXPECT_EQ(both.contains(number), left.contains(number));
    both.add(right_intervals);
    expect_canonical(both);
    Numbers wanted = left;
    wanted.insert(right.begin(), right.end());
    EXPECT_EQ(numbers_of(both), wanted);

    NumberIntervals difference = NumberIntervals::of(left_runs);
    difference.subtract(right_intervals);
    expect_canonical(difference);
    Numbers rest;
    for (const std::uint64_t number : left) {
      if (!right.contains(number)) rest.insert(number);
    }
    EXPECT_EQ(numbers_of(difference), rest);
  }
}

}  // namespace
}  // namespace binrelay
