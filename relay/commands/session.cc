#include "relay/commands/session.h"

#include <spdlog/logger.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <ctime>
#include <exception>

#include "protocol/conversation/login_errors.h"
#include "protocol/limits.h"
#include "protocol/packet/capabilities.h"
#include "protocol/sql/statement_text.h"
#include "relay/commands/binlog_events_reply.h"
#include "relay/commands/prepared_statements.h"
#include "relay/commands/statement_errors.h"
#include "relay/dump/dump_plan.h"
#include "relay/dump/dump_stream.h"
#include "relay/login/login.h"
#include "relay/passthrough/metadata_reply.h"
#include "relay/retention/housekeeper.h"

namespace binrelay {

namespace asio = boost::asio;
using asio::awaitable;

namespace {

constexpr auto kIdleTime = std::chrono::hours(8);  // mysqld's wait_timeout
constexpr auto kComingFileTime = std::chrono::seconds(30);
constexpr std::size_t kLoginPayload = 64u << 10;

// Of refusals that were not logged.
std::string before_it(std::uint64_t unlogged) {
  return unlogged == 0 ? "" : " (and " + std::to_string(unlogged) + " more before it)";
}

// On a thread that may wait for the disk; the session waits for it, so its state has one user at a time.
awaitable<Answer> answer_with_patience(std::string_view text, const RelayView& relay, SessionState& state) {
  co_return answer_query(text, relay, state);
}

// One connection. Lives as long as its coroutine and the end() calls posted to it.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(asio::ip::tcp::socket socket, ConnectionGate::Ticket ticket, asio::io_context& io,
          const SessionContext& context)
      : context_(context),
        ticket_(std::move(ticket)),
        io_(io),
        channel_(std::make_shared<PacketChannel>(std::move(socket))),
        source_(context.source()),
        tls_(context.tls()) {}

  awaitable<void> run() {
    enter_registry();
    // GCC 12 miscompiles an `if` that awaits in its condition and in its statement: awaited values are named first.
    const bool logged_in = co_await log_in();
    if (logged_in) co_await serve_commands();
  }

  void finish() {
    dump_over_ = true;
    channel_->close();
    if (channel_->stalled()) {
      context_.gate->counters().on_slow_consumer_ended();
      context_.logger->warn("slow consumer ended: connection {}, '{}' from {}, read nothing for {} s while data waited",
                            state_.connection_id, state_.user, state_.peer_host,
                            context_.gate->limits().slow_consumer_seconds);
    }
    ticket_.reset();
    context_.registry->leave(state_.connection_id);
  }

 private:
  enum class Next : std::uint8_t { read_on, close };

  RelayView view() const {
    return {context_.log, context_.registry, source_, context_.started_at, context_.housekeeper, context_.upstream};
  }

  void enter_registry() {
    ConnectionEntry entry;
    entry.user = "unauthenticated user";
    entry.host = channel_->peer_address() + ":" + std::to_string(channel_->peer_port());
    entry.command = "Connect";
    entry.state = "login";
    entry.since = entry.connected_since = std::time(nullptr);
    // Called from any thread; what it does happens on ours.
    auto end = [weak = weak_from_this(), &io = io_](EndReason reason) {
      asio::post(io, [weak, reason] {
        if (const auto self = weak.lock()) self->end(reason);
      });
    };
    state_.connection_id = context_.registry->enter(std::move(entry), std::move(end));
    state_.peer_host = channel_->peer_address();
    state_.peer_port = channel_->peer_port();
    state_.local_port = channel_->local_port();
  }

  void end(EndReason reason) {
    if (lease_) lease_->interrupt();
    if (dump_) {
      dump_->end(reason);
    } else if (reason != EndReason::query_killed) {
      channel_->close();
    }
  }

