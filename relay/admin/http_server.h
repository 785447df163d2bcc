#pragma once
// HttpServer: small read-only HTTP/1.1 endpoint for status and tools. Bounded: 64 connections, 8 KiB request heads, no bodies, 10 s deadlines.
// Thread: owns one. Owner: RelayServer. Handlers run on that thread and must be thread-safe towards the rest.
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "protocol/result.h"
#include "relay/config/relay_config.h"

namespace binrelay {

struct HttpReply {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body;
};
using HttpHandler = std::function<HttpReply(std::string_view target)>;

class HttpServer {
 public:
  static Result<std::unique_ptr<HttpServer>> start(const Endpoint& listen, HttpHandler handler);
  ~HttpServer();

 private:
  class Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Blocking GET for the command line. Errc::connection names the address.
Result<std::string> http_get(const Endpoint& server, std::string_view target);

}  // namespace binrelay
