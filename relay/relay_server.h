#pragma once
// RelayServer: the composition root. Owns, in start order: logs, upstream loops, io threads, listeners, the admin
// server. Thread: start() and stop() from main's; status() from any.
#include <memory>
#include <string>

#include "protocol/result.h"
#include "relay/config/relay_config.h"

namespace binrelay {

class RelayServer {
 public:
  // Opens every stream's log (recovery included), starts everything. A stream whose source has never been reached
  // begins to listen when it knows whom to impersonate: its version belongs in the greeting. One of several whose files
  // are damaged stays closed, and is opened again every 30 s.
  static Result<std::unique_ptr<RelayServer>> start(RelayConfig config);
  ~RelayServer();  // stop()
  // Graceful: no new logins, dumps end between packets, logs are synced. Returns when everything is closed.
  void stop();
  // Takes the accounts and certificates of `config`'s streams over; connections that are there stay. An error leaves
  // all as it was. What else has changed takes effect at the next start. Thread: main's.
  Status reload(const RelayConfig& config);
  // One JSON object: streams with source, ends, lag, consumers, disk. What `binrelay status --json` prints.
  std::string status_json() const;

 private:
  class Impl;
  explicit RelayServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace binrelay