  awaitable<bool> log_in() {
    channel_->set_deadline(std::chrono::seconds(context_.gate->limits().login_seconds));
    channel_->set_max_payload(kLoginPayload);
    greeting_.version = greeting_version(*source_);
    greeting_.flavour = source_->flavour;
    greeting_.connection_id = state_.connection_id;
    greeting_.scramble = random_scramble();
    greeting_.offer_tls = tls_->offered();
    greeting_.default_plugin = source_->flavour == Flavour::mysql ? kCachingSha2Password : kNativePassword;
    greeting_.certificate = tls_->certificate_digest();
    greeting_.public_key_pem = tls_->login_public_key();
    LoginOutcome outcome =
        co_await run_login(*channel_, greeting_, *ticket_, *tls_, *context_.users, *context_.readers, nullptr);
    co_return enter(std::move(outcome));
  }

  // Becomes the account that has logged in. False: nobody has, and the log says so.
  bool enter(LoginOutcome outcome) {
    if (const auto* rejected = std::get_if<HandshakeRejected>(&outcome)) {
      note_refusal(*rejected);
      return false;
    }
    channel_->set_write_patience(std::chrono::seconds(context_.gate->limits().slow_consumer_seconds));
    auto& [accepted, account] = std::get<LoggedIn>(outcome);
    account_ = account;
    allowed_ = allow_list(*account);
    capabilities_ = accepted.capabilities;
    several_statements_ = (accepted.capabilities & capability::kMultiStatements) != 0;
    state_.user = std::move(accepted.user);
    state_.account_host = account->host.text();
    state_.privileges = account->privileges;
    state_.sees_every_event = !account->filtered();
    state_.sees_upstream = account->replica_status == AccountConfig::ReplicaStatusView::upstream;
    state_.database = std::move(accepted.database);
    state_.attributes = std::move(accepted.attributes);
    state_.tls_version = channel_->tls_version();
    state_.tls_cipher = channel_->tls_cipher();
    context_.registry->update(state_.connection_id, [&](ConnectionEntry& entry) {
      entry.user = state_.user;
      entry.database = state_.database;
      entry.command = "Sleep";
      entry.state.clear();
      if (const auto program = state_.attributes.find("program_name"); program != state_.attributes.end()) {
        entry.program = program->second;
      }
    });
    context_.logger->debug("auth: '{}'@'{}' logged in from {}{}{}", state_.user, state_.account_host, state_.peer_host,
                           state_.tls_version.empty() ? "" : ", ", state_.tls_version);
    return true;
  }

  void note_refusal(const HandshakeRejected& rejected) {
    // A port probe says nothing worth a warning.
    const bool answered = rejected.error.code != 0;
    if (!answered) {
      context_.gate->counters().on_unfinished_login();
      context_.logger->debug("login not finished: '{}' from {}: {}", rejected.user, state_.peer_host, rejected.reason);
    } else if (const auto unlogged = context_.gate->may_log_refusal()) {
      context_.logger->warn("auth: login refused: user '{}' from {}: {}{}", rejected.user, state_.peer_host,
                            rejected.reason, before_it(*unlogged));
    }
  }

  awaitable<void> serve_commands() {
    for (;;) {
      channel_->set_deadline(kIdleTime);
      // A COM_BINLOG_DUMP_GTID carries a whole GTID set.
      channel_->set_max_payload(kMaxDumpCommandSize);
      const Result<Bytes> payload = co_await channel_->read_payload();
      if (!payload) {
        if (payload.error().code == Errc::limit) {
          const ByteBuffer error = build_error(packet_too_large());
          (void)co_await channel_->send_payload(error);
        }
        co_return;
      }
      channel_->set_deadline(std::nullopt);
      Result<Command> command = decode_command(*payload);
      if (!command) {
        const Next after = co_await send_error(malformed_packet());
        if (after == Next::close) co_return;
        continue;
      }
      const Next after = co_await perform(std::move(*command));
      if (after == Next::close) co_return;
    }
  }

