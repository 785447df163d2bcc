#include "relay/commands/replica_registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

namespace binrelay {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Connections that write down why they were ended.
class ReplicaRegistryTest : public testing::Test {
 protected:
  std::uint32_t connect(const std::string& user = "repl") {
    ConnectionEntry entry;
    entry.user = user;
    auto reasons = std::make_shared<std::vector<EndReason>>();
    const std::uint32_t id = registry.enter(entry, [reasons](EndReason reason) { reasons->push_back(reason); });
    ended[id] = reasons;
    return id;
  }
  std::optional<std::uint32_t> dump(std::uint32_t id, Flavour flavour, std::uint32_t server_id,
                                    const std::string& uuid = "") {
    return registry.begin_dump(id, flavour, ServerId{server_id}, uuid, true,
                               std::make_shared<ConnectionEntry::Progress>());
  }
  // Whether a first dump is ended by a second.
  bool ends(Flavour flavour, std::pair<std::uint32_t, const char*> first,
            std::pair<std::uint32_t, const char*> second) {
    const std::uint32_t older = connect();
    const std::uint32_t newer = connect();
    dump(older, flavour, first.first, first.second);
    const auto ended_one = dump(newer, flavour, second.first, second.second);
    EXPECT_EQ(ended_one.has_value(), !ended[older]->empty());
    if (ended_one) {
      EXPECT_EQ(*ended_one, older);
      EXPECT_THAT(*ended[older], ElementsAre(EndReason::replaced_by_same_replica));
    }
    EXPECT_THAT(*ended[newer], IsEmpty()) << "the second is the survivor";
    registry.leave(older);
    registry.leave(newer);
    return ended_one.has_value();
  }

  ReplicaRegistry registry;
  std::map<std::uint32_t, std::shared_ptr<std::vector<EndReason>>> ended;
};

TEST_F(ReplicaRegistryTest, TellsOnceWhoHasGoneAndWillBeBack) {
  const auto replica = connect("a");
  const auto nameless = connect("b");
  const auto to_the_end = connect("c");
  const auto client = connect("d");
  dump(replica, Flavour::mysql, 7);
  dump(nameless, Flavour::mysql, 0);
  dump(to_the_end, Flavour::mysql, 8);
  registry.update(to_the_end, [](ConnectionEntry& entry) { entry.ends_by_itself = true; });
  for (const auto id : {replica, nameless, to_the_end, client}) registry.leave(id);
  const auto departed = registry.take_departed();
  ASSERT_EQ(departed.size(), 1u);
  EXPECT_EQ(departed[0].server_id, ServerId{7});
  EXPECT_THAT(registry.take_departed(), IsEmpty());
}

TEST_F(ReplicaRegistryTest, ListsConnectionsByIdUntilTheyLeave) {
  const auto first = connect("a");
  const auto second = connect("b");
  EXPECT_NE(first, 0u);
  ASSERT_EQ(registry.list().size(), 2u);
  EXPECT_EQ(registry.list()[0].id, first);
  EXPECT_EQ(registry.list()[1].user, "b");
  registry.leave(first);
  EXPECT_EQ(registry.size(), 1u);
  registry.update(second, [](ConnectionEntry& entry) { entry.command = "Query"; });
  registry.update(first, [](ConnectionEntry&) { FAIL() << "left already"; });
  EXPECT_EQ(registry.list()[0].command, "Query");
}

TEST_F(ReplicaRegistryTest, KillReachesOnlyTheOneNamed) {
  const auto first = connect();
  const auto second = connect();
  EXPECT_TRUE(registry.kill(first, EndReason::query_killed));
  EXPECT_THAT(*ended[first], ElementsAre(EndReason::query_killed));
  EXPECT_THAT(*ended[second], IsEmpty());
  EXPECT_FALSE(registry.kill(999999, EndReason::killed));
  registry.end_all(EndReason::shutdown);
  EXPECT_THAT(*ended[first], ElementsAre(EndReason::query_killed, EndReason::shutdown));
  EXPECT_THAT(*ended[second], ElementsAre(EndReason::shutdown));
}

TEST_F(ReplicaRegistryTest, ShowsWhatADumpIs) {
  const auto id = connect();
  dump(id, Flavour::mysql, 100, "u");
  const ConnectionEntry entry = registry.list()[0];
  EXPECT_EQ(entry.command, "Binlog Dump GTID");
  EXPECT_EQ(entry.server_id, ServerId{100});
  EXPECT_EQ(entry.uuid, "u");
  EXPECT_NE(entry.progress, nullptr);
}

// The table measured on MySQL 9.7.
TEST_F(ReplicaRegistryTest, MysqlTellsReplicasApartByUuidFirst) {
  EXPECT_TRUE(ends(Flavour::mysql, {1, "u"}, {1, "u"}));
  EXPECT_TRUE(ends(Flavour::mysql, {1, "u"}, {2, "U"}));
  EXPECT_FALSE(ends(Flavour::mysql, {1, "u"}, {1, "v"}));
  EXPECT_TRUE(ends(Flavour::mysql, {1, ""}, {1, ""}));
  EXPECT_FALSE(ends(Flavour::mysql, {1, ""}, {2, ""}));
  EXPECT_FALSE(ends(Flavour::mysql, {1, "u"}, {1, ""}));
  EXPECT_FALSE(ends(Flavour::mysql, {1, ""}, {1, "u"}));
}

// … and on MariaDB 10.11 and 11.8.
TEST_F(ReplicaRegistryTest, MariadbTellsReplicasApartByServerId) {
  EXPECT_TRUE(ends(Flavour::mariadb, {1, "u"}, {1, "u"}));
  EXPECT_FALSE(ends(Flavour::mariadb, {1, "u"}, {2, "u"}));
  EXPECT_TRUE(ends(Flavour::mariadb, {1, "u"}, {1, "v"}));
  EXPECT_TRUE(ends(Flavour::mariadb, {1, ""}, {1, "u"}));
}

TEST_F(ReplicaRegistryTest, ToolsWithServerIdZeroEndNobody) {
  EXPECT_FALSE(ends(Flavour::mysql, {0, ""}, {0, ""}));
  EXPECT_FALSE(ends(Flavour::mariadb, {0, ""}, {0, ""}));
}

TEST_F(ReplicaRegistryTest, AConnectionThatOnlyRegisteredIsNotEnded) {
  const auto registered = connect();
  registry.update(registered, [](ConnectionEntry& entry) { entry.server_id = ServerId{1}; });
  EXPECT_EQ(dump(connect(), Flavour::mariadb, 1), std::nullopt);
  EXPECT_THAT(*ended[registered], IsEmpty());
}

TEST_F(ReplicaRegistryTest, SurvivesConnectionsFromManyThreads) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this] {
      for (int i = 0; i < 500; ++i) {
        const auto id = registry.enter({}, [](EndReason) {});
        registry.begin_dump(id, Flavour::mysql, ServerId{1}, "", false, std::make_shared<ConnectionEntry::Progress>());
        (void)registry.list();
        registry.leave(id);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(registry.size(), 0u);
}

}  // namespace
}  // namespace binrelay
