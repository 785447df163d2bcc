// binrelay serve: the relay itself, until a signal ends it.
#include <pthread.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <optional>

#include "relay/config/secret_file.h"
#include "relay/relay_server.h"
#include "relay/runtime/logging.h"
#include "relay/version.h"
#include "tools/console.h"
#include "tools/credentials.h"
#include "tools/first_account.h"
#include "tools/pid_file.h"
#include "tools/subcommands.h"

namespace binrelay {
namespace {

constexpr const char* kPasswordVariable = "BINRELAY_SOURCE_PASSWORD";

// DaemonSignals collects the signals that a daemon is told with: SIGHUP to reload, SIGTERM and SIGINT to end. Made
// before the first thread, so that every thread leaves them to wait().
class DaemonSignals {
 public:
  DaemonSignals() {
    std::signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set_);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set_, signal);
    ::pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  }
  // After one that ends the daemon, the next ends the process at once.
  int wait(bool hangup_reloads) {
    int signal = 0;
    ::sigwait(&set_, &signal);
    if (signal != SIGHUP || !hangup_reloads) ::pthread_sigmask(SIG_UNBLOCK, &set_, nullptr);
    return signal;
  }

 private:
  sigset_t set_;
};

// Shells give 1,024 descriptors and let a process take more.
void take_all_file_descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));  // refused: what there is must do
}

Result<std::string> source_password(const ServeOptions& options, const std::string& source) {
  if (!options.source_password_file.empty()) return read_secret_file(options.source_password_file);
  if (const char* given = std::getenv(kPasswordVariable)) return std::string(given);
  Result<std::string> asked = ask_password("Password of " + source + ": ");
  if (asked.ok() || asked.error().code != Errc::refused) return asked;
  return Error{Errc::refused,
               asked.error().context + "; give --source-password-file FILE, or set " + kPasswordVariable};
}

// user@host[:port]; a password in it would be seen in the process list, so it is refused.
Status parse_source(const std::string& text, SourceConfig* source) {
  const std::size_t at = text.rfind('@');
  if (at == std::string::npos || at == 0) return Error{Errc::malformed, "--source is USER@HOST[:PORT]"};
  if (text.find(':') < at)
    return Error{Errc::malformed, "--source takes no password: the process list shows the command line"};
  BINRELAY_ASSIGN(const Endpoint endpoint, parse_endpoint(text.substr(at + 1), source->port));
  source->user = text.substr(0, at);
  source->host = endpoint.host;
  source->port = endpoint.port;
  return Done{};
}

Status read_command_line(const ServeOptions& options, RelayConfig* config) {
  StreamConfig stream;
  BINRELAY_TRY(parse_source(options.source, &stream.source));
  BINRELAY_ASSIGN(stream.source.start, parse_start_place(options.start));
  BINRELAY_ASSIGN(stream.listen, parse_endpoint(options.listen, stream.listen.port));
  config->data_dir = options.data_dir;
  config->admin_listen.reset();
  if (options.admin != "off") {
    BINRELAY_ASSIGN(config->admin_listen, parse_endpoint(options.admin, RelayConfig{}.admin_listen->port));
  }
  config->streams = {std::move(stream)};
  return Done{};
}

Endpoint address_for_replicas(const Endpoint& listen) {
  if (listen.host != "0.0.0.0" && listen.host != "::") return listen;
  char name[256] = "";
  ::gethostname(name, sizeof name - 1);
  return {name, listen.port};
}

