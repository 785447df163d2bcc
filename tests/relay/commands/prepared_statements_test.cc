#include "relay/commands/prepared_statements.h"

#include <gtest/gtest.h>

#include "protocol/wire/byte_writer.h"

namespace binrelay {
namespace {

// Statements that look at nothing but the session and its source.
class PreparedStatementsTest : public testing::Test {
 protected:
  PreparedStatementsTest() {
    auto source = std::make_shared<SourceIdentity>();
    source->version = "9.7.4";
    relay_.source = source;
  }
  PreparedStatements::Prepared prepare(std::string_view text) {
    auto prepared = statements_.prepare(text, relay_, session_);
    const auto* error = std::get_if<SqlError>(&prepared);
    EXPECT_EQ(error, nullptr) << error->text;
    return error ? PreparedStatements::Prepared{} : std::get<PreparedStatements::Prepared>(std::move(prepared));
  }
  std::uint16_t refused(std::string_view text) {
    const auto prepared = statements_.prepare(text, relay_, session_);
    return std::holds_alternative<SqlError>(prepared) ? std::get<SqlError>(prepared).code : 0;
  }
  static ByteBuffer one_text(std::string_view value) {
    ByteWriter out;
    out.u8(0).u32(1).u8(0).u8(1).u16(0xfd).length_encoded_text(value);
    return std::move(out).take();
  }
  std::string filled(std::uint32_t id, Bytes request) {
    auto text = statements_.fill(id, request);
    const auto* error = std::get_if<SqlError>(&text);
    return error ? std::to_string(error->code) : std::get<std::string>(text);
  }

  RelayView relay_;
  SessionState session_;
  PreparedStatements statements_{Flavour::mariadb};
};

TEST_F(PreparedStatementsTest, SaysWhatComesOutBeforeTheValuesAreKnown) {
  const auto prepared = prepare("SELECT ? AS a, VERSION()");
  EXPECT_EQ(prepared.parameters, 1u);
  ASSERT_EQ(prepared.columns.columns.size(), 2u);
  EXPECT_EQ(prepared.columns.columns[0].name, "a");
  EXPECT_TRUE(prepared.columns.rows.empty());
  EXPECT_EQ(prepare("SHOW BINLOG EVENTS").columns.columns.size(), 6u);
}

TEST_F(PreparedStatementsTest, PreparingChangesNothing) {
  EXPECT_TRUE(prepare("SET @x = ?").columns.columns.empty());
  EXPECT_TRUE(session_.user_variables.empty());
}

TEST_F(PreparedStatementsTest, IsExecutedAsTheTextWithItsValues) {
  const auto prepared = prepare("SELECT ?");
  EXPECT_EQ(filled(prepared.id, one_text("it's")), "SELECT 'it''s'");
  statements_.append_long_data(prepared.id, 0, "lo");
  statements_.append_long_data(prepared.id, 0, "ng");
  EXPECT_EQ(filled(prepared.id, one_text("")), "SELECT 'long'");
  EXPECT_EQ(filled(prepared.id, one_text("again")), "SELECT 'again'");
}

TEST_F(PreparedStatementsTest, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(refused("SELECT 1 +"), 1064);
  EXPECT_EQ(refused("SELECT 1; SELECT 2"), 1064);
  EXPECT_EQ(refused(""), 1065);
  EXPECT_EQ(filled(77, {}), "1243");
  const auto prepared = prepare("SELECT ?");
  EXPECT_EQ(filled(prepared.id, as_bytes("?")), "1210");
  statements_.append_long_data(prepared.id, 9, "no such parameter");
  EXPECT_EQ(filled(prepared.id, one_text("x")), "1210");
  EXPECT_EQ(filled(prepared.id, one_text("x")), "SELECT 'x'");
  EXPECT_EQ(statements_.fetch(prepared.id).code, 1421);
  statements_.close(prepared.id);
  EXPECT_EQ(statements_.fetch(prepared.id).code, 1243);
  EXPECT_EQ(filled(prepared.id, one_text("x")), "1243");
  EXPECT_EQ(statements_.reset(prepared.id)->code, 1243);
}

TEST_F(PreparedStatementsTest, AreBounded) {
  for (std::size_t i = 0; i < PreparedStatements::kMaxStatements; ++i) prepare("SELECT 1");
  EXPECT_EQ(refused("SELECT 1"), 1461);
  statements_.clear();
  const auto prepared = prepare("SELECT ?");
  const std::string piece(PreparedStatements::kMaxBytes / 2, 'x');
  for (int i = 0; i < 3; ++i) statements_.append_long_data(prepared.id, 0, piece);
  EXPECT_EQ(filled(prepared.id, one_text("x")), "1105");
  EXPECT_EQ(filled(prepared.id, one_text("x")), "SELECT 'x'");
}

}  // namespace
}  // namespace binrelay
