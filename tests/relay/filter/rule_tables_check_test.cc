#include "relay/filter/rule_tables_check.h"

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <sstream>

namespace binrelay {
namespace {

// Answers what is asked of information_schema, and nothing else.
class AskedSource final : public EventSource {
 public:
  bool sees_all = true, answers = true;
  std::vector<std::string> tables;
  int asked = 0;

  Status connect() override { return Done{}; }
  void close() override {}
  std::string server_version() const override { return "9.7.4"; }
  Result<Table> query(const std::string& statement) override {
    ++asked;
    if (!answers) return Error{Errc::connection, "it is gone"};
    Table answer{{"name"}, {}};
    if (statement.find("information_schema.tables") != std::string::npos) {
      for (const std::string& table : tables) answer.rows.push_back({table});
    } else if (statement.find("user_privileges") != std::string::npos && sees_all) {
      answer.rows.push_back({"1"});
    }
    return answer;
  }
  Status register_replica(ServerId, const std::string&, std::uint16_t) override { return Done{}; }
  Status start_dump(const BinlogDump&) override { return Done{}; }
  Result<Bytes> next_event() override { return Bytes{}; }
  bool more_at_hand() override { return false; }
  bool semi_sync_taken() const override { return false; }
  bool ack_asked() const override { return false; }
  Status acknowledge(const std::string&, std::uint64_t) override { return Done{}; }
  std::uint32_t server_error() const override { return 0; }
  void interrupt() override {}
};

struct RuleTablesCheckTest : ::testing::Test {
  std::vector<FilterRule> rows{{1, "shop", "orders", true, true, true},
                               {2, "shop", "ordres", true, true, true},
                               {3, "shop", "new_*", true, true, true}};
  int names = 0;
  AskedSource source;
  std::ostringstream said;
  std::shared_ptr<spdlog::logger> logger =
      std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(said));
  RuleTablesCheck check{[this] { return std::make_shared<const RuleSet>(rows, names, DefaultMonitor::none); }, logger};

  std::vector<std::uint64_t> unseen() {
    std::vector<std::uint64_t> ids;
    for (const UnseenRule& rule : check.unseen()) ids.push_back(rule.id);
    return ids;
  }
  std::size_t warnings() {
    std::size_t count = 0;
    const std::string text = said.str();
    for (std::size_t at = text.find("has no such table"); at != std::string::npos;
         at = text.find("has no such table", at + 1))
      ++count;
    return count;
  }
};

TEST_F(RuleTablesCheckTest, ANameThatIsNotThereIsSaidOnceAVersion) {
  source.tables = {"orders"};
  for (int i = 0; i < 40; ++i) check.look(source);
  EXPECT_EQ(unseen(), std::vector<std::uint64_t>({2}));
  EXPECT_EQ(warnings(), 1u);
  rows.push_back({4, "shop", "other", true, true, true});
  for (int i = 0; i < 40; ++i) check.look(source);
  EXPECT_EQ(unseen(), std::vector<std::uint64_t>({2, 4}));
  EXPECT_EQ(warnings(), 3u);
}

TEST_F(RuleTablesCheckTest, ATableThatIsMadeLaterIsMissedNoMore) {
  source.tables = {"orders"};
  check.look(source);
  source.tables.push_back("ordres");
  for (int i = 0; i < 20; ++i) check.look(source);
  EXPECT_TRUE(unseen().empty());
  const int asked = source.asked;
  for (int i = 0; i < 40; ++i) check.look(source);
  EXPECT_EQ(source.asked, asked) << "nothing is missing, nobody asks";
}

TEST_F(RuleTablesCheckTest, WhereTheAccountMayNotLookNothingIsClaimed) {
  source.sees_all = false;
  check.look(source);
  ASSERT_EQ(unseen(), std::vector<std::uint64_t>({1, 2}));
  EXPECT_FALSE(check.unseen().front().told);
  EXPECT_EQ(warnings(), 0u);
}

TEST_F(RuleTablesCheckTest, NamesCompareAsTheSourceDoes) {
  source.tables = {"Orders", "ORDRES"};
  check.look(source);
  EXPECT_EQ(unseen(), std::vector<std::uint64_t>({1, 2}));
  names = 1;
  rows.pop_back();
  check.look(source);
  EXPECT_TRUE(unseen().empty());
}

TEST_F(RuleTablesCheckTest, ASourceThatDoesNotAnswerIsAskedAgain) {
  source.answers = false;
  check.look(source);
  EXPECT_TRUE(unseen().empty());
  source.answers = true;
  for (int i = 0; i < 20; ++i) check.look(source);
  EXPECT_EQ(unseen(), std::vector<std::uint64_t>({1, 2}));
}

}  // namespace
}  // namespace binrelay
