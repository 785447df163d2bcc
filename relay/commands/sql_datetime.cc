#include "relay/commands/sql_datetime.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <ctime>

namespace binrelay {
namespace {

// Reads "26", up to `most` digits, and cuts them off.
bool take_number(std::string_view& text, std::size_t most, unsigned* number) {
  const std::size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
  if (end == 0 || end > most) return false;
  std::from_chars(text.data(), text.data() + end, *number);
  text.remove_prefix(end);
  return true;
}

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

struct Fields {
  unsigned year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
};

bool take_date(std::string_view& text, Fields& fields) {
  return take_number(text, 4, &fields.year) && fields.year >= 1000 && take(text, '-') &&
         take_number(text, 2, &fields.month) && take(text, '-') && take_number(text, 2, &fields.day);
}

bool take_time(std::string_view& text, Fields& fields) {
  if (!take_number(text, 2, &fields.hour) || !take(text, ':') || !take_number(text, 2, &fields.minute)) return false;
  if (!take(text, ':')) return true;
  if (!take_number(text, 2, &fields.second)) return false;
  unsigned fraction = 0;
  return !take(text, '.') || take_number(text, 6, &fraction);
}

std::optional<Fields> parse_datetime(std::string_view text) {
  Fields fields;
  if (!take_date(text, fields)) return std::nullopt;
  if (!text.empty() && ((!take(text, ' ') && !take(text, 'T')) || !take_time(text, fields))) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(fields.year)),
                                         std::chrono::month(fields.month), std::chrono::day(fields.day)};
  if (!text.empty() || !date.ok() || fields.hour > 23 || fields.minute > 59 || fields.second > 59) return std::nullopt;
  return fields;
}

std::int64_t as_utc(const Fields& fields) {
  const std::chrono::sys_days days{std::chrono::year(static_cast<int>(fields.year)) / static_cast<int>(fields.month) /
                                   static_cast<int>(fields.day)};
  return std::int64_t{days.time_since_epoch().count()} * 86400 + fields.hour * 3600 + fields.minute * 60 +
         fields.second;
}

std::int64_t as_local(const Fields& fields) {
  std::tm parts{};
  parts.tm_year = static_cast<int>(fields.year) - 1900;
  parts.tm_mon = static_cast<int>(fields.month) - 1;
  parts.tm_mday = static_cast<int>(fields.day);
  parts.tm_hour = static_cast<int>(fields.hour);
  parts.tm_min = static_cast<int>(fields.minute);
  parts.tm_sec = static_cast<int>(fields.second);
  parts.tm_isdst = -1;
  return std::mktime(&parts);
}

// "+08:00": seconds east of Greenwich.
std::optional<std::int64_t> parse_offset(std::string_view zone) {
  if (zone == "UTC" || zone == "utc") return 0;
  const bool west = zone.starts_with('-');
  if (!take(zone, '+') && !take(zone, '-')) return std::nullopt;
  unsigned hours = 0, minutes = 0;
  if (!take_number(zone, 2, &hours) || !take(zone, ':') || !take_number(zone, 2, &minutes)) return std::nullopt;
  if (!zone.empty() || hours > 14 || minutes > 59) return std::nullopt;
  const std::int64_t seconds = std::int64_t{hours} * 3600 + std::int64_t{minutes} * 60;
  return west ? -seconds : seconds;
}

}  // namespace

std::optional<std::int64_t> unix_time_of(std::string_view text, std::string_view time_zone) {
  const auto fields = parse_datetime(text);
  if (!fields) return std::nullopt;
  if (time_zone == "SYSTEM" || time_zone == "system") return as_local(*fields);
  const auto offset = parse_offset(time_zone);
  if (!offset) return std::nullopt;
  return as_utc(*fields) - *offset;
}

}  // namespace binrelay
