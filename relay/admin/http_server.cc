// The only file that knows Beast.
#include "relay/admin/http_server.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>

namespace binrelay {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;

constexpr std::size_t kMaxHttpConnections = 64;
constexpr std::size_t kMaxRequestHead = 8u << 10;
constexpr std::uint64_t kMaxReplyBody = 64u << 20;
constexpr std::chrono::seconds kDeadline{10};
constexpr std::chrono::milliseconds kAcceptPause{100};  // after a failed accept: no file descriptors left

// "localhost:9380", "127.0.0.1", "[::1]:9380" -> the host alone.
std::string_view host_of(std::string_view header) {
  if (header.starts_with('[')) return header.substr(1, header.find(']') - 1);
  return header.substr(0, header.find(':'));
}

bool is_ip_address(std::string_view host) {
  boost::system::error_code error;
  asio::ip::make_address(host, error);
  return !error;
}

HttpReply refusal(http::status status, const char* why) {
  return {static_cast<unsigned>(status), "text/plain; charset=utf-8", std::string(why) + "\n"};
}

using Request = http::request<http::empty_body>;

std::optional<HttpReply> refuse(const Request& request, bool has_body, std::string_view own_host) {
  if (request.method() != http::verb::get)
    return refusal(http::status::method_not_allowed, "this server only answers GET");
  if (has_body) return refusal(http::status::bad_request, "a GET with a body");
  const auto hosts = request.count(http::field::host);
  if (hosts > 1 || (hosts == 0 && request.version() > 10))
    return refusal(http::status::bad_request, "one Host header is needed");
  const auto header = request[http::field::host];
  const std::string_view host = host_of({header.data(), header.size()});
  const bool known =
      hosts == 0 || beast::iequals({host.data(), host.size()}, "localhost") || is_ip_address(host) || host == own_host;
  if (!known) return refusal(http::status::forbidden, "this Host is not served; ask by IP address");
  return std::nullopt;
}

http::response<http::string_body> build_response(HttpReply reply, unsigned version, bool keep_alive) {
  http::response<http::string_body> response(static_cast<http::status>(reply.status), version);
  response.set(http::field::content_type, reply.content_type);
  response.set(http::field::cache_control, "no-store");
  response.set("X-Content-Type-Options", "nosniff");
  if (reply.status == static_cast<unsigned>(http::status::method_not_allowed)) response.set(http::field::allow, "GET");
  response.keep_alive(keep_alive);
  response.body() = std::move(reply.body);
  response.prepare_payload();
  return response;
}

}  // namespace

class HttpServer::Impl {
 public:
  explicit Impl(HttpHandler handler) : handler_(std::move(handler)) {}
  ~Impl() {
    context_.stop();
    if (thread_.joinable()) thread_.join();
  }

  Status listen(const Endpoint& endpoint) {
    boost::system::error_code error;
    tcp::resolver resolver(context_);
    const auto found = resolver.resolve(endpoint.host, std::to_string(endpoint.port), tcp::resolver::passive, error);
    if (error || found.empty()) return cannot_listen(endpoint, error);
    const tcp::endpoint address = found.begin()->endpoint();
    if (!error) acceptor_.open(address.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(address, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (!error) address_ = Endpoint{endpoint.host, acceptor_.local_endpoint(error).port()};
    if (error) return cannot_listen(endpoint, error);
    return Done{};
  }
  void start() {
    asio::co_spawn(context_, accept_all(), asio::detached);
    thread_ = std::thread([this] { context_.run(); });
  }
  const Endpoint& address() const { return address_; }

 private:
  static Error cannot_listen(const Endpoint& endpoint, const boost::system::error_code& error) {
    return Error{Errc::connection, "cannot listen on " + to_text(endpoint) + " (admin.listen): " + error.message()};
  }

  asio::awaitable<void> accept_all() {
    for (;;) {
      boost::system::error_code error;
      tcp::socket socket = co_await acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, error));
      if (error) {
        asio::steady_timer pause(context_, kAcceptPause);
        co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
        continue;
      }
      if (connections_ == kMaxHttpConnections) continue;  // closes it
      ++connections_;
      asio::co_spawn(context_, serve(beast::tcp_stream(std::move(socket))),
                     [this](std::exception_ptr) { --connections_; });
    }
  }

