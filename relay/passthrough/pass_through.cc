#include "relay/passthrough/pass_through.h"

#include <spdlog/logger.h>

#include <algorithm>
#include <array>
#include <utility>

#include "protocol/sql/quoted_text.h"
#include "relay/passthrough/pass_through_errors.h"

namespace binrelay {
namespace {

constexpr std::size_t kMaxIdle = 4;
constexpr auto kMaxIdleTime = std::chrono::seconds(60);
constexpr std::uint16_t kNoSuchVariable = 1193;

bool same_login(const MetadataLogin& left, const MetadataLogin& right) {
  return left.user == right.user && left.password == right.password;
}

}  // namespace

std::variant<std::unique_ptr<PassThrough::Lease>, SqlError> PassThrough::lend(const MetadataLogin& login) {
  const std::lock_guard lock(mutex_);
  if (lent_ >= limits_.metadata_connections) {
    return too_many_metadata_questions(lent_);
  }
  ++lent_;
  auto lease = std::make_unique<Lease>(*this, login);
  take_idle(*lease);
  return lease;
}

// Under the mutex.
void PassThrough::take_idle(Lease& lease) {
  const auto now = std::chrono::steady_clock::now();
  std::erase_if(idle_, [&](const Idle& each) { return now - each.since > kMaxIdleTime; });
  const auto found =
      std::find_if(idle_.begin(), idle_.end(), [&](const Idle& each) { return same_login(each.login, lease.login_); });
  if (found == idle_.end()) return;
  lease.source_ = std::move(found->source);
  lease.database_ = std::move(found->database);
  lease.used_before_ = true;
  idle_.erase(found);
}

void PassThrough::give_back(Lease& lease) {
  std::shared_ptr<RowSource> closed;  // outside the lock
  const std::lock_guard lock(mutex_);
  --lent_;
  const bool reusable = lease.source_ && !lease.unusable_ && !lease.interrupted_ && idle_.size() < kMaxIdle;
  if (reusable) {
    idle_.push_back(
        {lease.login_, std::move(lease.source_), std::move(lease.database_), std::chrono::steady_clock::now()});
  } else {
    closed = std::move(lease.source_);
  }
}

std::optional<SqlError> PassThrough::Lease::connect() {
  std::shared_ptr<RowSource> opened = owner_.open_(login_);
  {
    const std::lock_guard lock(mutex_);
    if (interrupted_) return metadata_question_interrupted();
    source_ = opened;
  }
  used_before_ = false;
  database_.clear();
  if (const Status connected = opened->connect(); !connected.ok()) {
    owner_.logger_->warn("pass-through as '{}': {}", login_.user, connected.error().context);
    return connected.error().code == Errc::authentication ? source_refuses_metadata_user() : source_unreachable();
  }
  // What the answers look like, and that nothing can be changed or waited for long, whatever is asked.
  const std::string seconds = std::to_string(owner_.limits_.metadata_seconds);
  const std::array<std::string, 6> session{"SET SESSION sql_mode = ''",
                                           "SET SESSION autocommit = 1",
                                           "SET SESSION TRANSACTION READ ONLY",
                                           "SET SESSION lock_wait_timeout = " + seconds,
                                           "SET SESSION max_execution_time = " + seconds + "000",  // MySQL
                                           "SET SESSION max_statement_time = " + seconds};         // MariaDB
  for (const std::string& statement : session) {
    const auto set = opened->begin_rows(statement);
    const auto* error = std::get_if<SqlError>(&set);
    if (error != nullptr && error->code != kNoSuchVariable) return told(*error);
  }
  return std::nullopt;
}

SqlError PassThrough::Lease::told(const SqlError& error) {
  if (!is_of_connection(error)) return error;
  owner_.logger_->warn("pass-through as '{}': {} ({})", login_.user, error.text, error.code);
  unusable_ = true;
  return source_gave_no_answer();
}

std::variant<std::vector<ColumnDefinition>, SqlError> PassThrough::Lease::ask(const MetadataRequest& request) {
  if (database_ != request.database) {
    auto used = source_->begin_rows("USE " + quoted_identifier(request.database));
    if (std::holds_alternative<SqlError>(used)) return used;
    database_ = request.database;
  }
  return source_->begin_rows(request.sql);
}

std::variant<std::vector<ColumnDefinition>, SqlError> PassThrough::Lease::begin(const MetadataRequest& request) {
  if (!source_) {
    if (auto error = connect()) return *std::move(error);
  }
  auto begun = ask(request);
  const auto* failed = std::get_if<SqlError>(&begun);
  if (failed != nullptr && is_of_connection(*failed) && used_before_) {
    if (auto error = connect()) return *std::move(error);
    begun = ask(request);
    failed = std::get_if<SqlError>(&begun);
  }
  if (failed != nullptr) return told(*failed);
  unusable_ = !std::get<std::vector<ColumnDefinition>>(begun).empty();
  rows_ = 0;
  return begun;
}

std::variant<RowPortion, SqlError> PassThrough::Lease::next(std::size_t bytes) {
  auto portion = source_->next_rows(bytes);
  if (const auto* error = std::get_if<SqlError>(&portion)) {
    unusable_ = false;
    return told(*error);
  }
  const auto& rows = std::get<RowPortion>(portion);
  rows_ += rows.rows.size();
  unusable_ = !rows.last;
  if (rows_ > owner_.limits_.metadata_rows) {
    return too_many_metadata_rows(owner_.limits_.metadata_rows);
  }
  return portion;
}

void PassThrough::Lease::interrupt() {
  const std::lock_guard lock(mutex_);
  interrupted_ = true;
  if (source_) source_->interrupt();
}

}  // namespace binrelay