  awaitable<Next> perform(Command command) {
    Answer answer = OkAnswer{};
    if (std::holds_alternative<QuitCommand>(command)) {
      co_return Next::close;
    } else if (const auto* query = std::get_if<QueryCommand>(&command)) {
      co_return co_await perform_query(query->text);
    } else if (const auto* prepare = std::get_if<StatementPrepareCommand>(&command)) {
      co_return co_await perform_prepare(prepare->text);
    } else if (const auto* execute = std::get_if<StatementExecuteCommand>(&command)) {
      co_return co_await perform_execute(*execute);
    } else if (const auto* data = std::get_if<StatementLongDataCommand>(&command)) {
      statements_.append_long_data(data->statement_id, data->parameter, data->piece);
      co_return Next::read_on;
    } else if (const auto* close = std::get_if<StatementCloseCommand>(&command)) {
      statements_.close(close->statement_id);
      co_return Next::read_on;
    } else if (const auto* change = std::get_if<ChangeUserCommand>(&command)) {
      co_return co_await perform_change_user(change->request);
    } else if (const auto* dump = std::get_if<BinlogDumpCommand>(&command)) {
      co_return co_await perform_dump(*dump, false);
    } else if (const auto* gtid_dump = std::get_if<BinlogDumpGtidCommand>(&command)) {
      co_return co_await perform_dump(*gtid_dump, true);
    } else if (std::holds_alternative<StatisticsCommand>(command)) {
      const std::string line = statistics_line(view());
      co_return next(co_await channel_->send_payload(as_bytes(line)));
    } else if (const auto* database = std::get_if<InitDbCommand>(&command)) {
      answer = co_await use_database(database->database);
    } else if (std::holds_alternative<ResetConnectionCommand>(command)) {
      forget_what_was_said();
    } else if (const auto* option = std::get_if<SetOptionCommand>(&command)) {
      co_return co_await perform_set_option(option->option);
    } else if (const auto* reset = std::get_if<StatementResetCommand>(&command)) {
      if (auto error = statements_.reset(reset->statement_id)) answer = *std::move(error);
    } else if (const auto* fetch = std::get_if<StatementFetchCommand>(&command)) {
      answer = statements_.fetch(fetch->statement_id);
    } else if (const auto* fields = std::get_if<FieldListCommand>(&command)) {
      answer = state_.database.empty() ? no_database_selected()
                                       : unknown_table(source_->flavour, state_.database, fields->table);
    } else if (const auto* kill = std::get_if<ProcessKillCommand>(&command)) {
      answer = answer_statement(KillStatement{kill->connection_id, false}, view(), state_);
      if (const auto* found = std::get_if<KillAnswer>(&answer)) answer = perform_kill(*found);
    } else if (auto* registration = std::get_if<RegisterReplicaCommand>(&command)) {
      if (!state_.privileges.has(Privilege::replication_slave))
        co_return co_await send_error(login_denied(state_.user, state_.account_host, !account_->password.text.empty()));
      register_replica(std::move(*registration));
    } else if (std::holds_alternative<UnknownCommand>(command)) {
      answer = unknown_command();
    }  // COM_PING: OK
    co_return co_await reply(std::move(answer), {});
  }

  // A text may hold several statements, when the client has said that it may; an error ends it.
  awaitable<Next> perform_query(std::string_view text) {
    note_statement("Query", text);
    Next next = Next::read_on;
    for (bool more = true; more && next == Next::read_on;) {
      const StatementCut cut = several_statements_ ? cut_statement(text) : StatementCut{text, {}};
      Answer answer = co_await answer_text(cut.first);
      more = !cut.rest.empty() && !std::holds_alternative<SqlError>(answer);
      const auto status = static_cast<std::uint16_t>(status_flags() | (more ? kStatusMoreResults : 0));
      next = co_await reply(std::move(answer), {RowFormat::text, status});
      more = more && !error_sent_;
      text = cut.rest;
    }
    note_rest();
    co_return next;
  }