  asio::awaitable<void> serve(beast::tcp_stream stream) {
    beast::flat_buffer buffer(kMaxRequestHead);
    for (bool keep_alive = true; keep_alive;) {
      boost::system::error_code error;
      http::request_parser<http::empty_body> parser;
      parser.header_limit(kMaxRequestHead);
      stream.expires_after(kDeadline);
      co_await http::async_read_header(stream, buffer, parser, asio::redirect_error(asio::use_awaitable, error));
      if (error) break;

      const Request& request = parser.get();
      const bool has_body = parser.chunked() || parser.content_length().value_or(0) > 0;
      std::optional<HttpReply> refused = refuse(request, has_body, address_.host);
      keep_alive = request.keep_alive() && !refused;
      HttpReply reply = refused ? *std::move(refused) : handler_({request.target().data(), request.target().size()});
      if (request.method() == http::verb::head) reply.body.clear();
      const auto response = build_response(std::move(reply), request.version(), keep_alive);
      stream.expires_after(kDeadline);
      co_await http::async_write(stream, response, asio::redirect_error(asio::use_awaitable, error));
      if (error) break;
    }
    boost::system::error_code ignored;
    stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
  }

  HttpHandler handler_;
  asio::io_context context_{1};
  tcp::acceptor acceptor_{context_};
  Endpoint address_;
  std::size_t connections_ = 0;
  std::thread thread_;
};

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() = default;
Endpoint HttpServer::address() const { return impl_->address(); }

Result<std::unique_ptr<HttpServer>> HttpServer::start(const Endpoint& listen, HttpHandler handler) {
  auto impl = std::make_unique<Impl>(std::move(handler));
  BINRELAY_TRY(impl->listen(listen));
  impl->start();
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

namespace {

using Reply = http::response_parser<http::string_body>;

asio::awaitable<void> exchange(beast::tcp_stream& stream, const Endpoint& server, std::string target, Reply& reply,
                               boost::system::error_code& error) {
  tcp::resolver resolver(co_await asio::this_coro::executor);
  const auto found = co_await resolver.async_resolve(server.host, std::to_string(server.port),
                                                     asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return;
  stream.expires_after(kDeadline);
  co_await stream.async_connect(found, asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return;

  http::request<http::empty_body> request(http::verb::get, target, 11);
  request.set(http::field::host, "localhost");
  request.keep_alive(false);
  co_await http::async_write(stream, request, asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return;
  beast::flat_buffer buffer;
  co_await http::async_read(stream, buffer, reply, asio::redirect_error(asio::use_awaitable, error));
}

}  // namespace

Result<std::string> http_get(const Endpoint& server, std::string_view target) {
  asio::io_context context{1};
  beast::tcp_stream stream(context);
  boost::system::error_code error = asio::error::timed_out;
  Reply reply;
  reply.body_limit(kMaxReplyBody);
  asio::co_spawn(context, exchange(stream, server, std::string(target), reply, error), asio::detached);
  context.run_for(kDeadline + std::chrono::seconds(1));  // the resolver has no deadline of its own
  if (error == http::error::body_limit) return Error{Errc::limit, "the answer of " + to_text(server) + " is too long"};
  if (error || !reply.is_done())
    return Error{Errc::connection, "no answer from " + to_text(server) + ": " + error.message()};
  const unsigned status = reply.get().result_int();
  if (status != 200)
    return Error{Errc::refused,
                 to_text(server) + " answers " + std::to_string(status) + " to GET " + std::string(target)};
  return std::move(reply.get().body());
}

}  // namespace binrelay
