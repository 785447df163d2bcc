// binrelay status: one screen about a running relay, asked over its HTTP endpoint.
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "relay/admin/http_server.h"
#include "relay/config/relay_config.h"
#include "relay/runtime/logging.h"
#include "tools/console.h"
#include "tools/subcommands.h"

namespace binrelay {
namespace {

using Json = nlohmann::json;

// What `pointer` ("/source/state") leads to, or null: a relay of another version may say less.
Json at(const Json& value, const char* pointer) {
  const Json::json_pointer path(pointer);
  return value.contains(path) ? value.at(path) : Json();
}
std::string text(const Json& value, const char* pointer) {
  const Json found = at(value, pointer);
  if (found.is_string()) return found.get<std::string>();
  return found.is_null() ? "" : found.dump();
}
std::string text_or(const Json& value, const char* pointer, const char* otherwise) {
  const std::string found = text(value, pointer);
  return found.empty() ? otherwise : found;
}
std::int64_t number(const Json& value, const char* pointer) {
  const Json found = at(value, pointer);
  return found.is_number() ? found.get<std::int64_t>() : 0;
}
std::string size(const Json& value, const char* pointer) {
  return at(value, pointer).is_number()
             ? size_text(static_cast<std::uint64_t>(std::max<std::int64_t>(0, number(value, pointer))))
             : "unknown";
}
std::string place(const Json& value, const char* file, const char* position) {
  const std::string name = text(value, file);
  return name.empty() ? "-" : name + ":" + text(value, position);
}

void line(const char* label, const std::string& content) {
  std::printf("  %-10s %s\n", label, escape_control_characters(content).c_str());
}

void print_source(const Json& stream) {
  const Json source = at(stream, "/source");
  const std::string who = text_or(source, "/flavour", "server") + " " + text(source, "/version");
  std::string state = text_or(source, "/state", "unknown");
  if (number(source, "/connected_since") != 0) state += " since " + time_text(number(source, "/connected_since"));
  line("source", who + " at " + text(source, "/host") + ":" + text(source, "/port") + ", " + state + ", " +
                     count_text(static_cast<std::uint64_t>(number(source, "/reconnects")), "reconnect", "reconnects"));
  line("", "the source's end " + place(source, "/file", "/position") + ", last heard " +
               text_or(Json(time_text(number(source, "/last_received"))), "", "never"));
  if (at(source, "/semi_sync/wanted") == true) {
    const bool active = at(source, "/semi_sync/active") == true;
    line("", std::string("semi-sync: ") + (active ? "acknowledges transactions" : "takes no part now") +
                 ", withdrawn " +
                 count_text(static_cast<std::uint64_t>(number(source, "/semi_sync/withdrawn")), "time", "times"));
  }
  const std::string error = text(source, "/last_error");
  if (!error.empty()) line("", "last error: " + error);
}

void print_log(const Json& stream) {
  const Json log = at(stream, "/log");
  line("log", count_text(static_cast<std::uint64_t>(number(log, "/segments")), "file", "files") + " from " +
                  text_or(log, "/oldest_file", "-") + " on, " + size(log, "/bytes"));
  line("ends", "written " + place(log, "/written/file", "/written/position") + ", durable " +
                   place(log, "/durable/file", "/durable/position") + ", visible " +
                   place(log, "/visible/file", "/visible/position"));
  const std::string executed = text(log, "/executed");
  if (!executed.empty()) line("gtids", executed);
  const std::string seconds = at(stream, "/lag_s").is_number() ? duration_text(number(stream, "/lag_s")) : "unknown";
  line("lag", size(stream, "/lag_bytes") + ", " + seconds);
  const std::string failure = text(log, "/failure");
  if (!failure.empty()) line("", "takes no more events: " + failure);
  line("disk", size(stream, "/disk/free") + " free of " + size(stream, "/disk/total"));
}

std::string lag(const Json& consumer) {
  const std::int64_t seconds = number(consumer, "/lag_s");
  return size(consumer, "/lag_bytes") + (seconds > 0 ? ", " + duration_text(seconds) : "");
}

std::string rule(const Json& retention, const char* pointer, const std::string& value, const char* what) {
  return number(retention, pointer) == 0 ? "" : std::string("; ") + what + " " + value;
}

void print_retention(const Json& stream) {
  const Json retention = at(stream, "/retention");
  if (retention.is_null()) return;
  std::string rules =
      rule(retention, "/expire_seconds", duration_text(number(retention, "/expire_seconds")), "files older than") +
      rule(retention, "/max_bytes", size(retention, "/max_bytes"), "what is above") +
      rule(retention, "/min_free_bytes", size(retention, "/min_free_bytes"), "while the disk has less than");
  rules = rules.empty() ? "nothing by itself" : rules.substr(2);
  line("purges", rules + "; oldest file from " + text_or(Json(time_text(number(retention, "/oldest_time"))), "", "-"));
  if (number(retention, "/purged_files") != 0) {
    line("", count_text(static_cast<std::uint64_t>(number(retention, "/purged_files")), "file", "files") + " with " +
                 size(retention, "/purged_bytes") + " purged since the start, last at " +
                 time_text(number(retention, "/last_purge")));
  }
  for (const Json& consumer : at(retention, "/waited_for")) {
    line("", "keeps " + text(consumer, "/file") + " on for " +
                 duration_text(std::max<std::int64_t>(0, number(consumer, "/seconds_left"))) + ": server_id " +
                 text(consumer, "/server_id") + " (" + text(consumer, "/user") + " from " + text(consumer, "/host") +
                 ") has gone away");
  }
}

void print_consumers(const Json& stream) {
  const Json consumers = at(stream, "/consumers");
  line("consumers", consumers.empty() ? "none" : std::to_string(consumers.size()));
  if (consumers.empty()) return;
  TextTable table({"id", "user", "host", "server_id", "state", "at", "lag", "sent", "connected", "program"});
  for (const std::size_t column : {0, 6, 7}) table.align_right(column);
  for (const Json& consumer : consumers) {
    const bool dumping = at(consumer, "/sent_bytes").is_number();
    table.add({text(consumer, "/id"), text(consumer, "/user"), text(consumer, "/host"), text(consumer, "/server_id"),
               text(consumer, "/state"), place(consumer, "/file", "/position"), dumping ? lag(consumer) : "-",
               dumping ? size(consumer, "/sent_bytes") : "-", time_text(number(consumer, "/connected_since")),
               text(consumer, "/program")});
  }
  for (const std::string& row : table.lines("    ")) std::fputs(row.c_str(), stdout);
}

void print_screen(const Json& status) {
  std::printf("binrelay %s, up %s\n", escape_control_characters(text(status, "/version")).c_str(),
              duration_text(number(status, "/uptime_s")).c_str());
  for (const Json& stream : at(status, "/closed_streams")) {
    std::printf("stream %s, not served\n", escape_control_characters(text(stream, "/name")).c_str());
    line("cannot open", text(stream, "/why"));
  }
  for (const Json& stream : at(status, "/streams")) {
    std::printf("stream %s, listening on %s\n", escape_control_characters(text(stream, "/name")).c_str(),
                escape_control_characters(text(stream, "/listen")).c_str());
    const std::string not_ready = text(stream, "/not_ready");
    if (!not_ready.empty()) line("not ready", not_ready);
    print_source(stream);
    print_log(stream);
    print_retention(stream);
    print_consumers(stream);
  }
}

Result<Endpoint> admin_endpoint(const StatusOptions& options) {
  if (!options.admin.empty()) return parse_endpoint(options.admin, RelayConfig{}.admin_listen->port);
  RelayConfig config;
  if (!options.config.empty()) {
    // Asking needs nothing of the file but the address: its other mistakes do not matter here.
    const std::vector<ConfigProblem> problems = load_config(options.config, &config);
    if (config.streams.empty() && !problems.empty())
      return Error{Errc::not_found, options.config + ": " + problems.front().text};
  }
  if (!config.admin_listen) return Error{Errc::not_found, options.config + ": admin.listen is off; nobody to ask"};
  return *config.admin_listen;
}

Result<std::string> fetch(const StatusOptions& options) {
  BINRELAY_ASSIGN(const Endpoint endpoint, admin_endpoint(options));
  Result<std::string> body = http_get(endpoint, "/status");
  if (body.ok() || body.error().code != Errc::connection) return body;
  return Error{Errc::connection, body.error().context + "; does a relay run there? --admin names another address"};
}

}  // namespace

int status(const StatusOptions& options) {
  const Result<std::string> body = fetch(options);
  if (!body.ok()) return problem(body.error());
  if (options.json) {
    std::printf("%s", body->c_str());
    return kExitOk;
  }
  const Json parsed = Json::parse(*body, nullptr, false);
  if (!parsed.is_object()) return problem({Errc::malformed, "what answers there is no binrelay"});
  print_screen(parsed);
  return kExitOk;
}

}  // namespace binrelay