  // Drivers go by it: MariaDB Connector/J commits nothing that it takes for committed.
  std::uint16_t status_flags() const {
    const auto set = state_.session_variables.find("autocommit");
    const bool off = set != state_.session_variables.end() && (set->second == "OFF" || set->second == "0");
    return off ? 0 : kStatusAutocommit;
  }

  awaitable<Next> perform_prepare(std::string_view text) {
    if (text.size() > kMaxCommandSize) co_return co_await send_error(packet_too_large());
    const RelayView relay = view();
    const auto who = passes_metadata() ? std::optional(asker()) : std::nullopt;
    const auto prepared = statements_.prepare(text, relay, state_, who ? &*who : nullptr);
    if (const auto* error = std::get_if<SqlError>(&prepared)) co_return co_await send_error(*error);
    const auto& statement = std::get<PreparedStatements::Prepared>(prepared);
    ByteBuffer out;
    append_prepared(out, statement.id, statement.parameters, statement.columns, channel_->sequence());
    co_return next(co_await channel_->send_raw(out));
  }

  awaitable<Next> perform_execute(StatementExecuteCommand execute) {
    const auto filled = statements_.fill(execute.statement_id, execute.request);
    if (const auto* error = std::get_if<SqlError>(&filled)) co_return co_await send_error(*error);
    const auto& text = std::get<std::string>(filled);
    note_statement("Execute", text);
    Answer answer = co_await answer_text(text);
    const Next next = co_await reply(std::move(answer), {RowFormat::binary, status_flags()});
    note_rest();
    co_return next;
  }

  // 0: several statements in one text from now on; 1: no more. Answered by an EOF.
  awaitable<Next> perform_set_option(std::uint16_t option) {
    if (option > 1) co_return co_await send_error(unknown_command());
    several_statements_ = option == 0;
    const ByteBuffer eof = build_eof(status_flags());
    co_return next(co_await channel_->send_payload(eof));
  }

  // As a login on the same connection. One that fails ends the connection, as at a source.
  awaitable<Next> perform_change_user(Bytes request) {
    channel_->set_deadline(std::chrono::seconds(context_.gate->limits().login_seconds));
    channel_->set_max_payload(kLoginPayload);
    const LoginRetry retry{ByteBuffer(request.begin(), request.end()), capabilities_};
    LoginOutcome outcome =
        co_await run_login(*channel_, greeting_, *ticket_, *tls_, *context_.users, *context_.readers, &retry);
    const bool accepted = enter(std::move(outcome));
    if (accepted) forget_what_was_said();
    co_return accepted ? Next::read_on : Next::close;
  }

  void forget_what_was_said() {
    state_.user_variables.clear();
    state_.session_variables.clear();
    state_.warnings.clear();
    statements_.clear();
  }

  void note_statement(const char* command, std::string_view text) {
    constexpr std::size_t kShownInfo = 100;
    state_.has_made_statements |= !text.starts_with("SET NAMES ");
    context_.registry->update(state_.connection_id, [&](ConnectionEntry& entry) {
      entry.command = command;
      entry.info = text.substr(0, kShownInfo);
      entry.since = std::time(nullptr);
    });
  }

  void note_rest() {
    context_.registry->update(state_.connection_id, [&](ConnectionEntry& entry) {
      entry.command = "Sleep";
      entry.info.clear();
    });
  }

