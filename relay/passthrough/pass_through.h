#pragma once
// PassThrough: the connections to the source on which statements about table definitions are asked in accounts' names.
// Read-only, few, shared by the sessions of an account: of a session a connection holds the current database only,
// which is set anew for each. Thread: any. Owner:
// Stream. Every connection lent must be given back before it ends.
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "protocol/packet/replies.h"
#include "relay/config/relay_config.h"
#include "relay/passthrough/metadata_plan.h"
#include "relay/upstream/row_source.h"

namespace spdlog {
class logger;
}

namespace binrelay {

class PassThrough {
 public:
  using Open = std::function<std::unique_ptr<RowSource>(const MetadataLogin& login)>;
  PassThrough(const LimitsConfig& limits, Open open, std::shared_ptr<spdlog::logger> logger)
      : limits_(limits), open_(std::move(open)), logger_(std::move(logger)) {}

  // A connection, until it is destroyed.
  class Lease {
   public:
    Lease(PassThrough& owner, MetadataLogin login) : owner_(owner), login_(std::move(login)) {}
    ~Lease() { owner_.give_back(*this); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;

    // Both may wait for the source: on a thread that may. An error of the connection is 1105 here, and logged.
    std::variant<std::vector<ColumnDefinition>, SqlError> begin(const MetadataRequest& request);
    std::variant<RowPortion, SqlError> next(std::size_t bytes);
    // From any thread: what is under way fails soon, and whatever is asked later.
    void interrupt();

   private:
    friend class PassThrough;
    std::optional<SqlError> connect();
    std::variant<std::vector<ColumnDefinition>, SqlError> ask(const MetadataRequest& request);
    SqlError told(const SqlError& error);

    PassThrough& owner_;
    const MetadataLogin login_;
    std::mutex mutex_;  // guards the next two against interrupt()
    std::shared_ptr<RowSource> source_;
    std::string database_;  // the connection's current one
    bool interrupted_ = false;
    bool used_before_ = false;  // by another statement: it may be long gone
    bool unusable_ = false;     // an answer is half read, or the connection is lost
    std::uint64_t rows_ = 0;
  };
  // Never more than limits.metadata_connections at a time.
  std::variant<std::unique_ptr<Lease>, SqlError> lend(const MetadataLogin& login);

 private:
  struct Idle {
    MetadataLogin login;
    std::shared_ptr<RowSource> source;
    std::string database;
    std::chrono::steady_clock::time_point since;
  };
  void take_idle(Lease& lease);
  void give_back(Lease& lease);

  const LimitsConfig limits_;
  const Open open_;
  const std::shared_ptr<spdlog::logger> logger_;
  std::mutex mutex_;
  std::vector<Idle> idle_;
  std::uint32_t lent_ = 0;
};

}  // namespace binrelay
