#include "relay/filter/rule_file.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

#include "protocol/wire/ascii.h"

namespace binrelay {
namespace {

enum RuleColumn : std::size_t { kId, kDatabase, kTable, kInsert, kUpdate, kDelete, kColumns };
constexpr std::array<std::string_view, kColumns> kColumnNames{
    "id", "db_name", "tb_name", "monitor_insert", "monitor_update", "monitor_delete"};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::vector<std::string> fields_of(std::string_view line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"') {
      if (quoted && i + 1 < line.size() && line[i + 1] == '"') {
        fields.back() += line[++i];
      } else {
        quoted = !quoted;
      }
    } else if (line[i] == ',' && !quoted) {
      fields.emplace_back();
    } else {
      fields.back() += line[i];
    }
  }
  for (std::string& field : fields) field = std::string(trimmed(field));
  return fields;
}

std::optional<bool> flag_of(std::string_view text) {
  if (text == "1" || text == "true") return true;
  if (text == "0" || text == "false") return false;
  return std::nullopt;
}

// Where each column stands in a line.
using Places = std::array<std::size_t, kColumns>;

Result<Places> places_of(const std::vector<std::string>& header) {
  Places places{};
  for (std::size_t column = 0; column < kColumns; ++column) {
    const auto found = std::find(header.begin(), header.end(), kColumnNames[column]);
    if (found == header.end())
      return Error{Errc::malformed, "the first line does not name the column " + std::string(kColumnNames[column])};
    places[column] = static_cast<std::size_t>(found - header.begin());
  }
  return places;
}

Result<FilterRule> rule_of(const std::vector<std::string>& fields, const Places& places) {
  if (*std::max_element(places.begin(), places.end()) >= fields.size())
    return Error{Errc::malformed, "fewer fields than the first line names"};
  const auto field = [&](RuleColumn column) -> const std::string& { return fields[places[column]]; };
  FilterRule rule;
  const std::string& id = field(kId);
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), rule.id);
  if (error != std::errc() || end != id.data() + id.size()) return Error{Errc::malformed, "'" + id + "' is no id"};
  rule.db_name = field(kDatabase);
  rule.tb_name = field(kTable);
  const auto insert = flag_of(field(kInsert)), update = flag_of(field(kUpdate)), remove = flag_of(field(kDelete));
  if (!insert || !update || !remove) return Error{Errc::malformed, "a flag is neither 0 nor 1"};
  rule.monitor_insert = *insert;
  rule.monitor_update = *update;
  rule.monitor_delete = *remove;
  return rule;
}

}  // namespace

Result<std::vector<FilterRule>> parse_rules(std::string_view text) {
  std::vector<FilterRule> rules;
  std::optional<Places> places;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(text.size(), end + 1));
    if (line.empty() || line.front() == '#') continue;
    const auto placed = [&](const Error& error) {
      return Error{error.code, "line " + std::to_string(number) + ": " + error.context};
    };
    const std::vector<std::string> fields = fields_of(line);
    if (!places) {
      auto found = places_of(fields);
      if (!found) return placed(found.error());
      places = *found;
      continue;
    }
    auto rule = rule_of(fields, *places);
    if (!rule) return placed(rule.error());
    rules.push_back(std::move(*rule));
  }
  if (!places) return Error{Errc::malformed, "no line names the columns"};
  return rules;
}

Result<std::vector<FilterRule>> read_rule_file(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return Error{Errc::io, "cannot read " + file.string()};
  std::error_code failed;
  if (std::filesystem::file_size(file, failed) > kMaxRuleFile || failed)
    return Error{Errc::limit, file.string() + " is no file of at most 64 MiB"};
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  auto rules = parse_rules(text);
  if (!rules) return Error{rules.error().code, file.string() + ": " + rules.error().context};
  return rules;
}

}  // namespace binrelay
