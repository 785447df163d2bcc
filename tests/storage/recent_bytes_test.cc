#include "storage/recent_bytes.h"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <string>
#include <thread>

#include "tests/storage/log_bench.h"

namespace binrelay {
namespace {

constexpr SegmentNumber kSegment{3};

std::string copied(const RecentBytes& recent, std::uint64_t offset, std::size_t size,
                   SegmentNumber segment = kSegment) {
  ByteBuffer to(size);
  return recent.copy(segment, offset, to) ? std::string(as_text(to)) : "none";
}

TEST(RecentBytes, GivesWhatWasWrittenLast) {
  RecentBytes recent;
  EXPECT_EQ(copied(recent, 4, 1), "none");
  recent.add(kSegment, 4, as_bytes("first "));
  recent.add(kSegment, 10, as_bytes("second"));
  EXPECT_EQ(copied(recent, 4, 12), "first second");
  EXPECT_EQ(copied(recent, 10, 3), "sec");
  EXPECT_EQ(copied(recent, 4, 13), "none");
  EXPECT_EQ(copied(recent, 3, 2), "none");
  EXPECT_EQ(copied(recent, 17, 1), "none");
  EXPECT_EQ(copied(recent, 4, 6, SegmentNumber{4}), "none");
}

TEST(RecentBytes, BeginsAnewBehindAGapInAnotherSegmentAndWhenItIsFull) {
  RecentBytes recent;
  recent.add(kSegment, 4, as_bytes("before"));
  recent.add(kSegment, 100, as_bytes("behind"));
  EXPECT_EQ(copied(recent, 4, 6), "none");
  EXPECT_EQ(copied(recent, 100, 6), "behind");
  recent.add(SegmentNumber{4}, 106, as_bytes("next"));
  EXPECT_EQ(copied(recent, 100, 6), "none");
  EXPECT_EQ(copied(recent, 106, 4, SegmentNumber{4}), "next");
  const std::string rest(RecentBytes::kMost - 1, 'x');
  recent.add(SegmentNumber{4}, 110, as_bytes(rest));
  EXPECT_EQ(copied(recent, 106, 4, SegmentNumber{4}), "none");
  EXPECT_EQ(copied(recent, 110, rest.size(), SegmentNumber{4}), rest);
}

TEST(RecentBytes, KeepsNothingOfLargeWritesNorWhenItForgets) {
  RecentBytes recent;
  recent.add(kSegment, 4, as_bytes("small"));
  recent.add(kSegment, 9, ByteBuffer(RecentBytes::kMost + 1));
  EXPECT_EQ(copied(recent, 4, 5), "none");
  recent.add(kSegment, 100, as_bytes("small"));
  recent.forget();
  EXPECT_EQ(copied(recent, 100, 5), "none");
}

TEST(RecentBytes, MayBeReadWhileMoreIsWritten) {
  constexpr std::uint64_t kBytes = 1u << 20;
  RecentBytes recent;
  std::atomic<std::uint64_t> written{0};
  std::thread reader([&] {
    for (std::uint64_t at = 0; at < kBytes; at = written) {
      std::byte one{};
      const std::uint64_t last = written;
      const bool there = last > 0 && recent.copy(kSegment, last - 1, {&one, 1});
      EXPECT_TRUE(!there || one == static_cast<std::byte>(last - 1));
    }
  });
  for (std::uint64_t at = 0; at < kBytes; ++at) {
    const auto one = static_cast<std::byte>(at);
    recent.add(kSegment, at, {&one, 1});
    written = at + 1;
  }
  reader.join();
}

class RecentBytesOfALog : public LogBench {};

TEST_F(RecentBytesOfALog, AreWhatWasReceivedWhateverBecomesOfTheFile) {
  open();
  start_file("binlog.000001");
  ASSERT_OK(log->sync());
  const LogPosition before = log->ends().visible;
  append_transactions(3);
  ASSERT_OK(log->sync());
  std::fstream file(segment_path("binlog.000001"), std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(before.offset));
  file << std::string(sent.size() - before.offset, '\0') << std::flush;
  const auto files = read_visible(before);
  ASSERT_EQ(files.size(), 1u);
  EXPECT_EQ(as_text(files[0].second), as_text(sent).substr(before.offset));
}

}  // namespace
}  // namespace binrelay
