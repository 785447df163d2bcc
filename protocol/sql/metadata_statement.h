#pragma once
// Statements that ask a source for table definitions, as parsed, and their rendering anew. Nothing of the client's text
// survives but names, patterns and literals, which are values here and quoted by the renderer. What is rendered is for
// a connection as quoted_text.h wants it.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/sql/metadata_condition.h"

namespace binrelay {

struct MetadataStatement {
  enum class Kind : std::uint8_t {
    databases,        // SHOW DATABASES
    tables,           // SHOW [FULL] TABLES
    table_status,     // SHOW TABLE STATUS
    columns,          // SHOW [FULL] COLUMNS, DESCRIBE
    indexes,          // SHOW INDEX
    create_table,     // SHOW CREATE TABLE
    create_view,      // SHOW CREATE VIEW
    create_database,  // SHOW CREATE DATABASE
    engines,          // SHOW ENGINES
  };
  Kind kind = Kind::databases;
  bool full = false;
  std::string database;  // the session's current one where none is named; empty: there is none
  std::string table;
  std::optional<std::string> like;
  std::string where;  // rendered

  bool of_one_table() const {
    return kind == Kind::columns || kind == Kind::indexes || kind == Kind::create_table || kind == Kind::create_view;
  }
  bool of_a_database() const { return kind != Kind::databases && kind != Kind::engines; }

  friend bool operator==(const MetadataStatement&, const MetadataStatement&) = default;
};

// `database`: the session's. nullopt: not such a statement, or one with a part that cannot be rendered. Executable
// comments are read as code.
std::optional<MetadataStatement> parse_metadata_statement(std::string_view text, std::string_view database);
std::string render(const MetadataStatement& statement);

}  // namespace binrelay
