#include "relay/commands/purge_answer.h"

#include <gmock/gmock.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>

#include "relay/retention/housekeeper.h"
#include "storage/log_cursor.h"
#include "tests/relay/dump/sample_log.h"

namespace binrelay {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// DyingDisk works until it is told to die.
class DyingDisk final : public DiskFaults {
 public:
  std::optional<Error> before(DiskStep, const std::filesystem::path&, std::size_t&) override {
    return dead ? std::optional(Error{Errc::io, "no space left on device"}) : std::nullopt;
  }
  bool dead = false;
};

// Four files, closed on 2023-11-14.
class PurgeAnswer : public testing::Test {
 protected:
  explicit PurgeAnswer(Flavour flavour = Flavour::mysql)
      : log_(flavour, &disk_),
        housekeeper_(log_.log(), log_.registry(), RetentionConfig{.rules = {}, .purge_hold_seconds = 0}, "nowhere",
                     std::make_shared<spdlog::logger>("", std::make_shared<spdlog::sinks::null_sink_mt>()),
                     {[] { return std::int64_t{1'800'000'000}; }, [] { return std::nullopt; }}) {
    for (std::uint64_t number = 1; number <= 4; ++number) {
      log_.open_file("binlog.00000" + std::to_string(number));
      if (flavour == Flavour::mysql) {
        log_.commit(kSourceUuid, number);
      } else {
        log_.commit(MariadbGtid{0, 1, number});
      }
    }
    log_.sync();
    session_.user = "root";
    session_.privileges.add(Privilege::binlog_admin);
  }

  Answer ask(const std::string& statement) {
    RelayView view = log_.view();
    view.housekeeper = &housekeeper_;
    return answer_query(statement, view, session_);
  }
  // Each warning as "code: text".
  std::vector<std::string> warnings_of(const std::string& statement) {
    const Answer answer = ask(statement);
    EXPECT_TRUE(std::holds_alternative<OkAnswer>(answer)) << statement;
    std::vector<std::string> warnings;
    const Answer shown = ask("SHOW WARNINGS");
    for (const auto& row : std::get<ResultSet>(shown).rows) warnings.push_back(*row[1] + ": " + *row[2]);
    return warnings;
  }
  SqlError refusal_of(const std::string& statement) {
    const Answer answer = ask(statement);
    EXPECT_TRUE(std::holds_alternative<SqlError>(answer)) << statement;
    const auto* error = std::get_if<SqlError>(&answer);
    return error ? *error : SqlError{};
  }
  std::vector<std::string> listed() {
    std::vector<std::string> names;
    const Answer answer = ask("SHOW BINARY LOGS");
    for (const auto& row : std::get<ResultSet>(answer).rows) names.push_back(row[0]->substr(row[0]->size() - 1));
    return names;
  }

  DyingDisk disk_;
  SampleLog log_;
  Housekeeper housekeeper_;
  SessionState session_;
};

class MariadbPurgeAnswer : public PurgeAnswer {
 protected:
  MariadbPurgeAnswer() : PurgeAnswer(Flavour::mariadb) {}
};

TEST_F(PurgeAnswer, PurgesToAFile) {
  EXPECT_THAT(warnings_of("PURGE BINARY LOGS TO 'binlog.000003'"), IsEmpty());
  EXPECT_THAT(listed(), ElementsAre("3", "4"));
  const Answer purged = ask("SELECT @@global.gtid_purged");
  EXPECT_EQ(std::get<ResultSet>(purged).rows[0][0], kSourceUuid + ":1-2");
  EXPECT_EQ(refusal_of("PURGE BINARY LOGS TO 'binlog.000002'").code, 1373);
  EXPECT_EQ(refusal_of("PURGE MASTER LOGS TO ''").text, "Target log not found in binlog index");
  EXPECT_THAT(warnings_of("PURGE MASTER LOGS TO 'binlog.000004'"), IsEmpty());
  EXPECT_THAT(listed(), ElementsAre("4"));
}

// purge_failed
TEST_F(PurgeAnswer, SaysWhyNothingWasPurged) {
  disk_.dead = true;
  const SqlError error = refusal_of("PURGE BINARY LOGS TO 'binlog.000003'");
  disk_.dead = false;
  EXPECT_EQ(error.code, 1378);
  EXPECT_EQ(error.sqlstate, "HY000");
  EXPECT_THAT(error.text, testing::StartsWith("binrelay: nothing was purged: "));
  EXPECT_THAT(error.text, HasSubstr("no space left on device"));
  EXPECT_THAT(listed(), ElementsAre("1", "2", "3", "4"));
}

TEST_F(PurgeAnswer, PurgesByTime) {
  EXPECT_THAT(warnings_of("PURGE BINARY LOGS BEFORE '2023-11-14'"), IsEmpty());
  EXPECT_THAT(listed(), ElementsAre("1", "2", "3", "4"));
  EXPECT_THAT(warnings_of("PURGE BINARY LOGS BEFORE 'garbage'"),
              ElementsAre("1292: Incorrect datetime value: 'garbage'"));
  EXPECT_THAT(listed(), ElementsAre("1", "2", "3", "4"));
  ask("SET time_zone = '+08:00'");
  EXPECT_THAT(warnings_of("PURGE BINARY LOGS BEFORE '2023-11-15 06:13:20'"), IsEmpty()) << "to the second";
  EXPECT_THAT(listed(), ElementsAre("1", "2", "3", "4"));
  EXPECT_THAT(warnings_of("PURGE BINARY LOGS BEFORE '2023-11-15 06:13:21'"),
              ElementsAre("1868: file ./binlog.000004 was not purged because it is the active log file."));
  EXPECT_THAT(listed(), ElementsAre("4"));
}

TEST_F(PurgeAnswer, PurgesByAge) {
  EXPECT_THAT(warnings_of("PURGE BINARY LOGS BEFORE NOW() - INTERVAL 5000 WEEK"), IsEmpty());
  EXPECT_THAT(listed(), ElementsAre("1", "2", "3", "4"));
  EXPECT_THAT(warnings_of("PURGE BINARY LOGS BEFORE DATE_SUB(NOW(), INTERVAL 1 DAY)"), testing::SizeIs(1));
  EXPECT_THAT(listed(), ElementsAre("4"));
}

TEST_F(PurgeAnswer, StopsAtAFileThatIsRead) {
  const auto cursor = LogCursor::open(log_.log(), {SegmentNumber{2}, 4});
  ASSERT_TRUE(cursor.ok());
  EXPECT_THAT(warnings_of("PURGE BINARY LOGS TO 'binlog.000004'"),
              ElementsAre("1867: file ./binlog.000002 was not purged because it was being read by 1 thread(s), purged "
                          "only 1 out of 3 files."));
  EXPECT_THAT(listed(), ElementsAre("2", "3", "4"));
  ask("SELECT 1");
  EXPECT_THAT(std::get<ResultSet>(ask("SHOW WARNINGS")).rows, IsEmpty()) << "they were the last statement's";
}

TEST_F(MariadbPurgeAnswer, WarnsInItsOwnWords) {
  {
    const auto cursor = LogCursor::open(log_.log(), {SegmentNumber{2}, 4});
    EXPECT_THAT(warnings_of("PURGE BINARY LOGS TO 'binlog.000004'"),
                ElementsAre("1375: Binary log 'binlog.000002' is not purged because it is in use by a slave thread"));
  }
  EXPECT_THAT(warnings_of("PURGE BINARY LOGS BEFORE '2099-01-01'"),
              ElementsAre("1375: Binary log 'binlog.000004' is not purged because it is the current active binlog"));
  EXPECT_THAT(listed(), ElementsAre("4"));
}

TEST_F(PurgeAnswer, OnlyAccountsThatMay) {
  const auto grants = [&] { return std::get<ResultSet>(ask("SHOW GRANTS")).rows; };
  EXPECT_EQ(grants().size(), 2u);
  session_.privileges = kReplicaPrivileges;
  const SqlError refused = refusal_of("PURGE BINARY LOGS TO 'binlog.000003'");
  EXPECT_EQ(refused.code, 1227);
  EXPECT_EQ(refused.sqlstate, "42000");
  EXPECT_THAT(refused.text, HasSubstr("you need (at least one of) the SUPER or BINLOG_ADMIN privilege(s)"));
  EXPECT_THAT(listed(), ElementsAre("1", "2", "3", "4"));
  EXPECT_EQ(grants().size(), 1u);
}

}  // namespace
}  // namespace binrelay