// The account in the data directory, made and shown at first start.
Status provide_account(RelayConfig* config) {
  StreamConfig& stream = config->streams.front();
  Result<AccountConfig> known = read_account(config->data_dir);
  if (known.ok()) {
    stream.accounts = {std::move(known).value()};
    return Done{};
  }
  if (known.error().code != Errc::not_found) return known.error();
  const Endpoint source{stream.source.host, stream.source.port};
  BINRELAY_ASSIGN(const SourceVersion version,
                  ask_source_version(source, static_cast<int>(stream.source.connect_timeout_ms)));
  BINRELAY_ASSIGN(const NewAccount made, create_account(config->data_dir, version));
  std::printf(
      "First start: an account for replicas. The password is shown this once; without it, remove %s and start again.\n"
      "  user %s, password %s\n"
      "On a replica (with GTIDs; otherwise name file and position of SHOW BINARY LOGS):\n%s",
      (config->data_dir / "account").c_str(), made.account.user.c_str(), made.password.c_str(),
      replica_statements(version, address_for_replicas(stream.listen), made).c_str());
  std::fflush(stdout);
  stream.accounts = {made.account};
  return Done{};
}

// What the configuration says now; problems are told one by one. Without a file there is nothing to read again, and a
// hangup, of the terminal as a rule, ends the relay.
using Reread = std::function<std::vector<ConfigProblem>(RelayConfig*)>;

void reload_logins(RelayServer& server, const Reread& reread, spdlog::logger& logger) {
  RelayConfig config;
  const std::vector<ConfigProblem> problems = reread(&config);
  for (const ConfigProblem& found : problems) logger.error("reload: line {}: {}", found.line, found.text);
  if (!problems.empty()) return logger.error("reload: refused; accounts and certificates stay as they were");
  const Status done = server.reload(config);
  if (!done.ok())
    return logger.error("reload: refused; accounts and certificates stay as they were: {}", done.error().context);
  logger.info(
      "reload: accounts and certificates are as the configuration says now; its other keys count from the next "
      "start on");
}

int run(RelayConfig config, const Reread& reread) {
  DaemonSignals signals;
  const auto logger = make_logger(config.log);
  spdlog::set_default_logger(logger);
  logger->info("binrelay {} starts, data in {}", kVersion, config.data_dir.string());
  for (const StreamConfig& stream : config.streams) {
    std::string sources;
    for (const Endpoint& address : addresses_of(stream.source))
      sources += (sources.empty() ? "" : ", ") + to_text(address);
    logger->info("[{}] source {}@{}, replicas at {}, served after {}", stream.name, stream.source.user, sources,
                 to_text(stream.listen), stream.serve_after == ServeAfter::fsync ? "fsync" : "write");
  }
  const std::filesystem::path data_dir = config.data_dir;
  Result<std::unique_ptr<RelayServer>> server = RelayServer::start(std::move(config));
  if (!server.ok()) {
    logger->error("cannot start: {}", server.error().context);
    return kExitProblem;
  }
  std::optional<Result<PidFile>> pid_file;
  if (reread) pid_file.emplace(PidFile::write(data_dir));
  if (pid_file && !pid_file->ok()) logger->warn("`binrelay reload` will not work: {}", pid_file->error().context);
  int signal = signals.wait(reread != nullptr);
  for (; signal == SIGHUP && reread; signal = signals.wait(true)) reload_logins(**server, reread, *logger);
  logger->info("{}: stopping; once more ends at once", ::strsignal(signal));
  (*server)->stop();
  server->reset();
  logger->info("stopped");
  return kExitOk;
}

}  // namespace

int serve(const ServeOptions& options) {
  take_all_file_descriptors();
  RelayConfig config;
  if (!options.config.empty()) {
    const std::vector<ConfigProblem> problems = load_config(options.config, &config);
    for (const ConfigProblem& found : problems)
      complain(options.config + ":" + std::to_string(found.line) + ": " + found.text);
    if (!problems.empty()) return kExitProblem;
    return run(std::move(config), [&options](RelayConfig* now) { return load_config(options.config, now); });
  }
  const Status understood = read_command_line(options, &config);
  if (!understood.ok()) return usage_error(understood.error().context);
  Result<std::string> password = source_password(options, options.source);
  if (!password.ok()) return problem(password.error());
  config.streams.front().source.password = std::move(password).value();
  const Status provided = provide_account(&config);
  if (!provided.ok()) return problem(provided.error());
  return run(std::move(config), nullptr);
}

}  // namespace binrelay