  // The one place where a statement is answered, however it came. What it asks to be done has been done.
  awaitable<Answer> answer_text(std::string_view text) {
    if (text.size() > kMaxCommandSize) co_return packet_too_large();
    if (passes_metadata()) {
      if (auto planned = plan_metadata(text, asker())) {
        state_.warnings.clear();
        if (auto* error = std::get_if<SqlError>(&*planned)) co_return std::move(*error);
        co_return MetadataAnswer{std::get<MetadataRequest>(std::move(*planned))};
      }
      if (const auto database = database_to_use(text)) co_return co_await use_database(*database);
    }
    const RelayView relay = view();
    const bool slow = may_wait_for_disk(text);
    Answer answer = OkAnswer{};
    if (slow) {
      answer =
          co_await asio::co_spawn(*context_.readers, answer_with_patience(text, relay, state_), asio::use_awaitable);
    } else {
      answer = answer_query(text, relay, state_);
    }
    if (const auto* kill = std::get_if<KillAnswer>(&answer)) co_return perform_kill(*kill);
    if (const auto* use = std::get_if<UseDatabaseAnswer>(&answer)) co_return perform_use(*use);
    co_return answer;
  }

  Answer perform_kill(KillAnswer kill) {
    const auto reason = kill.query_only ? EndReason::query_killed : EndReason::killed;
    if (!context_.registry->kill(kill.connection_id, reason)) return unknown_thread(kill.connection_id);
    context_.logger->info("connection {} ended by KILL from '{}' at {}", kill.connection_id, state_.user,
                          state_.peer_host);
    return OkAnswer{};
  }

  bool passes_metadata() const { return account_->metadata && context_.pass_through != nullptr; }

  MetadataAsker asker() const {
    return {state_.user,     state_.account_host, state_.database, &allowed_, source_->lower_case_table_names != 0,
            source_->flavour};
  }

  // A database of the source is one when the source says so, to an account that may ask it.
  awaitable<Answer> use_database(std::string database) {
    Answer answer = answer_statement(UseStatement{database}, view(), state_);
    if (const auto* use = std::get_if<UseDatabaseAnswer>(&answer)) co_return perform_use(*use);
    if (!passes_metadata()) co_return answer;
    auto planned = plan_database_search(database, asker());
    if (auto* error = std::get_if<SqlError>(&planned)) co_return std::move(*error);
    auto lent = context_.pass_through->lend(*account_->metadata);
    if (auto* error = std::get_if<SqlError>(&lent)) co_return std::move(*error);
    lease_ = std::get<std::unique_ptr<PassThrough::Lease>>(std::move(lent));
    const auto found = co_await any_row(std::get<MetadataRequest>(planned), *lease_, *context_.askers);
    lease_.reset();
    if (const auto* error = std::get_if<SqlError>(&found)) co_return *error;
    co_return std::get<bool>(found) ? perform_use({database}) : Answer(unknown_database(database));
  }

  awaitable<Next> reply_from_source(MetadataRequest request, ReplyForm form) {
    auto lent = context_.pass_through->lend(*account_->metadata);
    if (auto* error = std::get_if<SqlError>(&lent)) co_return co_await send_error(std::move(*error));
    lease_ = std::get<std::unique_ptr<PassThrough::Lease>>(std::move(lent));
    const auto sent = co_await reply_metadata(request, *lease_, form, *channel_, *context_.askers);
    lease_.reset();
    co_return behind(sent);
  }

  Answer perform_use(const UseDatabaseAnswer& use) {
    state_.database = use.database;
    context_.registry->update(state_.connection_id, [&](ConnectionEntry& entry) { entry.database = state_.database; });
    return OkAnswer{};
  }

  awaitable<Next> reply(Answer answer, ReplyForm form) {
    error_sent_ = false;
    if (const auto* result = std::get_if<ResultSet>(&answer)) {
      ByteBuffer out;
      append_result_set(out, *result, channel_->sequence(), form.status, form.format);
      co_return next(co_await channel_->send_raw(out));
    }
    if (const auto* error = std::get_if<SqlError>(&answer)) {
      co_return co_await send_error(*error);
    }
    if (auto* events = std::get_if<BinlogEventsAnswer>(&answer)) {
      const RelayView relay = view();
      co_return behind(
          co_await reply_binlog_events(std::move(events->request), relay, form, *channel_, *context_.readers));
    }
    if (auto* metadata = std::get_if<MetadataAnswer>(&answer)) {
      co_return co_await reply_from_source(std::move(metadata->request), form);
    }
    const auto warnings = static_cast<std::uint16_t>(state_.warnings.size());
    const ByteBuffer ok = build_ok(0, form.status, {}, warnings);
    co_return next(co_await channel_->send_payload(ok));
  }

