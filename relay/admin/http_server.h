#pragma once
// HttpServer: small read-only HTTP/1.1 endpoint for status and tools. Bounded: 64 connections, 8 KiB request heads, no
// bodies, 10 s deadlines. GET only. It asks for no password, so a web page of another site must not reach it through a
// browser: a Host header that is neither localhost, an IP address nor the listen address is refused (DNS rebinding).
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
  ~HttpServer();             // closes every connection, joins
  Endpoint address() const;  // with the port the system chose when `listen` asked for port 0

 private:
  class Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Blocking GET for the command line: the body of a 200. Errc::connection: nobody answers there, or not within 10 s;
// names the address. Errc::refused: another status. Errc::limit: a body over 64 MiB.
Result<std::string> http_get(const Endpoint& server, std::string_view target);

}  // namespace binrelay
