// main: reads the command line and calls the subcommand. The only file that knows CLI11.
#include <CLI/CLI.hpp>
#include <exception>
#include <functional>

#include "relay/version.h"
#include "tools/console.h"
#include "tools/subcommands.h"

namespace binrelay {
namespace {

constexpr const char* kAbout =
    "A binlog relay for MySQL and MariaDB: replicates from a source, keeps its binlogs byte for byte,\n"
    "and serves them to replicas and change-data tools.";
constexpr const char* kExits = "Exit codes: 0 done, 1 a problem or findings, 2 a command line that makes no sense.";

// What the command line chose to run.
using Chosen = std::function<int()>;

void add_serve(CLI::App& app, ServeOptions& options, Chosen& chosen) {
  CLI::App* command = app.add_subcommand("serve", "Run the relay until SIGTERM or Ctrl-C");
  auto* config =
      command->add_option("-c,--config", options.config, "Configuration file (conf/binrelay.toml names every key)");
  auto* source = command->add_option("--source", options.source,
                                     "Without a file: the source, as USER@HOST[:PORT]. The password\n"
                                     "is asked for, or taken from $BINRELAY_SOURCE_PASSWORD");
  config->excludes(source);
  command
      ->add_option("--source-password-file", options.source_password_file,
                   "A file (mode 600) that holds the source's password")
      ->needs(source);
  command->add_option("--listen", options.listen, "Where replicas connect")->needs(source)->capture_default_str();
  command->add_option("--data-dir", options.data_dir, "Where the binlogs are kept")
      ->needs(source)
      ->capture_default_str();
  command
      ->add_option("--start", options.start, "Where an empty log begins: oldest, now, gtid:SET, file:NAME:POS, time:T")
      ->needs(source)
      ->capture_default_str();
  command->add_option("--admin", options.admin, "HTTP for `binrelay status`, or off")
      ->needs(source)
      ->capture_default_str();
  command->callback([&options, &chosen, command] {
    if (options.config.empty() && options.source.empty())
      throw CLI::RequiredError(command->get_name() + ": --config or --source");
    chosen = [&options] { return serve(options); };
  });
}

void add_check_config(CLI::App& app, CheckConfigOptions& options, Chosen& chosen) {
  CLI::App* command =
      app.add_subcommand("check-config", "Report every mistake of a configuration file, with line numbers");
  command->add_option("-c,--config", options.config, "Configuration file")->required();
  command->add_flag("--json", options.json, "As JSON");
  command->callback([&options, &chosen] { chosen = [&options] { return check_config(options); }; });
}

void add_passwd(CLI::App& app, PasswdOptions& options, Chosen& chosen) {
  CLI::App* command = app.add_subcommand(
      "passwd", "Turn a password (asked for, or from standard input) into the hash for the configuration");
  command
      ->add_option(
          "--plugin", options.plugin,
          "sha2: caching_sha2_password, MySQL 8.0 and later; native: mysql_native_password, MariaDB and MySQL 5.7")
      ->check(CLI::IsMember({"native", "sha2"}))
      ->capture_default_str();
  command->add_flag("--json", options.json, "As JSON");
  command->callback([&options, &chosen] { chosen = [&options] { return passwd(options); }; });
}

void add_status(CLI::App& app, StatusOptions& options, Chosen& chosen) {
  CLI::App* command =
      app.add_subcommand("status", "One screen about a running relay: source, ends, lag, consumers, disk");
  auto* admin = command->add_option("--admin", options.admin, "The relay's HTTP address [127.0.0.1:9380]");
  command->add_option("-c,--config", options.config, "Take the address from this configuration file")->excludes(admin);
  command->add_flag("--json", options.json, "As JSON");
  command->callback([&options, &chosen] { chosen = [&options] { return status(options); }; });
}

void add_reload(CLI::App& app, ReloadOptions& options, Chosen& chosen) {
  CLI::App* command = app.add_subcommand(
      "reload", "Let a running relay read its accounts and certificates again; connections stay (as SIGHUP does)");
  auto* data_dir = command->add_option("--data-dir", options.data_dir, "The relay's data directory");
  command->add_option("-c,--config", options.config, "Its configuration file, which is checked first")
      ->excludes(data_dir);
  command->callback([&options, &chosen] { chosen = [&options] { return reload(options); }; });
}

void add_archive_options(CLI::App* command, ArchiveOptions& options) {
  auto* data_dir =
      command->add_option("--data-dir", options.data_dir, "The relay's data directory; the relay need not run");
  auto* config =
      command->add_option("-c,--config", options.config, "Take the data directory from this configuration file")
          ->excludes(data_dir);
  (void)config;
  command->add_option("--stream", options.stream, "The stream, where there is more than one");
  command->add_flag("--json", options.json, "As JSON");
}
void require_directory(const CLI::App* command, const ArchiveOptions& options) {
  if (options.data_dir.empty() && options.config.empty())
    throw CLI::RequiredError(command->get_name() + ": --data-dir or --config");
}

void add_archive_command(CLI::App& app, const char* name, const char* about, int (*function)(const ArchiveOptions&),
                         ArchiveOptions& options, Chosen& chosen) {
  CLI::App* command = app.add_subcommand(name, about);
  add_archive_options(command, options);
  command->callback([&options, &chosen, command, function] {
    require_directory(command, options);
    chosen = [&options, function] { return function(options); };
  });
}

void add_purge(CLI::App& app, PurgeOptions& options, Chosen& chosen) {
  CLI::App* command = app.add_subcommand(
      "purge", "Remove the oldest files of a stopped relay; a running one is told with PURGE BINARY LOGS");
  add_archive_options(command, options.archive);
  command->add_option("--to", options.to, "The first file that stays")->required();
  command->callback([&options, &chosen, command] {
    require_directory(command, options.archive);
    chosen = [&options] { return purge(options); };
  });
}

void add_switch_source(CLI::App& app, SourceChangeOptions& options, Chosen& chosen) {
  CLI::App* command = app.add_subcommand(
      "switch-source",
      "Follow a source that does not continue the log (reset, restored, foreign, purged), as a new history");
  command->add_option("-c,--config", options.config, "The relay's configuration file")->required();
  command->add_option("--stream", options.stream, "The stream, where there is more than one");
  command->add_option("--source", options.source, "HOST:PORT, where the configuration names several");
  command->add_option("--accept-loss-after", options.accept_loss_after,
                      "The last transaction of the log that this source has, where it lacks later ones");
  command->callback([&options, &chosen] { chosen = [&options] { return switch_source(options); }; });
}

void add_export(CLI::App& app, SourceChangeOptions& options, Chosen& chosen) {
  CLI::App* command =
      app.add_subcommand("export", "Write stored transactions that a source lacks as a binlog file for mysqlbinlog");
  command->add_option("-c,--config", options.config, "The relay's configuration file")->required();
  command->add_option("--stream", options.stream, "The stream, where there is more than one");
  command->add_option("--missing-on", options.source, "The source, as HOST:PORT")->required();
  command->add_option("-o,--output", options.output, "The file to write; it must not exist")->required();
  command->callback([&options, &chosen] { chosen = [&options] { return export_missing(options); }; });
}

void add_events(CLI::App& app, EventsOptions& options, Chosen& chosen) {
  CLI::App* command = app.add_subcommand("events", "Stored events, one line each (with --json: one object a line)");
  add_archive_options(command, options.archive);
  command->add_option("--file", options.file, "Only this binlog file");
  command->add_option("--from", options.from, "From this position in --file, or this time (2026-11-22T10:00:00Z) on");
  command->add_option("--to", options.to, "Up to, not including, this position or time");
  command->add_option("--limit", options.limit, "At most so many");
  command->callback([&options, &chosen, command] {
    require_directory(command, options.archive);
    chosen = [&options] { return show_events(options); };
  });
}

void require_rules(const CLI::App* command, const RulesOptions& options) {
  if (options.archive.data_dir.empty() && options.archive.config.empty() && options.file.empty())
    throw CLI::RequiredError(command->get_name() + ": --data-dir, --config or --rules");
  if (!options.account.empty() && options.archive.config.empty())
    throw CLI::ValidationError(command->get_name() + ": --account needs --config, which says what it is sent");
}

struct AllRulesOptions {
  RulesOptions show;
  TestRulesOptions test;
  ExplainRulesOptions explain;
};

void add_rules_show(CLI::App& rules, RulesOptions& options, Chosen& chosen) {
  CLI::App* command = rules.add_subcommand(
      "show", "The rules in force, what became of them and where, rows that are ignored, and who is filtered");
  add_archive_options(command, options.archive);
  command->add_option("--rules", options.file, "The rows of this file instead");
  command->add_option("--admin", options.admin, "The running relay's HTTP address, for its counters");
  command->callback([&options, &chosen, command] {
    require_rules(command, options);
    chosen = [&options] { return show_rules(options); };
  });
}

void add_rules_test(CLI::App& rules, TestRulesOptions& options, Chosen& chosen) {
  CLI::App* command =
      rules.add_subcommand("test", "Would a change of this table be sent, and which row of the rules says so");
  add_archive_options(command, options.rules.archive);
  command->add_option("--rules", options.rules.file, "By the rows of this file");
  command->add_option("--account", options.rules.account, "To this account: its view and allow-list (with --config)");
  command->add_option("table", options.table, "DB.TABLE; a name with a dot in it in backticks")->required();
  command->add_option("operation", options.operation, "Only this one")
      ->check(CLI::IsMember({"insert", "update", "delete"}));
  command->callback([&options, &chosen, command] {
    require_rules(command, options.rules);
    chosen = [&options] { return test_rules(options); };
  });
}

void add_rules_explain(CLI::App& rules, ExplainRulesOptions& options, Chosen& chosen) {
  CLI::App* command = rules.add_subcommand(
      "explain", "Why the changes of a stored transaction are sent or not; or what other rules would have sent");
  add_archive_options(command, options.rules.archive);
  command->add_option("--account", options.rules.account, "To this account (with --config)");
  auto* transaction = command->add_option("transaction", options.transaction, "A GTID, or FILE:POSITION");
  command->add_option("--rules", options.rules.file, "Compare the rules in force now with the rows of this file");
  auto* since = command->add_option("--since", options.since, "Of what was stored since 2026-11-22T10:00:00Z")
                    ->excludes(transaction);
  auto* last = command->add_option("--last", options.last_hours, "Of what was stored in the last so many hours")
                   ->excludes(transaction)
                   ->excludes(since)
                   ->check(CLI::PositiveNumber);
  command->callback([&options, &chosen, command, since, last] {
    require_directory(command, options.rules.archive);
    require_rules(command, options.rules);
    const bool of_time = since->count() + last->count() > 0;
    if (options.transaction.empty() && !of_time)
      throw CLI::RequiredError(command->get_name() + ": a transaction, --since or --last");
    chosen = [&options] { return explain_rules(options); };
  });
}

void add_rules(CLI::App& app, AllRulesOptions& options, Chosen& chosen) {
  CLI::App* rules = app.add_subcommand("rules", "The filter's rules: show, test, explain");
  rules->require_subcommand(1);
  add_rules_show(*rules, options.show, chosen);
  add_rules_test(*rules, options.test, chosen);
  add_rules_explain(*rules, options.explain, chosen);
}

int run(int count, char** words) {
  CLI::App app(kAbout, "binrelay");
  app.footer(kExits);
  app.set_version_flag("--version", std::string("binrelay ") + kVersion);
  app.require_subcommand(1);
  Chosen chosen;
  ServeOptions serve_options;
  CheckConfigOptions check_options;
  PasswdOptions passwd_options;
  StatusOptions status_options;
  ReloadOptions reload_options;
  ArchiveOptions ls_options, verify_options, reindex_options;
  EventsOptions events_options;
  PurgeOptions purge_options;
  SourceChangeOptions switch_options, export_options;
  AllRulesOptions rules_options;
  add_serve(app, serve_options, chosen);
  add_check_config(app, check_options, chosen);
  add_passwd(app, passwd_options, chosen);
  add_status(app, status_options, chosen);
  add_reload(app, reload_options, chosen);
  add_archive_command(app, "ls", "Stored binlog files: GTIDs, times, transactions, size", list_files, ls_options,
                      chosen);
  add_events(app, events_options, chosen);
  add_archive_command(app, "verify", "Check every stored byte: checksums, continuity, index; exit code 1 with findings",
                      verify, verify_options, chosen);
  add_archive_command(app, "reindex", "Build the index anew; the relay must be stopped", reindex, reindex_options,
                      chosen);
  add_purge(app, purge_options, chosen);
  add_switch_source(app, switch_options, chosen);
  add_export(app, export_options, chosen);
  add_rules(app, rules_options, chosen);
  try {
    app.parse(count, words);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitOk : kExitUsage;
  }
  return chosen();
}

}  // namespace
}  // namespace binrelay

int main(int count, char** words) {
  try {
    return binrelay::run(count, words);
  } catch (const std::exception& error) {  // out of memory, a locale: nothing that this program throws by itself
    binrelay::complain(error.what());
    return binrelay::kExitProblem;
  }
}
