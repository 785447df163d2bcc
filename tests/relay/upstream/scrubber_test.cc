// What the disk has lost is fetched from whichever source still has it, and what nobody has holds up nothing else.
#include "relay/upstream/scrubber.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <sstream>

#include "storage/segment/segment_blocks.h"
#include "tests/relay/upstream/scripted_source.h"
#include "tests/storage/log_bench.h"

namespace binrelay {
namespace {

using test::ScriptedSource;
using test::ServedFile;

class ScrubberTest : public LogBench {
 protected:
  static constexpr std::uint64_t kBlock = 4096;

  // Three sealed files of some ten blocks each, and one that is written.
  void SetUp() override {
    options.digest_block_bytes = kBlock;
    options.index_block_bytes = 0;
    open();
    start_file("binlog.000001");
    for (int next = 2; next <= 4; ++next) {
      append_transactions(60, 500);
      const std::string name = "binlog.00000" + std::to_string(next);
      append(source.rotate(name));
      files.push_back({"binlog.00000" + std::to_string(next - 1), std::string(as_text(sent))});
      start_file(name);
    }
    append_transaction();
    ASSERT_OK(log->sync());
  }
  void flip(int file, std::uint64_t offset) {
    ByteBuffer content = read_file(segment_path(files[file - 1].name));
    content[offset] ^= std::byte{0x10};
    write_file(segment_path(files[file - 1].name), content);
  }
  bool is_whole(int file) { return as_text(read_file(segment_path(files[file - 1].name))) == files[file - 1].content; }
  // A source with some of the files; asked for another it answers as servers do.
  ScriptedSource* add_source(const std::vector<int>& has) {
    auto connection = std::make_unique<ScriptedSource>();
    for (const int file : has) connection->files.push_back(files[file - 1]);
    connection->end_number = 1236;
    connection->end_text = "Could not find first log file name in binary log index file";
    ScriptedSource* const added = connection.get();
    sources.push_back({Endpoint{"db" + std::to_string(sources.size() + 1), 3306}, std::move(connection)});
    return added;
  }
  // Until it has looked at everything once and `done`, or 10 s.
  template <class Condition>
  void scrub_until(Condition done) {
    auto logger = std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(said));
    const Endpoint followed = sources.back().address;
    scrubber = std::make_unique<Scrubber>(
        *log, std::move(sources), [followed] { return followed; }, 1u << 30, logger);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    scrubber->start();
    while (!done() && std::chrono::steady_clock::now() < deadline)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    scrubber->stop();
    EXPECT_TRUE(done()) << said.str();
  }
  // What a reader of the file ends with.
  std::optional<Errc> read_error(std::uint32_t file) {
    auto cursor = LogCursor::open(*log, {SegmentNumber{file}, kFirstEventOffset}, kBlock);
    EXPECT_OK(cursor);
    for (CursorStep step = cursor->next(); !std::holds_alternative<SegmentEnd>(step); step = cursor->next()) {
      if (!std::holds_alternative<NeedsRead>(step)) continue;
      if (const auto read = cursor->read(ReadMode::may_block); !read.ok()) return read.error().code;
    }
    return std::nullopt;
  }
  std::uint64_t bad_blocks() const { return log->counters().bad_blocks; }

  std::vector<ServedFile> files;
  std::vector<FetchSource> sources;
  std::ostringstream said;
  std::unique_ptr<Scrubber> scrubber;  // stopped
};

TEST_F(ScrubberTest, WhatNobodyHasHoldsUpNothingElse) {
  add_source({2, 3});
  flip(1, 2 * kBlock + 5);
  flip(1, 6 * kBlock + 5);
  flip(3, 3 * kBlock + 5);
  scrub_until([&] { return is_whole(3) && bad_blocks() == 3; });
  EXPECT_FALSE(is_whole(1));
  EXPECT_EQ(log->catalog()->oldest()->blocks->first_damaged(), 2u);
  EXPECT_THAT(said.str(), testing::HasSubstr("binlog.000001, bytes 8192 to 12288 cannot be fetched"));
  EXPECT_THAT(said.str(), testing::HasSubstr("binlog.000001, bytes 24576 to 28672 cannot be fetched"));
  EXPECT_EQ(read_error(1), Errc::not_found) << "nobody need wait for it";
}

TEST_F(ScrubberTest, AnySourceMayHaveIt) {
  add_source({1});
  ScriptedSource* const away = add_source({});
  away->unreachable = true;
  add_source({3});
  flip(1, 2 * kBlock + 5);
  flip(1, 6 * kBlock + 5);
  flip(2, 5);
  flip(3, 3 * kBlock + 5);
  scrub_until([&] { return is_whole(1) && is_whole(3) && bad_blocks() == 4; });
  EXPECT_FALSE(is_whole(2));
  EXPECT_THAT(said.str(), testing::HasSubstr("db2:3306: it is away"));
  EXPECT_EQ(read_error(2), Errc::checksum) << "who waits may get it when the source is back";
}

TEST_F(ScrubberTest, ASourceThatTakesNobodyNowMayHaveIt) {
  ScriptedSource* const busy = add_source({2});
  busy->refuses_with = 1040;
  add_source({3});
  flip(2, 2 * kBlock + 5);
  flip(3, 3 * kBlock + 5);
  scrub_until([&] { return is_whole(3) && bad_blocks() == 2; });
  EXPECT_GE(busy->connects, 1);
  EXPECT_EQ(read_error(2), Errc::checksum);
}

TEST_F(ScrubberTest, ASourceThatIsAwayIsAskedOnceInARound) {
  ScriptedSource* const away = add_source({});
  away->unreachable = true;
  const auto segment = log->catalog()->segments()[1];
  for (const std::uint64_t block : {2u, 4u, 6u, 8u}) {
    flip(2, block * kBlock + 5);
    ASSERT_OK(log->check_block(*segment, block));
  }
  scrub_until([&] { return bad_blocks() == 4; });
  EXPECT_EQ(away->connects, 2);  // and once to see whether it is the source
}

TEST_F(ScrubberTest, OneBlockThatTheSourceHasDifferentlyKeepsNoOtherFromBeingRestored) {
  ScriptedSource* const rotten = add_source({2});
  rotten->files[0].content[4 * kBlock + 100] ^= 0x01;
  for (const std::uint64_t block : {3u, 4u, 5u}) flip(2, block * kBlock + 5);
  const auto blocks = log->catalog()->segments()[1]->blocks;
  using State = SegmentBlocks::State;
  scrub_until([&] {
    return bad_blocks() == 3 && blocks->state(3) == State::sound && blocks->state(5) == State::sound &&
           blocks->state(4) == State::damaged;
  });
}

TEST_F(ScrubberTest, WhatKeepsALogFromBeingOpenedMayComeFromSeveralSources) {
  add_source({1});
  add_source({3});
  close();
  flip(1, 10);
  flip(3, 10);
  const auto damage = find_damage_at_open(options);
  ASSERT_OK(damage);
  EXPECT_EQ(damage->heads.size(), 2u);
  EXPECT_FALSE(restore_damage(options, *damage, *sources[0].connection).ok());
  EXPECT_OK(restore_damage(options, *damage, *sources[1].connection));
  EXPECT_TRUE(is_whole(1) && is_whole(3));
  open();
}

}  // namespace
}  // namespace binrelay
