#pragma once
// ProtocolClient: a blocking MySQL client for tests: logs in with mysql_native_password, sends commands, reads packets
// as they come.
#include <arpa/inet.h>
#include <openssl/sha.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "protocol/packet/capabilities.h"
#include "protocol/wire/byte_reader.h"
#include "protocol/wire/byte_writer.h"

namespace binrelay::testing_support {

class ProtocolClient {
 public:
  explicit ProtocolClient(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) throw std::runtime_error("connect");
    const timeval ten_seconds{10, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &ten_seconds, sizeof ten_seconds);
  }
  ~ProtocolClient() { close(); }
  ProtocolClient(const ProtocolClient&) = delete;

  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  void close_sending_side() { ::shutdown(fd_, SHUT_WR); }

  // The reply to the login: OK or ERR.
  ByteBuffer log_in(const std::string& user, const std::string& password) {
    const ByteBuffer greeting = read_packet();
    ByteReader in(greeting);
    in.u8();
    version_ = in.nul_terminated_text();
    connection_id_ = in.u32();
    ByteBuffer scramble = copy(in.take(8));
    in.skip(1 + 2 + 1 + 2 + 2 + 1 + 10);
    const Bytes second = in.take(12);
    scramble.insert(scramble.end(), second.begin(), second.end());

    ByteWriter out;
    out.u32(capability::kProtocol41 | capability::kSecureConnection | capability::kPluginAuth |
            capability::kLongPassword);
    out.u32(1u << 24).u8(45).zeros(23).nul_terminated_text(user);
    const ByteBuffer response = password.empty() ? ByteBuffer{} : native_response(password, scramble);
    out.u8(static_cast<std::uint8_t>(response.size())).bytes(response).nul_terminated_text("mysql_native_password");
    send_packet(out.view());
    ByteBuffer reply = read_packet();
    if (!reply.empty() &&
        reply[0] == std::byte{0xfe}) {  // the server prefers another plugin: answer with its new scramble
      ByteReader again(reply);
      again.u8();
      again.nul_terminated_text();
      send_packet(native_response(password, copy(again.take(20))));
      reply = read_packet();
    }
    return reply;
  }

  void command(std::uint8_t code, Bytes body = {}) {
    sequence_ = 0;
    ByteWriter out;
    out.u8(code).bytes(body);
    send_packet(out.view());
  }
  void query(std::string_view text) { command(0x03, as_bytes(text)); }
  // OK, or ERR.
  ByteBuffer run(std::string_view text) {
    query(text);
    return read_packet();
  }
  // The rows of a result set; NULL as "NULL".
  std::vector<std::vector<std::string>> rows(std::string_view text) {
    query(text);
    const ByteBuffer head = read_packet();
    if (head.empty() || head[0] == std::byte{0xff}) throw std::runtime_error(std::string(as_text(head)));
    ByteReader count(head);
    const auto columns = count.length_encoded();
    for (std::uint64_t i = 0; i <= columns; ++i) read_packet();  // definitions and EOF
    std::vector<std::vector<std::string>> rows;
    for (;;) {
      const ByteBuffer packet = read_packet();
      if (packet.size() < 9 && packet[0] == std::byte{0xfe}) return rows;
      ByteReader in(packet);
      auto& row = rows.emplace_back();
      for (std::uint64_t i = 0; i < columns; ++i) row.emplace_back(in.length_encoded_text());
    }
  }

  void dump(std::string_view file, std::uint32_t position, std::uint16_t flags, std::uint32_t server_id) {
    ByteWriter body;
    body.u32(position).u16(flags).u32(server_id).text(file);
    command(0x12, body.view());
  }
  void dump_gtid(Bytes set, std::uint16_t flags, std::uint32_t server_id) {
    ByteWriter body;
    body.u16(flags).u32(server_id).u32(0).u64(4).u32(static_cast<std::uint32_t>(set.size())).bytes(set);
    command(0x1e, body.view());
  }
  // The next event of a dump; nullopt at EOF, ERR or close, which end() then describes.
  std::optional<ByteBuffer> event() {
    ByteBuffer packet;
    try {
      packet = read_packet();
    } catch (const std::runtime_error& error) {
      end_ = error.what();
      return std::nullopt;
    }
    if (packet.empty()) throw std::runtime_error("empty packet in a dump");
    if (packet[0] == std::byte{0}) return ByteBuffer(packet.begin() + 1, packet.end());
    end_ = packet[0] == std::byte{0xfe} ? "EOF" : std::string(as_text(packet).substr(9));
    return std::nullopt;
  }
  const std::string& end() const { return end_; }

  std::uint32_t connection_id() const { return connection_id_; }
  const std::string& version() const { return version_; }

  void send_packet(Bytes payload) {
    ByteWriter out;
    out.u24(static_cast<std::uint32_t>(payload.size())).u8(sequence_++).bytes(payload);
    const Bytes all = out.view();
    if (::send(fd_, all.data(), all.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(all.size()))
      throw std::runtime_error("send");
  }

  ByteBuffer read_packet() {
    ByteBuffer payload;
    for (;;) {
      std::byte head[4];
      read_exactly(head, sizeof head);
      ByteReader in(Bytes(head, sizeof head));
      const std::uint32_t size = in.u24();
      sequence_ = static_cast<std::uint8_t>(in.u8() + 1);
      const std::size_t at = payload.size();
      payload.resize(at + size);
      read_exactly(payload.data() + at, size);
      if (size < 0xffffff) return payload;
    }
  }

 private:
  static ByteBuffer copy(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

  static ByteBuffer native_response(const std::string& password, const ByteBuffer& scramble) {
    unsigned char once[20], twice[20], mixed[20];
    SHA1(reinterpret_cast<const unsigned char*>(password.data()), password.size(), once);
    SHA1(once, sizeof once, twice);
    ByteBuffer input = scramble;
    input.insert(input.end(), reinterpret_cast<std::byte*>(twice), reinterpret_cast<std::byte*>(twice) + sizeof twice);
    SHA1(reinterpret_cast<const unsigned char*>(input.data()), input.size(), mixed);
    ByteBuffer response(20);
    for (std::size_t i = 0; i < response.size(); ++i) response[i] = static_cast<std::byte>(once[i] ^ mixed[i]);
    return response;
  }

  void read_exactly(std::byte* to, std::size_t count) {
    while (count > 0) {
      const ssize_t got = ::recv(fd_, to, count, 0);
      if (got == 0) throw std::runtime_error("closed");
      if (got < 0) throw std::runtime_error("no answer in time");
      to += got;
      count -= static_cast<std::size_t>(got);
    }
  }

  int fd_;
  std::uint8_t sequence_ = 0;
  std::uint32_t connection_id_ = 0;
  std::string version_, end_;
};

}  // namespace binrelay::testing_support