  awaitable<Next> send_error(SqlError error) {
    error_sent_ = true;
    const ByteBuffer payload = build_error(error);
    co_return next(co_await channel_->send_payload(payload));
  }

  Next behind(const Result<RepliedWith>& how) {
    error_sent_ = how.ok() && *how == RepliedWith::error;
    return how.ok() ? Next::read_on : Next::close;
  }
  static Next next(const Status& sent) { return sent ? Next::read_on : Next::close; }

  void register_replica(RegisterReplicaCommand registration) {
    context_.registry->update(state_.connection_id, [&](ConnectionEntry& entry) {
      entry.registered = true;
      entry.server_id = registration.server_id;
      entry.report_host = registration.host;
      entry.report_port = registration.port;
      entry.source_id = registration.source_id;
    });
    state_.registration = std::move(registration);
  }

  // Ends when the relay has the file, or has not got it for long: the consumer comes again.
  awaitable<bool> wait_for_coming_file(const std::string& file, std::uint64_t position) {
    TailSignal::Waiter waiter(*context_.tail, io_);
    const auto deadline = std::chrono::steady_clock::now() + kComingFileTime;
    const auto to_come = [&] { return asks_for_coming_file(file, position, *context_.log->catalog()); };
    while (to_come() && !channel_->closed() && std::chrono::steady_clock::now() < deadline)
      co_await waiter.wait(deadline, to_come);
    co_return !to_come();
  }

  void plan_view(std::variant<DumpPlan, SqlError>* planned) const {
    auto* plan = std::get_if<DumpPlan>(planned);
    if (plan == nullptr) return;
    if (const auto why = context_.views->refusal(*account_, *context_.source())) {
      *planned = view_unavailable(*why);
    } else {
      plan->view = context_.views->of(*account_, *source_);
      plan->heartbeat_v2 = plan->heartbeat_v2 && !account_->old_consumer;
    }
  }

  awaitable<Next> refuse_dump(SqlError error) {
    if (const auto unlogged = context_.gate->may_log_refusal()) {
      context_.logger->warn("dump refused: '{}' from {}: {} {}{}", state_.user, state_.peer_host, error.code,
                            error.text, before_it(*unlogged));
    }
    (void)co_await send_error(std::move(error));
    co_return Next::close;  // as mysqld does
  }

