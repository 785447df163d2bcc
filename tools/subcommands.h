#pragma once
// The subcommands of binrelay: what the command line asks for, and one function each that does it and returns the exit
// code. Results go to standard output, everything else (errors, progress, what was searched) to standard error.
#include <cstdint>
#include <string>

namespace binrelay {

enum ExitCode : int {
  kExitOk = 0,
  kExitProblem = 1,  // an error, or findings
  kExitUsage = 2,    // the command line does not make sense
};

struct ServeOptions {
  std::string config;                // a file, or, without one:
  std::string source;                // user@host[:port]
  std::string source_password_file;  // "": $BINRELAY_SOURCE_PASSWORD, else asked for on the terminal
  std::string listen = "127.0.0.1:3307";
  std::string data_dir = "binrelay-data";
  std::string admin = "127.0.0.1:9380";  // "off": none
  std::string start = "oldest";
};
int serve(const ServeOptions& options);

struct CheckConfigOptions {
  std::string config;
  bool json = false;
};
int check_config(const CheckConfigOptions& options);

struct PasswdOptions {
  std::string plugin = "sha2";  // or native
  bool json = false;
};
int passwd(const PasswdOptions& options);

struct ReloadOptions {  // one of them
  std::string data_dir;
  std::string config;
};
int reload(const ReloadOptions& options);

struct StatusOptions {
  std::string admin;  // HOST:PORT; "": the configuration's, else 127.0.0.1:9380
  std::string config;
  bool json = false;
};
int status(const StatusOptions& options);

// A stream's directory, by one of data_dir and config.
struct ArchiveOptions {
  std::string data_dir;
  std::string config;
  std::string stream;  // "": the only one
  bool json = false;
};
int list_files(const ArchiveOptions& options);
int verify(const ArchiveOptions& options);
int reindex(const ArchiveOptions& options);

struct PurgeOptions {
  ArchiveOptions archive;
  std::string to;  // the first file that stays
};
int purge(const PurgeOptions& options);

// A source, and the log it is compared with; both as the configuration says.
struct SourceChangeOptions {
  std::string config;
  std::string stream;             // "": the only one
  std::string source;             // HOST:PORT; "": the stream's first
  std::string accept_loss_after;  // switch-source: the last transaction that is kept
  std::string output;             // export: a file
};
int switch_source(const SourceChangeOptions& options);
int export_missing(const SourceChangeOptions& options);

struct EventsOptions {
  ArchiveOptions archive;
  std::string file;         // "": every file
  std::string from, to;     // a position in `file`, or a time; `from` belongs to the range, `to` does not
  std::uint64_t limit = 0;  // 0: no limit
};
int show_events(const EventsOptions& options);

// The filter's rules: those of a stream, or of a file alone.
struct RulesOptions {
  ArchiveOptions archive;
  std::string file;     // test: in place of the stream's; explain: a change to compare with
  std::string account;  // as whose dumps see it; "": view = "rules" and no allow-list
  std::string admin;    // show: HOST:PORT of a running relay; "": the configuration's
};
int show_rules(const RulesOptions& options);

struct TestRulesOptions {
  RulesOptions rules;
  std::string table;      // DB.TABLE
  std::string operation;  // insert, update, delete; "": all three
};
int test_rules(const TestRulesOptions& options);

struct ExplainRulesOptions {
  RulesOptions rules;
  std::string transaction;  // a GTID or FILE:POSITION; "": a time
  std::string since;        // a time
  std::uint64_t last_hours = 0;
};
int explain_rules(const ExplainRulesOptions& options);

}  // namespace binrelay
