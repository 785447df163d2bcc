// The small texts of the configuration and the command line: endpoints, times, start places, stream names.
#include <algorithm>
#include <charconv>

#include "protocol/gtid/mariadb_gtid.h"
#include "protocol/gtid/mysql_gtid_set.h"
#include "relay/config/relay_config.h"
#include "storage/event_log.h"

namespace binrelay {
namespace {

constexpr std::size_t kMaxHostName = 255;
constexpr std::size_t kMaxStreamName = 64;

template <class Number>
bool parse_number(std::string_view text, Number* number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number);
  return error == std::errc() && end == text.data() + text.size();
}

// Cuts `count` digits off the front.
bool take_digits(std::string_view& text, std::size_t count, unsigned* number) {
  if (text.size() < count || text.find_first_not_of("0123456789") < count) return false;
  if (!parse_number(text.substr(0, count), number)) return false;
  text.remove_prefix(count);
  return true;
}
bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

std::string quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

}  // namespace

Result<Endpoint> parse_endpoint(std::string_view text, std::uint16_t default_port) {
  std::string_view host = text, port;
  bool has_port = false;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos)
      return Error{Errc::malformed, quoted(text) + " lacks the ']' of an IPv6 address"};
    host = text.substr(1, close - 1);
    const std::string_view rest = text.substr(close + 1);
    has_port = rest.starts_with(':');
    if (!rest.empty() && !has_port) return Error{Errc::malformed, quoted(text) + " is not HOST:PORT"};
    if (has_port) port = rest.substr(1);
  } else if (const std::size_t colon = text.find(':'); colon != std::string_view::npos) {
    if (text.find(':', colon + 1) != std::string_view::npos) {
      return Error{Errc::malformed, quoted(text) + " is not HOST:PORT; an IPv6 address is written [::1]:3306"};
    }
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    has_port = true;
  }
  const bool printable = std::all_of(host.begin(), host.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (host.empty() || host.size() > kMaxHostName || !printable)
    return Error{Errc::malformed, quoted(text) + " names no host"};
  Endpoint endpoint{std::string(host), default_port};
  if (has_port && !parse_number(port, &endpoint.port))
    return Error{Errc::malformed, quoted(text) + " has no port from 1 to 65535"};
  if (endpoint.port == 0) return Error{Errc::malformed, quoted(text) + " needs a port from 1 to 65535"};
  return endpoint;
}

std::string to_text(const Endpoint& endpoint) {
  const bool v6 = endpoint.host.find(':') != std::string::npos;
  return (v6 ? "[" + endpoint.host + "]" : endpoint.host) + ":" + std::to_string(endpoint.port);
}

Result<std::chrono::sys_seconds> parse_time(std::string_view text) {
  using namespace std::chrono;
  const Error malformed{Errc::malformed,
                        quoted(text) + " is not a time like 2026-11-22T10:00:00Z or 2026-11-22T18:00:00+08:00"};
  std::string_view rest = text;
  unsigned y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0;
  const bool shaped = take_digits(rest, 4, &y) && take(rest, "-") && take_digits(rest, 2, &mo) && take(rest, "-") &&
                      take_digits(rest, 2, &d) && (take(rest, "T") || take(rest, " ")) && take_digits(rest, 2, &h) &&
                      take(rest, ":") && take_digits(rest, 2, &mi) && take(rest, ":") && take_digits(rest, 2, &s);
  const year_month_day date{year{static_cast<int>(y)}, month{mo}, day{d}};
  if (!shaped || !date.ok() || h > 23 || mi > 59 || s > 59) return malformed;

  const sys_seconds local = sys_days{date} + hours{h} + minutes{mi} + seconds{s};
  if (rest == "Z") return local;
  const bool east = rest.starts_with('+');
  unsigned oh = 0, om = 0;
  const bool offset = (take(rest, "+") || take(rest, "-")) && take_digits(rest, 2, &oh) && take(rest, ":") &&
                      take_digits(rest, 2, &om) && rest.empty() && oh <= 14 && om <= 59;
  if (!offset) return malformed;
  const seconds shift = hours{oh} + minutes{om};
  return east ? local - shift : local + shift;
}

Result<StartPlace> parse_start_place(std::string_view text) {
  if (text == "oldest") return StartPlace{StartOldest{}};
  if (text == "now") return StartPlace{StartNow{}};
  std::string_view rest = text;
  if (take(rest, "gtid:")) {
    const bool known = MysqlGtidSet::parse(rest).ok() || MariadbPosition::parse(rest).ok();
    if (!known || rest.empty())
      return Error{Errc::malformed, quoted(rest) + " is neither a MySQL GTID set nor a MariaDB position"};
    return StartPlace{StartGtid{std::string(rest)}};
  }
  if (take(rest, "file:")) {
    StartFile place;
    const std::size_t colon = rest.rfind(':');
    place.name = rest.substr(0, colon);
    const bool position_fits = colon == std::string_view::npos || parse_number(rest.substr(colon + 1), &place.position);
    if (!is_safe_file_name(place.name) || !position_fits || place.position < kFirstEventOffset) {
      return Error{Errc::malformed, quoted(text) + " is not file:NAME:POSITION with a position from 4 on"};
    }
    return StartPlace{place};
  }
  if (take(rest, "time:")) {
    BINRELAY_ASSIGN(const std::chrono::sys_seconds time, parse_time(rest));
    return StartPlace{StartTime{time}};
  }
  return Error{Errc::malformed,
               quoted(text) + " is none of: oldest, now, gtid:SET, file:NAME:POSITION, time:2026-11-22T10:00:00Z"};
}

bool is_safe_stream_name(std::string_view name) {
  const bool letters = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.';
  });
  return letters && !name.empty() && name.size() <= kMaxStreamName && name.front() != '.';
}

}  // namespace binrelay
