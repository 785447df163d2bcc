// HttpServer over real loopback sockets: what it answers, what it refuses, and that it stays bounded.
#include "relay/admin/http_server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vector>

namespace binrelay {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// A connection that says exactly what it is told to.
class Connection {
 public:
  explicit Connection(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    timeval patience{5, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    EXPECT_EQ(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  Connection(Connection&& other) noexcept : socket_(std::exchange(other.socket_, -1)) {}
  ~Connection() {
    if (socket_ >= 0) ::close(socket_);
  }
  void say(std::string_view text) { EXPECT_GE(::send(socket_, text.data(), text.size(), MSG_NOSIGNAL), 0); }
  std::string hear_to_end() {
    std::string all;
    char piece[4096];
    for (ssize_t count; (count = ::recv(socket_, piece, sizeof piece, 0)) > 0;)
      all.append(piece, static_cast<std::size_t>(count));
    return all;
  }
  std::string hear_some() {
    char piece[4096];
    const ssize_t count = ::recv(socket_, piece, sizeof piece, 0);
    return std::string(piece, count > 0 ? static_cast<std::size_t>(count) : 0);
  }

 private:
  int socket_;
};

class HttpServerTest : public testing::Test {
 protected:
  HttpServerTest() {
    auto started = HttpServer::start({"127.0.0.1", 0}, [](std::string_view target) {
      if (target == "/status") return HttpReply{200, "application/json", "{\"up\":true}"};
      return HttpReply{404, "text/plain", "no such page\n"};
    });
    server_ = std::move(started).value();
  }
  std::string answer(const std::string& request) {
    Connection connection(server_->address().port);
    connection.say(request);
    return connection.hear_to_end();
  }
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, AnswersGet) {
  const Result<std::string> body = http_get(server_->address(), "/status");
  ASSERT_TRUE(body.ok()) << body.error().context;
  EXPECT_EQ(*body, "{\"up\":true}");
}

TEST_F(HttpServerTest, GetReportsAnotherStatus) {
  const Result<std::string> body = http_get(server_->address(), "/nothing");
  ASSERT_FALSE(body.ok());
  EXPECT_EQ(body.error().code, Errc::refused);
  EXPECT_THAT(body.error().context, HasSubstr("404"));
}

TEST_F(HttpServerTest, GetNamesTheAddressWhereNobodyListens) {
  const Endpoint gone = server_->address();
  server_.reset();
  const Result<std::string> body = http_get(gone, "/status");
  ASSERT_FALSE(body.ok());
  EXPECT_EQ(body.error().code, Errc::connection);
  EXPECT_THAT(body.error().context, HasSubstr(to_text(gone)));
}

TEST_F(HttpServerTest, KeepsAConnectionForTheNextRequest) {
  Connection connection(server_->address().port);
  for (int i = 0; i < 3; ++i) {
    connection.say("GET /status HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    EXPECT_THAT(connection.hear_some(), StartsWith("HTTP/1.1 200"));
  }
}

TEST_F(HttpServerTest, RefusesEverythingButGet) {
  for (const std::string method : {"POST", "PUT", "DELETE", "HEAD", "OPTIONS", "FROB"}) {
    const std::string reply = answer(method + " /status HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc");
    EXPECT_THAT(reply, StartsWith("HTTP/1.1 405")) << method;
  }
}

TEST_F(HttpServerTest, RefusesABody) {
  EXPECT_THAT(answer("GET /status HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc"),
              StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(answer("GET /status HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
              StartsWith("HTTP/1.1 400"));
}

TEST_F(HttpServerTest, RefusesForeignHosts) {
  for (const std::string host :
       {"evil.example", "evil.example:9380", "localhost.evil.example", "", "127.0.0.1.evil.example"}) {
    EXPECT_THAT(answer("GET /status HTTP/1.1\r\nHost: " + host + "\r\n\r\n"), StartsWith("HTTP/1.1 403")) << host;
  }
  EXPECT_THAT(answer("GET /status HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(answer("GET /status HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n"),
              StartsWith("HTTP/1.1 400"));
}

TEST_F(HttpServerTest, AnswersByLocalNamesAndAddresses) {
  for (const std::string host : {"localhost", "LOCALHOST:9380", "127.0.0.1:9380", "[::1]:9380", "10.0.0.7"}) {
    EXPECT_THAT(answer("GET /status HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n"),
                StartsWith("HTTP/1.1 200"))
        << host;
  }
}

TEST_F(HttpServerTest, DropsWhatIsNotHttpOrTooLong) {
  EXPECT_EQ(answer("hello\r\n\r\n"), "");
  EXPECT_EQ(answer("GET /status HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(10'000, 'x') + "\r\n\r\n"), "");
}

TEST_F(HttpServerTest, SixtyFourConnectionsAreEnough) {
  std::vector<Connection> idle;
  for (int i = 0; i < 64; ++i) {
    idle.emplace_back(server_->address().port);
    idle.back().say("GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_THAT(idle.back().hear_some(), StartsWith("HTTP/1.1 200"));
  }
  EXPECT_EQ(Connection(server_->address().port).hear_to_end(), "");
  idle.pop_back();
  bool served_again = false;
  for (int attempt = 0; attempt < 100 && !served_again; ++attempt) {
    served_again = http_get(server_->address(), "/status").ok();
    if (!served_again) ::usleep(10'000);
  }
  EXPECT_TRUE(served_again);
}

TEST_F(HttpServerTest, StopsWithConnectionsOpen) {
  Connection half(server_->address().port);
  half.say("GET /sta");
  server_.reset();
  EXPECT_EQ(half.hear_to_end(), "");
}

TEST(HttpServerStart, NamesAnAddressThatIsTaken) {
  const HttpHandler nothing = [](std::string_view) { return HttpReply{}; };
  auto first = HttpServer::start({"127.0.0.1", 0}, nothing);
  ASSERT_TRUE(first.ok());
  auto second = HttpServer::start((*first)->address(), nothing);
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(second.error().context, HasSubstr(to_text((*first)->address())));
}

}  // namespace
}  // namespace binrelay
