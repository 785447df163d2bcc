#include "relay/retention/consumer_memory.h"

#include <gtest/gtest.h>

namespace binrelay {
namespace {

ConnectionEntry dump(std::uint32_t server_id, std::string uuid, std::uint64_t segment) {
  ConnectionEntry entry;
  entry.user = "replica";
  entry.host = "10.0.0.9:4000";
  entry.server_id = ServerId{server_id};
  entry.uuid = std::move(uuid);
  entry.progress = std::make_shared<ConnectionEntry::Progress>();
  entry.progress->needed = segment;
  return entry;
}

TEST(ConsumerMemoryTest, RemembersWhoHasGoneAndHowFarItHadCome) {
  ConsumerMemory memory;
  memory.update({}, {dump(7, "", 3), dump(8, "uuid-8", 5)}, 1000);
  EXPECT_EQ(memory.hindmost(), nullptr) << "both are connected";
  memory.update({dump(8, "uuid-8", 6)}, {dump(7, "", 4)}, 1010);
  ASSERT_NE(memory.hindmost(), nullptr);
  EXPECT_EQ(memory.hindmost()->server_id, ServerId{8});
  EXPECT_EQ(memory.hindmost()->segment, SegmentNumber{6});
  EXPECT_EQ(to_text(*memory.hindmost()), "replica server_id 8 ('replica' from 10.0.0.9)");
  memory.update({dump(7, "", 4)}, {}, 1020);
  EXPECT_EQ(memory.hindmost()->segment, SegmentNumber{4});
  EXPECT_EQ(memory.needing_before(SegmentNumber{5}).size(), 1u);
  memory.update({}, {dump(7, "", 9)}, 1030);
  EXPECT_EQ(memory.hindmost()->segment, SegmentNumber{6});
}

TEST(ConsumerMemoryTest, ADumpWithoutANameIsNoConsumer) {
  ConsumerMemory memory;
  ConnectionEntry only_connected = dump(5, "", 1);
  only_connected.progress = nullptr;
  ConnectionEntry to_the_end = dump(6, "", 1);
  to_the_end.ends_by_itself = true;
  memory.update({}, {dump(0, "", 1), only_connected, to_the_end}, 1000);
  EXPECT_TRUE(memory.all().empty());
}

TEST(ConsumerMemoryTest, ForgetsAfterTheHoldAndWhatIsPurged) {
  ConsumerMemory memory;
  memory.update({dump(7, "", 3), dump(8, "", 9)}, {}, 1000);
  memory.forget(60, SegmentNumber{1}, 1059);
  EXPECT_EQ(memory.all().size(), 2u);
  memory.forget(60, SegmentNumber{4}, 1059);
  ASSERT_EQ(memory.all().size(), 1u);
  EXPECT_EQ(memory.all().front().server_id, ServerId{8});
  memory.forget(60, SegmentNumber{4}, 1060);
  EXPECT_TRUE(memory.all().empty());
}

TEST(ConsumerMemoryTest, IsWrittenAndReadAgain) {
  ConsumerMemory memory;
  memory.update({dump(7, "", 3)}, {dump(8, "uuid \xff\n", 9)}, 1000);
  ConsumerMemory again;
  again.from_json(memory.to_json());
  ASSERT_EQ(again.all().size(), 2u);
  EXPECT_EQ(again.hindmost()->server_id, ServerId{7}) << "nobody is connected after a restart";
  EXPECT_EQ(again.hindmost()->last_seen, 1000);
  for (const char* broken : {"", "{", "[1]", "[{}]", R"([{"segment":"x"}])", R"([{"segment":-1}])", "null"}) {
    again.from_json(broken);
    EXPECT_TRUE(again.all().empty()) << broken;
  }
  again.from_json(R"([{"segment":5,"server_id":"x","last_seen":[],"uuid":7}])");  // whatever it makes of it
}

TEST(ConsumerMemoryTest, WhatIsPurgedSinceItWasWrittenIsNotAskedForAgain) {
  ConsumerMemory memory;
  memory.update({}, {dump(7, "", 3), dump(8, "", 9)}, 1000);
  ConsumerMemory again;
  again.from_json(memory.to_json(), SegmentNumber{5});
  EXPECT_EQ(again.hindmost()->server_id, ServerId{7});
  EXPECT_EQ(again.hindmost()->segment, SegmentNumber{5}) << "it had been sent what lay before, or it could not be gone";
  EXPECT_EQ(again.needing_before(SegmentNumber{9}).size(), 1u);
}

TEST(ConsumerMemoryTest, TellsWhenSomebodyIsNewOrForgotten) {
  ConsumerMemory memory;
  memory.update({}, {dump(7, "", 3)}, 1000);
  EXPECT_TRUE(memory.take_changed());
  memory.update({}, {dump(7, "", 4)}, 1010);
  memory.update({dump(7, "", 4)}, {}, 1020);
  EXPECT_FALSE(memory.take_changed()) << "it only moves, comes and goes";
  memory.forget(60, SegmentNumber{1}, 1081);
  EXPECT_TRUE(memory.take_changed());
}

TEST(ConsumerMemoryTest, IsBounded) {
  ConsumerMemory memory;
  for (std::uint32_t i = 1; i <= kMaxRememberedConsumers + 50; ++i) memory.update({dump(i, "", 3)}, {}, i);
  EXPECT_EQ(memory.all().size(), kMaxRememberedConsumers);
  memory.update({}, {dump(1, std::string(5000, 'x'), 3)}, 5000);
  for (const RememberedConsumer& consumer : memory.all()) EXPECT_LE(consumer.uuid.size(), 100u);
}

}  // namespace
}  // namespace binrelay
