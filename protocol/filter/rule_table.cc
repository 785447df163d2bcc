#include "protocol/filter/rule_table.h"

#include <algorithm>

#include "protocol/sql/sql_tokens.h"

namespace binrelay {
namespace {

constexpr std::array<std::string_view, 6> kRoleNames{
    "id", "db_name", "tb_name", "monitor_insert", "monitor_update", "monitor_delete"};

void append_utf8(char32_t point, std::string* out) {
  const auto tail = [&](unsigned shift) { *out += static_cast<char>(0x80 | (point >> shift & 0x3f)); };
  if (point < 0x80) {
    *out += static_cast<char>(point);
  } else if (point < 0x800) {
    *out += static_cast<char>(0xc0 | point >> 6);
    tail(0);
  } else if (point < 0x10000) {
    *out += static_cast<char>(0xe0 | point >> 12);
    tail(6);
    tail(0);
  } else {
    *out += static_cast<char>(0xf0 | (point >> 18 & 7));
    tail(12);
    tail(6);
    tail(0);
  }
}

// MySQL's latin1 is Windows-1252.
constexpr std::array<char16_t, 32> kWindows1252{0x20ac, 0x81,   0x201a, 0x192,  0x201e, 0x2026, 0x2020, 0x2021,
                                                0x2c6,  0x2030, 0x160,  0x2039, 0x152,  0x8d,   0x17d,  0x8f,
                                                0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
                                                0x2dc,  0x2122, 0x161,  0x203a, 0x153,  0x9d,   0x17e,  0x178};

std::string from_latin1(std::string_view text) {
  std::string out;
  for (const char letter : text) {
    const auto byte = static_cast<unsigned char>(letter);
    append_utf8(byte >= 0x80 && byte < 0xa0 ? char32_t{kWindows1252[byte - 0x80]} : char32_t{byte}, &out);
  }
  return out;
}

std::optional<std::string> from_utf16(std::string_view text, bool little) {
  if (text.size() % 2 != 0) return std::nullopt;
  const auto unit = [&](std::size_t at) {
    const auto first = static_cast<unsigned char>(text[at]), second = static_cast<unsigned char>(text[at + 1]);
    return static_cast<char32_t>(little ? second << 8 | first : first << 8 | second);
  };
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += 2) {
    char32_t point = unit(at);
    if (point >= 0xd800 && point < 0xdc00 && at + 3 < text.size()) {
      at += 2;
      point = 0x10000 + ((point - 0xd800) << 10) + ((unit(at) - 0xdc00) & 0x3ff);
    }
    append_utf8(point, &out);
  }
  return out;
}

std::optional<std::string> from_utf32(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += 4) {
    char32_t point = 0;
    for (std::size_t i = 0; i < 4; ++i) point = point << 8 | static_cast<unsigned char>(text[at + i]);
    if (point > 0x10ffff) return std::nullopt;
    append_utf8(point, &out);
  }
  return out;
}

// The type byte a described type has in row events; nullopt: one that no rule is read from.
bool may_be(std::string_view described, const ColumnLayout& column) {
  const auto is = [&](std::string_view name) { return equal_ignoring_case(described, name); };
  switch (column.kind) {
    case ColumnKind::tiny:
      return is("tinyint");
    case ColumnKind::short_:
      return is("smallint");
    case ColumnKind::int24:
      return is("mediumint");
    case ColumnKind::long_:
      return is("int");
    case ColumnKind::long_long:
      return is("bigint");
    case ColumnKind::bit:
      return is("bit");
    case ColumnKind::varchar:
    case ColumnKind::mariadb_compressed_varchar:
      return is("varchar") || is("varbinary");
    case ColumnKind::timestamp:
    case ColumnKind::timestamp2:
      return is("timestamp");
    case ColumnKind::datetime:
    case ColumnKind::datetime2:
      return is("datetime");
    default:
      return !is("tinyint") && !is("smallint") && !is("mediumint") && !is("int") && !is("bigint") && !is("bit") &&
             !is("varchar") && !is("timestamp") && !is("datetime");
  }
}

std::uint64_t bits_of(ColumnKind kind) {
  switch (kind) {
    case ColumnKind::tiny:
      return 0xff;
    case ColumnKind::short_:
      return 0xffff;
    case ColumnKind::int24:
      return 0xffffff;
    case ColumnKind::long_:
      return 0xffffffff;
    default:
      return ~std::uint64_t{0};
  }
}

}  // namespace

