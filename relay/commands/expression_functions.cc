#include "relay/commands/expression_functions.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>
#include <random>

#include "protocol/event/events.h"
#include "protocol/limits.h"
#include "relay/commands/on_flavour.h"
#include "relay/commands/statement_errors.h"
#include "relay/commands/system_variables.h"
#include "storage/log_cursor.h"

namespace binrelay {
namespace {

struct Call {
  const std::vector<ExpressionValue>& arguments;
  const RelayView& relay;
  const SessionState& session;
};

ExpressionValue text_value(std::string text) { return {std::move(text), ValueType::text}; }
ExpressionValue integer_value(std::int64_t number) { return {std::to_string(number), ValueType::integer}; }

bool any_null(const Call& call) {
  return std::any_of(call.arguments.begin(), call.arguments.end(),
                     [](const ExpressionValue& value) { return !value.text; });
}

// --- time ---

std::string time_text(bool utc, const char* format) {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  if (utc) {
    gmtime_r(&now, &parts);
  } else {
    localtime_r(&now, &parts);
  }
  char text[32];
  return {text, std::strftime(text, sizeof text, format, &parts)};
}

constexpr const char* kDateTime = "%Y-%m-%d %H:%M:%S";
Evaluated now(const Call&) { return text_value(time_text(false, kDateTime)); }
Evaluated utc_timestamp(const Call&) { return text_value(time_text(true, kDateTime)); }
Evaluated current_date(const Call&) { return text_value(time_text(false, "%Y-%m-%d")); }
Evaluated utc_date(const Call&) { return text_value(time_text(true, "%Y-%m-%d")); }
Evaluated current_time(const Call&) { return text_value(time_text(false, "%H:%M:%S")); }
Evaluated utc_time(const Call&) { return text_value(time_text(true, "%H:%M:%S")); }
Evaluated unix_timestamp(const Call&) { return integer_value(static_cast<std::int64_t>(std::time(nullptr))); }

// --- who and where ---

Evaluated version(const Call& call) { return text_value(call.relay.source->version); }
Evaluated database(const Call& call) {
  if (call.session.database.empty()) return ExpressionValue{};
  return text_value(call.session.database);
}
Evaluated user(const Call& call) { return text_value(call.session.user + "@" + call.session.peer_host); }
Evaluated current_user(const Call& call) { return text_value(call.session.user + "@" + call.session.account_host); }
Evaluated connection_id(const Call& call) { return integer_value(call.session.connection_id); }
Evaluated last_insert_id(const Call&) { return integer_value(0); }

Evaluated uuid(const Call&) {
  thread_local std::mt19937_64 random{std::random_device{}()};
  Uuid fresh;
  for (std::uint8_t& byte : fresh.bytes) byte = static_cast<std::uint8_t>(random());
  fresh.bytes[6] = static_cast<std::uint8_t>((fresh.bytes[6] & 0x0f) | 0x40);  // RFC 4122, version 4
  fresh.bytes[8] = static_cast<std::uint8_t>((fresh.bytes[8] & 0x3f) | 0x80);
  return text_value(to_text(fresh));
}

Evaluated concat(const Call& call) {
  if (any_null(call)) return ExpressionValue{};
  std::string text;
  for (const ExpressionValue& value : call.arguments) {
    if (text.size() + value.text->size() > kMaxUserVariableSize)
      return ExpressionValue{};  // NULL, as past max_allowed_packet
    text += *value.text;
  }
  return text_value(std::move(text));
}

// --- GTIDs ---

using TwoSets = std::pair<MysqlGtidSet, MysqlGtidSet>;
std::variant<TwoSets, SqlError> two_sets(const Call& call) {
  TwoSets sets;
  for (const auto& [set, argument] :
       {std::pair{&sets.first, &call.arguments[0]}, std::pair{&sets.second, &call.arguments[1]}}) {
    auto parsed = MysqlGtidSet::parse(*argument->text);
    if (!parsed) return malformed_gtid_text(*argument->text);
    *set = std::move(*parsed);
  }
  return sets;
}

Evaluated gtid_subtract(const Call& call) {
  if (any_null(call)) return ExpressionValue{};
  auto sets = two_sets(call);
  if (auto* error = std::get_if<SqlError>(&sets)) return std::move(*error);
  auto& [left, right] = std::get<TwoSets>(sets);
  return text_value(difference(std::move(left), right).to_text_with_newlines());
}

Evaluated gtid_subset(const Call& call) {
  if (any_null(call)) return ExpressionValue{};
  auto sets = two_sets(call);
  if (auto* error = std::get_if<SqlError>(&sets)) return std::move(*error);
  const auto& [inner, outer] = std::get<TwoSets>(sets);
  return integer_value(outer.contains_all(inner) ? 1 : 0);
}

Evaluated binlog_gtid_pos(const Call& call) {
  if (auto denied = variable_denied("gtid_binlog_pos", call.relay, call.session)) return *std::move(denied);
  if (any_null(call)) return ExpressionValue{};
  std::uint64_t offset = 0;
  const std::string& digits = *call.arguments[1].text;
  if (std::from_chars(digits.data(), digits.data() + digits.size(), offset).ec != std::errc{}) return ExpressionValue{};
  const auto position = gtid_position_at(*call.relay.log, *call.arguments[0].text, offset);
  if (!position) return ExpressionValue{};
  return text_value(position->to_text());
}

// --- the table ---

struct FunctionRow {
  std::string_view name;
  std::size_t fewest, most;
  OnFlavour flavours;
  Evaluated (*call)(const Call&);
};
constexpr std::size_t kAnyNumber = SIZE_MAX;

// The time functions take a precision, which whole seconds satisfy.
constexpr std::array kFunctions{
    FunctionRow{"binlog_gtid_pos", 2, 2, OnFlavour::mariadb, binlog_gtid_pos},
    FunctionRow{"concat", 1, kAnyNumber, OnFlavour::both, concat},
    FunctionRow{"connection_id", 0, 0, OnFlavour::both, connection_id},
    FunctionRow{"curdate", 0, 0, OnFlavour::both, current_date},
    FunctionRow{"current_date", 0, 0, OnFlavour::both, current_date},
    FunctionRow{"current_time", 0, 1, OnFlavour::both, current_time},
    FunctionRow{"current_timestamp", 0, 1, OnFlavour::both, now},
    FunctionRow{"current_user", 0, 0, OnFlavour::both, current_user},
    FunctionRow{"curtime", 0, 1, OnFlavour::both, current_time},
    FunctionRow{"database", 0, 0, OnFlavour::both, database},
    FunctionRow{"gtid_subset", 2, 2, OnFlavour::mysql, gtid_subset},
    FunctionRow{"gtid_subtract", 2, 2, OnFlavour::mysql, gtid_subtract},
    FunctionRow{"last_insert_id", 0, 0, OnFlavour::both, last_insert_id},
    FunctionRow{"localtime", 0, 1, OnFlavour::both, now},
    FunctionRow{"localtimestamp", 0, 1, OnFlavour::both, now},
    FunctionRow{"now", 0, 1, OnFlavour::both, now},
    FunctionRow{"schema", 0, 0, OnFlavour::both, database},
    FunctionRow{"session_user", 0, 0, OnFlavour::both, user},
    FunctionRow{"sysdate", 0, 1, OnFlavour::both, now},
    FunctionRow{"system_user", 0, 0, OnFlavour::both, user},
    FunctionRow{"unix_timestamp", 0, 0, OnFlavour::both, unix_timestamp},
    FunctionRow{"user", 0, 0, OnFlavour::both, user},
    FunctionRow{"utc_date", 0, 0, OnFlavour::both, utc_date},
    FunctionRow{"utc_time", 0, 1, OnFlavour::both, utc_time},
    FunctionRow{"utc_timestamp", 0, 1, OnFlavour::both, utc_timestamp},
    FunctionRow{"uuid", 0, 0, OnFlavour::both, uuid},
    FunctionRow{"version", 0, 0, OnFlavour::both, version},
};

// Reads on until the cursor has an event, or nothing more.
std::optional<CursorEvent> next_event(LogCursor& cursor) {
  for (;;) {
    const CursorStep step = cursor.next();
    if (const auto* event = std::get_if<CursorEvent>(&step)) return *event;
    if (!std::get_if<NeedsRead>(&step)) return std::nullopt;  // the segment's or the log's end, or an error
    const auto read = cursor.read(ReadMode::may_block);
    if (!read) return std::nullopt;
  }
}

}  // namespace

Evaluated call_function(const FunctionCall& call, const std::vector<ExpressionValue>& arguments, const RelayView& relay,
                        const SessionState& session) {
  const auto row = std::find_if(kFunctions.begin(), kFunctions.end(),
                                [&](const FunctionRow& each) { return each.name == call.name; });
  if (row == kFunctions.end() || !is_on(row->flavours, relay.source->flavour))
    return unknown_function(session.database, call.written);
  if (arguments.size() < row->fewest || arguments.size() > row->most) return wrong_argument_count(call.written);
  return row->call(Call{arguments, relay, session});
}

std::optional<MariadbPosition> gtid_position_at(const EventLog& log, std::string_view file, std::uint64_t offset) {
  const auto catalog = log.catalog();
  const auto segment = file.empty() ? catalog->oldest() : catalog->find(file);
  if (!segment) return std::nullopt;
  const auto* previous = std::get_if<MariadbBinlogState>(&segment->previous);
  if (!previous) return std::nullopt;
  MariadbPosition position = previous->position();
  // The head of a file tells where it begins, so any place in it stands for the head's end.
  if (offset <= segment->head_end) {
    const bool boundary = offset <= kFirstEventOffset || offset == segment->head_end ||
                          offset == kFirstEventOffset + segment->format_description.size();
    return boundary ? std::optional(position) : std::nullopt;
  }
  auto cursor = LogCursor::open(log, {segment->number, segment->head_end});
  if (!cursor) return std::nullopt;
  while (cursor->position().segment == segment->number && cursor->position().offset < offset) {
    const auto event = next_event(*cursor);
    if (!event) return std::nullopt;
    if (event->header.type != EventType::mariadb_gtid) continue;
    const auto gtid = decode_mariadb_gtid(event->bytes, segment->checksum);
    if (!gtid) return std::nullopt;
    position.advance(gtid->gtid);
  }
  if (cursor->position() != LogPosition{segment->number, offset}) return std::nullopt;
  return position;
}

}  // namespace binrelay