  template <class DumpCommand>
  awaitable<Next> perform_dump(const DumpCommand& command, bool gtid) {
    if (!state_.privileges.has(Privilege::replication_slave))
      co_return co_await refuse_dump(access_denied(Access::dump, *source_));
    const bool waits = (command.flags & BinlogDumpCommand::kNonBlocking) == 0;
    const auto connect_state = state_.user_variables.find("slave_connect_state");
    const bool by_name = !gtid && (connect_state == state_.user_variables.end() || !connect_state->second);
    if (waits && by_name && asks_for_coming_file(command.file_name, command.position, *context_.log->catalog())) {
      const bool came = co_await wait_for_coming_file(command.file_name, command.position);
      if (!came) {
        context_.logger->info("dump not begun: '{}' from {} asks for {}, which the source has not sent yet",
                              state_.user, state_.peer_host, command.file_name);
        co_return Next::close;
      }
    }
    auto planned = plan_dump(command, state_, view());
    if (context_.views != nullptr) plan_view(&planned);
    if (const auto* error = std::get_if<SqlError>(&planned)) {
      co_return co_await refuse_dump(*error);
    }
    auto& plan = std::get<DumpPlan>(planned);
    auto progress = std::make_shared<ConnectionEntry::Progress>();
    progress->segment = progress->needed = raw(plan.start.segment);
    progress->offset = plan.start.offset;
    context_.registry->update(state_.connection_id,
                              [&](ConnectionEntry& entry) { entry.ends_by_itself = plan.non_blocking; });
    const ServerId server_id = plan.server_id;
    const LogPosition start = plan.start;
    const std::string replica_uuid = plan.replica_uuid;
    const char* kind = plan.skip.by_gtid() ? "GTID" : "file and position";
    dump_.emplace(std::move(plan), *context_.log, *source_, *channel_, *context_.tail, io_, *context_.readers,
                  progress);
    dump_->open();
    const auto replaced =
        context_.registry->begin_dump(state_.connection_id, source_->flavour, server_id, replica_uuid, gtid, progress);
    if (context_.housekeeper != nullptr) context_.housekeeper->look_soon();
    if (replaced) {
      context_.logger->warn(
          "connection {} ended: a newer dump with the same server_uuid/server_id began from {} (server_id {})",
          *replaced, state_.peer_host, static_cast<std::uint32_t>(server_id));
    }
    const auto segment = context_.log->catalog()->find(start.segment);
    context_.logger->info("dump begins: '{}' from {}, server_id {}, {} at {}:{}", state_.user, state_.peer_host,
                          static_cast<std::uint32_t>(server_id), kind, segment ? segment->served_name : "?",
                          start.offset);

    // What a client says while it dumps is read and forgotten; when it is gone, the dump is woken to notice.
    asio::co_spawn(io_, watch_peer(shared_from_this()), asio::detached);
    const DumpEnd end = co_await dump_->run();
    dump_over_ = true;
    context_.logger->log(end.by_error ? spdlog::level::warn : spdlog::level::info,
                         "dump ends: '{}' from {}: {}; {} bytes sent", state_.user, state_.peer_host, end.reason,
                         progress->sent_bytes.load());
    co_return Next::close;
  }

  static awaitable<void> watch_peer(std::shared_ptr<Session> self) {
    const auto channel = self->channel_;
    co_await channel->drain();
    co_await channel->wait_until_gone();
    if (!self->dump_over_ && !channel->closed()) self->dump_->end(EndReason::killed);
  }

  const SessionContext& context_;
  std::optional<ConnectionGate::Ticket> ticket_;  // given back when the connection has ended
  asio::io_context& io_;
  std::shared_ptr<PacketChannel> channel_;
  std::shared_ptr<const SourceIdentity> source_;
  std::shared_ptr<TlsContext> tls_;               // as it was when the connection came
  std::shared_ptr<const AccountConfig> account_;  // not null once somebody has logged in
  ServerGreeting greeting_;
  std::uint32_t capabilities_ = 0;   // of the client
  bool several_statements_ = false;  // in one text
  bool error_sent_ = false;          // the last answer was one: what follows in a text is left out
  SessionState state_;
  PreparedStatements statements_{source_->flavour};
  AllowList allowed_;                          // of the account
  std::shared_ptr<PassThrough::Lease> lease_;  // while the source is asked
  std::optional<DumpStream> dump_;
  bool dump_over_ = false;
};

}  // namespace

awaitable<void> run_session(asio::ip::tcp::socket socket, ConnectionGate::Ticket ticket, asio::io_context& io,
                            const SessionContext& context) {
  auto session = std::make_shared<Session>(std::move(socket), std::move(ticket), io, context);
  try {
    co_await session->run();
  } catch (const std::exception& error) {
    context.logger->error("session ended by an unexpected failure: {}", error.what());
  }
  session->finish();
}

std::string greeting_version(const SourceIdentity& source) {
  // MariaDB 10 puts 5.5.5- in front in the greeting alone: old replicas compared the first character.
  const bool prefixed = source.flavour == Flavour::mariadb && source.version.starts_with("10.");
  return (prefixed ? "5.5.5-" : "") + source.version;
}

}  // namespace binrelay
