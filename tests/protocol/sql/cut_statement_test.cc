#include <gtest/gtest.h>

#include "protocol/sql/sql_tokens.h"
#include "protocol/sql/statement_text.h"

namespace binrelay {
namespace {

TEST(CutStatement, EndsBehindASemicolonThatIsNotHidden) {
  const auto cut = cut_statement("SELECT ';', `;` /* ; */ -- ;\n; SELECT 2");
  EXPECT_EQ(cut.first, "SELECT ';', `;` /* ; */ -- ;\n;");
  EXPECT_EQ(cut.rest, " SELECT 2");
}

TEST(CutStatement, LeavesNothingWhenOnlyCommentsFollow) {
  EXPECT_EQ(cut_statement("SELECT 1;").rest, "");
  EXPECT_EQ(cut_statement("SELECT 1; -- done").rest, "");
  EXPECT_EQ(cut_statement("SELECT 1").first, "SELECT 1");
  EXPECT_EQ(cut_statement("SELECT 1;; SELECT 2").rest, "; SELECT 2");
}

TEST(CutStatement, KeepsATextThatIsNoSqlWhole) {
  const auto cut = cut_statement("SELECT 'open; SELECT 2");
  EXPECT_EQ(cut.first, "SELECT 'open; SELECT 2");
  EXPECT_EQ(cut.rest, "");
}

TEST(Placeholders, AreNotThoseInQuotesAndComments) {
  constexpr std::string_view kText = "SELECT '?', `?`, ? /* ? */, \"?\", ? # ?";
  const auto found = find_placeholders(kText);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(fill_placeholders(kText, found, {ParameterValue{"5", true}, std::nullopt}),
            "SELECT '?', `?`, 5 /* ? */, \"?\", NULL # ?");
}

TEST(Placeholders, ValuesStayValuesWhateverIsInThem) {
  const std::string hostile = "\\'; DROP TABLE t; -- \"`\n?%\\_" + std::string(1, '\0');
  const std::string filled = fill_placeholders("SELECT ?", {7}, {ParameterValue{hostile, false}});
  SqlLexer lexer(filled);
  lexer.next();
  const SqlToken literal = lexer.next();
  EXPECT_EQ(literal.kind, SqlToken::Kind::string);
  EXPECT_EQ(literal.value, hostile);
  EXPECT_EQ(lexer.next().kind, SqlToken::Kind::end);
}

}  // namespace
}  // namespace binrelay