std::optional<std::string> to_utf8(std::string_view text, std::string_view charset) {
  const auto is = [&](std::string_view name) { return equal_ignoring_case(charset, name); };
  if (is("utf8mb4") || is("utf8mb3") || is("utf8") || is("")) return std::string(text);
  if (is("latin1")) return from_latin1(text);
  if (is("utf16") || is("ucs2")) return from_utf16(text, false);
  if (is("utf16le")) return from_utf16(text, true);
  if (is("utf32")) return from_utf32(text);
  const bool ascii = std::all_of(text.begin(), text.end(), [](char letter) { return (letter & 0x80) == 0; });
  if (ascii || is("binary")) return std::string(text);
  return std::nullopt;
}

bool RuleValues::complete() const {
  return id && db_name && tb_name && monitor_insert && monitor_update && monitor_delete;
}

FilterRule RuleValues::over(FilterRule rule) const {
  if (id) rule.id = *id;
  if (db_name) rule.db_name = *db_name;
  if (tb_name) rule.tb_name = *tb_name;
  if (monitor_insert) rule.monitor_insert = *monitor_insert;
  if (monitor_update) rule.monitor_update = *monitor_update;
  if (monitor_delete) rule.monitor_delete = *monitor_delete;
  return rule;
}

Result<RuleColumns> RuleColumns::match(const TableColumns& table, const std::vector<DescribedColumn>& described) {
  const bool same_count = described.size() == table.columns.size();
  RuleColumns columns;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const ColumnLayout& column = table.columns[i];
    if (column.name.empty() && !same_count)
      return Error{Errc::conflict, "it has " + std::to_string(table.columns.size()) + " columns there, " +
                                       std::to_string(described.size()) + " at the source now"};
    const std::string_view name = column.name.empty() ? described[i].name : std::string_view(column.name);
    if (column.name.empty() && !may_be(described[i].type, column))
      return Error{Errc::conflict,
                   "its column " + std::to_string(i + 1) + " is no " + std::string(described[i].type) + " there"};
    const auto role = std::find_if(kRoleNames.begin(), kRoleNames.end(),
                                   [&](std::string_view each) { return equal_ignoring_case(each, name); });
    if (role == kRoleNames.end()) continue;
    const auto index = static_cast<std::size_t>(role - kRoleNames.begin());
    columns.places_[index] = i;
    if (index == kId) columns.id_bits_ = bits_of(column.kind);
    const auto by_name = std::find_if(described.begin(), described.end(), [&](const DescribedColumn& each) {
      return equal_ignoring_case(each.name, name);
    });
    if (by_name != described.end()) columns.charsets_[index] = std::string(by_name->charset);
  }
  for (const Role role : {kId, kDatabase, kTable}) {
    if (!columns.places_[role]) return Error{Errc::not_found, "it has no column " + std::string(kRoleNames[role])};
  }
  return columns;
}

std::optional<std::string> RuleColumns::name_of(const RowImage& image, Role role, bool* unreadable) const {
  const std::optional<ColumnValue>& value = image[*places_[role]];
  if (!value) return std::nullopt;
  std::string_view text;
  if (const auto* held = std::get_if<std::string>(&*value)) text = *held;
  auto converted = to_utf8(text, charsets_[role]);
  if (!converted) *unreadable = true;
  return converted.value_or("");
}

std::optional<bool> RuleColumns::flag_of(const RowImage& image, Role role) const {
  if (!places_[role]) return false;  // a table without this column monitors none of these
  const std::optional<ColumnValue>& value = image[*places_[role]];
  if (!value) return std::nullopt;
  if (const auto* number = std::get_if<std::uint64_t>(&*value)) return *number != 0;
  if (const auto* number = std::get_if<std::int64_t>(&*value)) return *number != 0;
  if (const auto* text = std::get_if<std::string>(&*value)) return *text == "1";
  return false;
}

RuleValues RuleColumns::read(const RowImage& image) const {
  RuleValues values;
  if (const std::optional<ColumnValue>& id = image[*places_[kId]]) {
    if (const auto* number = std::get_if<std::uint64_t>(&*id)) values.id = *number;
    // Without metadata the sign is not known: an id is what its bits say.
    if (const auto* number = std::get_if<std::int64_t>(&*id))
      values.id = static_cast<std::uint64_t>(*number) & id_bits_;
  }
  values.db_name = name_of(image, kDatabase, &values.unreadable);
  values.tb_name = name_of(image, kTable, &values.unreadable);
  values.monitor_insert = flag_of(image, kInsert);
  values.monitor_update = flag_of(image, kUpdate);
  values.monitor_delete = flag_of(image, kDelete);
  return values;
}

}  // namespace binrelay
