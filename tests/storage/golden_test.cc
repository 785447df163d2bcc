// Files of real servers, stored as a source would send them.
#include <gmock/gmock.h>

#include "storage/archive.h"
#include "tests/golden/golden_samples.h"
#include "tests/storage/log_bench.h"

namespace binrelay {
namespace {

class GoldenTest : public LogBench, public ::testing::WithParamInterface<std::string> {
 protected:
  void expect_executed(const golden::Sample& sample) {
    std::string one_line = sample.executed;
    std::erase(one_line, '\n');
    if (!one_line.empty()) {
      EXPECT_EQ(to_text(log->executed()), one_line);
    }
  }
};

TEST_P(GoldenTest, IsStoredServedAndVerifiedByteForByte) {
  const golden::Sample sample = golden::load(GetParam());
  open();
  ASSERT_OK(log->open_segment("binlog.000001"));
  for (const golden::PlacedEvent& event : sample.events()) {
    ASSERT_EQ(log->appended_end(), event.offset);
    ASSERT_OK(log->append(event.bytes));
  }
  ASSERT_OK(log->sync());
  EXPECT_FALSE(log->in_group());
  EXPECT_EQ(log->ends().visible.offset, sample.content.size());
  EXPECT_EQ(as_text(read_file(segment_path("binlog.000001"))), sample.content);
  const auto served = read_visible({SegmentNumber{1}, kFirstEventOffset}, 4096);
  EXPECT_EQ(as_text(served[0].second), std::string_view(sample.content).substr(4));
  expect_executed(sample);
  const VerifyReport running = Archive::verify(options.directory, nullptr);
  EXPECT_THAT(running.findings, ::testing::IsEmpty()) << running.findings[0].problem;
  reopen();
  expect_executed(sample);
  EXPECT_THAT(report.notes, ::testing::IsEmpty());
  close();
  EXPECT_OK(rebuild_index(options.directory, nullptr));
  EXPECT_THAT(Archive::verify(options.directory, nullptr).findings, ::testing::IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(RealServers, GoldenTest, ::testing::ValuesIn(golden::sample_names()), [](const auto& info) {
  std::string name = info.param;
  for (char& c : name) c = c == '-' || c == '.' ? '_' : c;
  return name;
});

}  // namespace
}  // namespace binrelay
