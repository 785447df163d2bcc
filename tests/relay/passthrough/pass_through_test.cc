#include "relay/passthrough/pass_through.h"

#include <gtest/gtest.h>
#include <spdlog/logger.h>

#include <deque>

namespace binrelay {
namespace {

constexpr std::uint16_t kLost = 2013;

// What sources have been asked, and what they answer next.
struct Script {
  std::vector<std::string> asked;
  int opened = 0;
  bool loses_next = false;
  std::size_t rows = 1;
  bool refuses = false;
};

class ScriptedSource final : public RowSource {
 public:
  explicit ScriptedSource(Script& script) : script_(script) { ++script_.opened; }
  Status connect() override {
    if (script_.refuses) return Error{Errc::authentication, "Access denied for user 'definitions'@'10.0.0.7'"};
    return Done{};
  }
  std::variant<std::vector<ColumnDefinition>, SqlError> begin_rows(const std::string& statement) override {
    if (std::exchange(script_.loses_next, false)) return SqlError{kLost, "HY000", "Lost connection to 10.0.0.7"};
    script_.asked.push_back(statement);
    left_ = script_.rows;
    std::vector<ColumnDefinition> columns;
    if (statement.starts_with("SHOW")) columns.emplace_back();
    return columns;
  }
  std::variant<RowPortion, SqlError> next_rows(std::size_t) override {
    RowPortion portion;
    if (left_ > 0) portion.rows.push_back({"x"});
    portion.last = left_ <= 1;
    left_ -= left_ > 0 ? 1 : 0;
    return portion;
  }
  void interrupt() override {}

 private:
  Script& script_;
  std::size_t left_ = 0;
};

class PassThroughTest : public testing::Test {
 protected:
  PassThroughTest() {
    limits_.metadata_connections = 2;
    limits_.metadata_rows = 3;
    pass_through_.emplace(
        limits_, [this](const MetadataLogin&) { return std::make_unique<ScriptedSource>(script_); },
        std::make_shared<spdlog::logger>("test"));
  }
  std::unique_ptr<PassThrough::Lease> lend(const char* user = "definitions") {
    auto lent = pass_through_->lend({user, "secret"});
    EXPECT_TRUE(std::holds_alternative<std::unique_ptr<PassThrough::Lease>>(lent));
    return std::get<std::unique_ptr<PassThrough::Lease>>(std::move(lent));
  }
  // The answer's rows, or the error's code.
  int ask(PassThrough::Lease& lease, const char* database = "shop") {
    auto begun = lease.begin({database, "SHOW TABLES", {}});
    if (const auto* error = std::get_if<SqlError>(&begun)) return error->code;
    int rows = 0;
    for (;;) {
      auto portion = lease.next(1);
      if (const auto* error = std::get_if<SqlError>(&portion)) return error->code;
      rows += static_cast<int>(std::get<RowPortion>(portion).rows.size());
      if (std::get<RowPortion>(portion).last) return rows;
    }
  }

  Script script_;
  LimitsConfig limits_;
  std::optional<PassThrough> pass_through_;
};

TEST_F(PassThroughTest, MakesASessionReadOnlyBeforeItAsks) {
  EXPECT_EQ(ask(*lend()), 1);
  ASSERT_GE(script_.asked.size(), 3u);
  EXPECT_NE(std::find(script_.asked.begin(), script_.asked.end(), "SET SESSION TRANSACTION READ ONLY"),
            script_.asked.end());
  EXPECT_EQ(script_.asked.at(script_.asked.size() - 2), "USE `shop`");
  EXPECT_EQ(script_.asked.back(), "SHOW TABLES");
}

TEST_F(PassThroughTest, LendsAConnectionAgainToTheSameAccountOnly) {
  EXPECT_EQ(ask(*lend()), 1);
  EXPECT_EQ(ask(*lend(), "other"), 1);
  EXPECT_EQ(script_.opened, 1);
  EXPECT_EQ(script_.asked.at(script_.asked.size() - 2), "USE `other`");
  EXPECT_EQ(ask(*lend("somebody")), 1);
  EXPECT_EQ(script_.opened, 2);
}

TEST_F(PassThroughTest, ConnectsAgainWhenAnIdleConnectionIsGone) {
  EXPECT_EQ(ask(*lend()), 1);
  script_.loses_next = true;
  EXPECT_EQ(ask(*lend()), 1);
  EXPECT_EQ(script_.opened, 2);
}

TEST_F(PassThroughTest, SaysNothingOfTheSourceWhenItCannotBeAsked) {
  script_.refuses = true;
  auto begun = lend()->begin({"shop", "SHOW TABLES", {}});
  const auto& error = std::get<SqlError>(begun);
  EXPECT_EQ(error.code, 1105);
  EXPECT_EQ(error.text.find("10.0.0.7"), std::string::npos) << error.text;
}

// metadata_question_interrupted
TEST_F(PassThroughTest, AsksNothingForWhoHasBeenInterrupted) {
  const auto lease = lend();
  lease->interrupt();
  const auto begun = lease->begin({"shop", "SHOW TABLES", {}});
  const auto& error = std::get<SqlError>(begun);
  EXPECT_EQ(error.code, 1105);
  EXPECT_EQ(error.sqlstate, "HY000");
  EXPECT_EQ(error.text, "interrupted");
  EXPECT_TRUE(script_.asked.empty());
}

TEST_F(PassThroughTest, KeepsToItsLimits) {
  script_.rows = 4;
  const auto first = lend();
  EXPECT_EQ(ask(*first), 1104);
  const auto second = lend();
  const auto third = pass_through_->lend({"definitions", "secret"});
  EXPECT_EQ(std::get<SqlError>(third).code, 1040);
}

TEST_F(PassThroughTest, NeverLendsAConnectionWhoseAnswerWasNotReadToItsEnd) {
  script_.rows = 3;
  {
    const auto lease = lend();
    (void)lease->begin({"shop", "SHOW TABLES", {}});
    (void)lease->next(1);
  }
  EXPECT_EQ(ask(*lend()), 3);
  EXPECT_EQ(script_.opened, 2);
}

}  // namespace
}  // namespace binrelay
