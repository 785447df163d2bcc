#include "relay/upstream/mysql_source.h"

#include <mysql.h>
#if defined(MARIADB_PACKAGE_VERSION_ID)
#include <ma_pvio.h>
#define BINRELAY_CONNECTOR_C 1
#endif

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <limits>
#include <mutex>
#include <utility>

#include "protocol/limits.h"
#include "protocol/packet/capabilities.h"
#include "protocol/packet/commands.h"
#include "protocol/packet/greeting_view.h"
#include "protocol/wire/byte_reader.h"
#include "protocol/wire/byte_writer.h"
#include "relay/upstream/packet_blocks.h"

namespace binrelay {
namespace {

constexpr unsigned kShortestDeadline = 1;  // seconds, as the library counts
constexpr std::uint32_t kClientErrorsBegin = 2000, kClientErrorsEnd = 3000, kConnectorErrorsBegin = 5000,
                        kConnectorErrorsEnd = 6000;
constexpr std::uint32_t kLoginDenied = 1045, kAccessDeniedToDatabase = 1044, kHostNotPrivileged = 1130,
                        kAccountLocked = 3118, kMustChangePassword = 1820, kMustChangePasswordLogin = 1862,
                        kTlsError = 2026;
constexpr std::byte kEndOfStream{0xfe}, kErrorPacket{0xff};
// Semi-synchronous replication: what stands before each event, and begins an acknowledgement (MySQL server,
// plugin/semisync/semisync.h).
constexpr std::byte kSemiSyncMagic{0xef}, kAckAsked{1};
constexpr std::size_t kSemiSyncHeader = 2;
// Logins the source may ask for. Not mysql_clear_password: whoever answers in the source's place would be handed the
// password.
[[maybe_unused]] constexpr const char* kAllowedLogins =
    "mysql_native_password,caching_sha2_password,sha256_password,client_ed25519";

unsigned seconds_up(std::uint64_t milliseconds) {
  return static_cast<unsigned>(std::max<std::uint64_t>(kShortestDeadline, (milliseconds + 999) / 1000));
}

bool refuses_account(std::uint32_t number) {
  return number == kLoginDenied || number == kAccessDeniedToDatabase || number == kHostNotPrivileged ||
         number == kAccountLocked || number == kMustChangePassword || number == kMustChangePasswordLogin;
}

bool is_servers(std::uint32_t number) {
  return number != 0 && !(number >= kClientErrorsBegin && number < kClientErrorsEnd) &&
         !(number >= kConnectorErrorsBegin && number < kConnectorErrorsEnd);
}

void load_library_once() {
  static std::once_flag once;
  std::call_once(once, [] { mysql_library_init(0, nullptr, nullptr); });
}

}  // namespace

struct MysqlSource::Connection {
  Connection(const SourceConfig& source, std::function<Endpoint()> address_of)
      : config(source), where(std::move(address_of)) {}

  const SourceConfig config;
  const std::function<Endpoint()> where;
  Endpoint at;  // what is connected to
  MYSQL* mysql = nullptr;
  MYSQL_RES* rows = nullptr;  // of begin_rows(), being read
  std::uint32_t server_error = 0;
  bool semi_sync_offered = false;         // the next event tells whether it was taken
  bool semi_sync = false, asked = false;  // taken; the last event is to be acknowledged
  std::mutex socket_mutex;                // guards the next two: interrupt() comes from other threads
  int socket = -1;
  bool interrupted = false;
#ifdef BINRELAY_CONNECTOR_C
  // The connection this thread is opening: the library's callback carries no context.
  static thread_local Connection* opening;
#ifdef MARIADB_TLS_VERIFY_HOST
  static int verify_chain_alone(void* tls, unsigned asked);
  void leave_name_unverified();
#endif
  static int wait_for_socket(my_socket waiting, my_bool for_read, int timeout_ms);
  bool tls_settled = false, refused_without_tls = false;
  std::optional<PacketBlocks> stream;  // of a dump, once it has begun; not over TLS
  void read_in_blocks();
  Result<Bytes> next_packet();
  Error stream_error(Bytes packet);
  bool settle_tls(int opened);  // false: not as the configuration demands
#else
  MYSQL_RPL dump{};
  ByteBuffer dump_gtids;
  std::string dump_file;
#endif

  void set_options();
  void set_tls_options();
  void limit_waits(int opened) const;
  bool demands_tls() const { return config.tls != TlsMode::disabled && config.tls != TlsMode::preferred; }
  Error no_tls() const;
  Status check_tls() const;
  Result<Bytes> without_semi_sync_header(Bytes event);
  Status take_socket();
  Error failure(std::string_view doing);
  Error failure(std::string_view doing, std::uint32_t number, const std::string& text);
  Error connect_failure();
  SqlError sql_error() const;
  void forget_rows() { mysql_free_result(std::exchange(rows, nullptr)); }
  bool hold_socket(int opened);  // false: interrupted
  void release_socket() { hold_socket(-1); }
  std::string address() const { return at.host + ":" + std::to_string(at.port); }
  unsigned silence_limit_s() const { return seconds_up(std::uint64_t{config.heartbeat_ms} * 3); }
};

void MysqlSource::Connection::set_options() {
  // The library knows one deadline for reads: it covers the login and the stream.
  const unsigned connect_s = seconds_up(config.connect_timeout_ms);
  const unsigned read_s = silence_limit_s();
  mysql_options(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &connect_s);
  mysql_options(mysql, MYSQL_OPT_READ_TIMEOUT, &read_s);
  mysql_options(mysql, MYSQL_OPT_WRITE_TIMEOUT, &read_s);
  const unsigned tcp = MYSQL_PROTOCOL_TCP;  // "localhost" too: a relay's source has a port
  mysql_options(mysql, MYSQL_OPT_PROTOCOL, &tcp);
  const unsigned long largest = kMaxEventSize + 1;
  mysql_options(mysql, MYSQL_OPT_MAX_ALLOWED_PACKET, &largest);
  const unsigned local_files = 0;  // a source must not be able to ask for our files
  mysql_options(mysql, MYSQL_OPT_LOCAL_INFILE, &local_files);
  mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
  mysql_options4(mysql, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name", "binrelay");
  mysql_options4(mysql, MYSQL_OPT_CONNECT_ATTR_ADD, "_client_role", "binary_log_listener");
  set_tls_options();
#ifdef BINRELAY_CONNECTOR_C
  mysql_options(mysql, MARIADB_OPT_RESTRICTED_AUTH, kAllowedLogins);
  mysql_options(mysql, MARIADB_OPT_IO_WAIT, reinterpret_cast<const void*>(&Connection::wait_for_socket));
#else
  const bool ask_for_key = true;  // caching_sha2_password without TLS
  mysql_options(mysql, MYSQL_OPT_GET_SERVER_PUBLIC_KEY, &ask_for_key);
#endif
}

void MysqlSource::Connection::set_tls_options() {
  const char* ca = config.tls_ca.empty() ? nullptr : config.tls_ca.c_str();
#ifdef BINRELAY_CONNECTOR_C
  // With the CA given the chain is verified before anything secret is sent; the name only with SSL_VERIFY_SERVER_CERT.
  // TLS is used whenever the source offers it; what happens when it does not, settle_tls() says.
  const my_bool use = config.tls != TlsMode::disabled;
  [[maybe_unused]] const my_bool verify_name = config.tls == TlsMode::verify_identity;
  const my_bool verify_chain = config.tls == TlsMode::verify_ca || config.tls == TlsMode::verify_identity;
  if (use && verify_chain && ca) mysql_ssl_set(mysql, nullptr, nullptr, ca, nullptr, nullptr);
  mysql_options(mysql, MYSQL_OPT_SSL_ENFORCE, &use);
#ifdef MARIADB_TLS_VERIFY_HOST
  mysql_options(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify_chain);
  if (config.tls == TlsMode::verify_ca) leave_name_unverified();
#else
  mysql_options(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify_name);
#endif
#else
  constexpr std::array kModes{SSL_MODE_DISABLED, SSL_MODE_PREFERRED, SSL_MODE_REQUIRED, SSL_MODE_VERIFY_CA,
                              SSL_MODE_VERIFY_IDENTITY};
  const unsigned mode = kModes[static_cast<std::size_t>(config.tls)];
  if (ca) mysql_options(mysql, MYSQL_OPT_SSL_CA, ca);
  mysql_options(mysql, MYSQL_OPT_SSL_MODE, &mode);
#endif
}

#ifdef MARIADB_TLS_VERIFY_HOST
// Connector/C 3.4 and later verify all or nothing: only what stands in for all of it can leave the name out. With
// OpenSSL the chain has been verified when this is asked, and nothing secret has been sent yet.
int MysqlSource::Connection::verify_chain_alone(void* /*tls*/, unsigned /*asked*/) {
  if (opening == nullptr) return MARIADB_TLS_VERIFY_UNKNOWN;
  return opening->mysql->net.tls_verify_status & ~MARIADB_TLS_VERIFY_HOST;
}

void MysqlSource::Connection::leave_name_unverified() {
  const char* library = nullptr;
  const bool known = mariadb_get_infov(mysql, MARIADB_TLS_LIBRARY, &library) == 0 && library != nullptr;
  if (!known || !std::string_view(library).starts_with("OpenSSL")) return;  // the library compares the name, too
  mysql_options(mysql, MARIADB_OPT_TLS_VERIFICATION_CALLBACK,
                reinterpret_cast<const void*>(&Connection::verify_chain_alone));
}
#endif

Error MysqlSource::Connection::no_tls() const {
  return {Errc::authentication, address() + " offers no TLS, and the configuration asks for it (source.tls)"};
}

Status MysqlSource::Connection::check_tls() const {
  if (demands_tls() && !mysql_get_ssl_cipher(mysql)) return no_tls();
  return Done{};
}

Result<Bytes> MysqlSource::Connection::without_semi_sync_header(Bytes event) {
  asked = false;
  // A dump begins with an artificial ROTATE, whose first byte is that of the timestamp 0.
  if (std::exchange(semi_sync_offered, false)) semi_sync = !event.empty() && event[0] == kSemiSyncMagic;
  if (!semi_sync) return event;
  if (event.size() < kSemiSyncHeader || event[0] != kSemiSyncMagic)
    return Error{Errc::malformed, "the source sent an event without the header of semi-synchronous replication"};
  asked = event[1] == kAckAsked;
  return event.subspan(kSemiSyncHeader);
}

// A TLS record is read without the library's own deadline.
void MysqlSource::Connection::limit_waits(int opened) const {
  const timeval limit{.tv_sec = static_cast<time_t>(silence_limit_s()), .tv_usec = 0};
  setsockopt(opened, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(opened, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

// A held socket is shut down by interrupt(); it is held only while it is certainly open.
bool MysqlSource::Connection::hold_socket(int opened) {
  const std::lock_guard lock(socket_mutex);
  socket = opened;
  return !interrupted;
}

#ifdef BINRELAY_CONNECTOR_C
thread_local MysqlSource::Connection* MysqlSource::Connection::opening = nullptr;

namespace {

// The first `size` bytes that have come, once they have; fewer when the source says no more.
ByteBuffer peek(int opened, std::size_t size, int timeout_ms) {
  const int all = static_cast<int>(size), any = 1;
  setsockopt(opened, SOL_SOCKET, SO_RCVLOWAT, &all, sizeof all);
  pollfd readable{.fd = opened, .events = POLLIN, .revents = 0};
  while (::poll(&readable, 1, timeout_ms) < 0 && errno == EINTR) {
  }
  setsockopt(opened, SOL_SOCKET, SO_RCVLOWAT, &any, sizeof any);
  ByteBuffer bytes(size);
  const ssize_t count = ::recv(opened, bytes.data(), size, MSG_PEEK | MSG_DONTWAIT);
  bytes.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  return bytes;
}

}  // namespace

// Before the library has read the greeting. Where it was told to use TLS and the source offers none it goes on in clear
// text, and then takes the connection for a secure one: to caching_sha2_password it would send the password itself
// (Connector/C, caching_sha2_pw.c, is_connection_secure). So it is told here, or the connection ends here.
bool MysqlSource::Connection::settle_tls(int opened) {
  constexpr std::size_t kPacketHeader = 4, kEnoughOfGreeting = 512;
  if (std::exchange(tls_settled, true) || config.tls == TlsMode::disabled) return true;
  const int timeout_ms = static_cast<int>(config.connect_timeout_ms);
  const ByteBuffer header = peek(opened, kPacketHeader, timeout_ms);
  const std::size_t length = ByteReader(header).u24();
  const ByteBuffer packet = peek(opened, kPacketHeader + std::min(length, kEnoughOfGreeting), timeout_ms);
  if (packet.size() < kPacketHeader) return true;  // the library says what is wrong
  const auto greeting = decode_greeting(Bytes(packet).subspan(kPacketHeader));
  if (!greeting || (greeting->capabilities & capability::kSsl) != 0) return true;
  refused_without_tls = demands_tls();
  if (refused_without_tls) return false;
  mysql->options.use_ssl = false;
  return true;
}

// The library waits through this, so that an interrupt reaches a connection that is still being opened. It does so
// first when it is connected and about to read the greeting.
int MysqlSource::Connection::wait_for_socket(my_socket waiting, my_bool for_read, int timeout_ms) {
  Connection* const connection = opening;
  if (connection) {
    connection->limit_waits(waiting);
    if (!connection->hold_socket(waiting)) timeout_ms = 0;
    if (!connection->settle_tls(waiting)) {
      connection->release_socket();
      return -1;
    }
  }
  pollfd polled{.fd = waiting, .events = static_cast<short>(for_read ? POLLIN : POLLOUT), .revents = 0};
  int ready = 0;
  do {
    ready = ::poll(&polled, 1, timeout_ms);
  } while (ready < 0 && errno == EINTR);
  if (connection) connection->release_socket();
  if (ready == 0) errno = ETIMEDOUT;
  return ready;
}
#endif

// From here on the connection can be interrupted at any time.
Status MysqlSource::Connection::take_socket() {
#ifdef BINRELAY_CONNECTOR_C
  const int opened = mysql_get_socket(mysql);
#else
  const int opened = mysql->net.fd;
#endif
  const int on = 1;
  setsockopt(opened, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  limit_waits(opened);
  if (!hold_socket(opened)) return Error{Errc::stopped, "interrupted while connecting to " + address()};
  return Done{};
}

Error MysqlSource::Connection::connect_failure() {
  const bool verifies = config.tls == TlsMode::verify_ca || config.tls == TlsMode::verify_identity;
#ifdef BINRELAY_CONNECTOR_C
  if (refused_without_tls) return no_tls();
#endif
  const bool unverified = verifies && mysql_errno(mysql) == kTlsError;
  Error error = failure("connecting to " + address() + " as '" + config.user + "'");
  if (unverified) error.code = Errc::authentication;
  return error;
}

Error MysqlSource::Connection::failure(std::string_view doing) {
  return mysql ? failure(doing, mysql_errno(mysql), mysql_error(mysql)) : failure(doing, 0, "not connected");
}

Error MysqlSource::Connection::failure(std::string_view doing, std::uint32_t number, const std::string& text) {
  server_error = is_servers(number) ? number : 0;
  {
    const std::lock_guard lock(socket_mutex);
    if (interrupted) return Error{Errc::stopped, std::string(doing) + ": interrupted"};
  }
  const Errc code = refuses_account(number) ? Errc::authentication
                    : server_error != 0     ? Errc::refused
                                            : Errc::connection;
  return Error{code, std::string(doing) + ": " + text + " (" + std::to_string(number) + ")"};
}

MysqlSource::MysqlSource(const SourceConfig& config, std::function<Endpoint()> address)
    : connection_(std::make_unique<Connection>(config, std::move(address))) {
  load_library_once();
}

MysqlSource::~MysqlSource() { close(); }

Status MysqlSource::connect() {
  close();
  {
    const std::lock_guard lock(connection_->socket_mutex);
    connection_->interrupted = false;
  }
  connection_->mysql = mysql_init(nullptr);
  if (!connection_->mysql) return Error{Errc::connection, "out of memory"};
  connection_->set_options();
  connection_->at = connection_->where();
  const SourceConfig& config = connection_->config;
  const Endpoint& at = connection_->at;
#ifdef BINRELAY_CONNECTOR_C
  connection_->tls_settled = connection_->refused_without_tls = false;
  Connection::opening = connection_.get();
#endif
  const bool connected = mysql_real_connect(connection_->mysql, at.host.c_str(), config.user.c_str(),
                                            config.password.c_str(), nullptr, at.port, nullptr, 0) != nullptr;
#ifdef BINRELAY_CONNECTOR_C
  Connection::opening = nullptr;
#endif
  if (!connected) return connection_->connect_failure();
  BINRELAY_TRY(connection_->check_tls());
  return connection_->take_socket();
}

void MysqlSource::close() {
  connection_->semi_sync_offered = connection_->semi_sync = connection_->asked = false;
  connection_->server_error = 0;
  connection_->release_socket();
  connection_->forget_rows();
#ifdef BINRELAY_CONNECTOR_C
  connection_->stream.reset();
#endif
  if (connection_->mysql) mysql_close(std::exchange(connection_->mysql, nullptr));
}

void MysqlSource::interrupt() {
  const std::lock_guard lock(connection_->socket_mutex);
  connection_->interrupted = true;
  if (connection_->socket >= 0) ::shutdown(connection_->socket, SHUT_RDWR);
}

bool MysqlSource::semi_sync_taken() const { return connection_->semi_sync; }
bool MysqlSource::ack_asked() const { return connection_->asked; }

std::uint32_t MysqlSource::server_error() const { return connection_->server_error; }

std::string MysqlSource::server_version() const {
  if (!connection_->mysql) return {};
  std::string version = mysql_get_server_info(connection_->mysql);
  constexpr std::string_view kMariadbPrefix = "5.5.5-";
  if (version.starts_with(kMariadbPrefix)) version.erase(0, kMariadbPrefix.size());
  return version;
}

Result<Table> MysqlSource::query(const std::string& statement) {
  MYSQL* const mysql = connection_->mysql;
  if (!mysql || mysql_real_query(mysql, statement.data(), statement.size()) != 0)
    return connection_->failure(statement);
  Table table;
  const std::unique_ptr<MYSQL_RES, decltype(&mysql_free_result)> result(mysql_store_result(mysql), &mysql_free_result);
  if (!result) {
    if (mysql_field_count(mysql) != 0) return connection_->failure(statement);
    return table;  // no result set
  }
  const unsigned width = mysql_num_fields(result.get());
  const MYSQL_FIELD* const fields = mysql_fetch_fields(result.get());
  for (unsigned i = 0; i < width; ++i) table.columns.emplace_back(fields[i].name, fields[i].name_length);
  while (MYSQL_ROW row = mysql_fetch_row(result.get())) {
    const unsigned long* const lengths = mysql_fetch_lengths(result.get());
    auto& cells = table.rows.emplace_back(width);
    for (unsigned i = 0; i < width; ++i) {
      if (row[i]) cells[i].emplace(row[i], lengths[i]);
    }
  }
  return table;
}

SqlError MysqlSource::Connection::sql_error() const {
  constexpr std::uint16_t kNotConnected = 2013;
  if (!mysql) return {kNotConnected, "HY000", "not connected to the source"};
  return {static_cast<std::uint16_t>(mysql_errno(mysql)), mysql_sqlstate(mysql), mysql_error(mysql)};
}

std::variant<std::vector<ColumnDefinition>, SqlError> MysqlSource::begin_rows(const std::string& statement) {
  MYSQL* const mysql = connection_->mysql;
  if (!mysql || mysql_real_query(mysql, statement.data(), statement.size()) != 0) return connection_->sql_error();
  connection_->rows = mysql_use_result(mysql);
  std::vector<ColumnDefinition> columns;
  if (!connection_->rows) {
    if (mysql_field_count(mysql) != 0) return connection_->sql_error();
    return columns;
  }
  const MYSQL_FIELD* const fields = mysql_fetch_fields(connection_->rows);
  for (unsigned i = 0; i < mysql_num_fields(connection_->rows); ++i) {
    const MYSQL_FIELD& field = fields[i];
    columns.push_back({field.db ? field.db : "",
                       field.table ? field.table : "",
                       field.org_table ? field.org_table : "",
                       {field.name, field.name_length},
                       field.org_name ? field.org_name : "",
                       static_cast<std::uint16_t>(field.charsetnr),
                       static_cast<std::uint32_t>(field.length),
                       static_cast<std::uint8_t>(field.type),
                       static_cast<std::uint16_t>(field.flags),
                       static_cast<std::uint8_t>(field.decimals)});
  }
  return columns;
}

std::variant<RowPortion, SqlError> MysqlSource::next_rows(std::size_t bytes) {
  RowPortion portion;
  MYSQL_RES* const result = connection_->rows;
  for (std::size_t taken = 0; result && taken < bytes;) {
    const MYSQL_ROW row = mysql_fetch_row(result);
    if (!row) break;
    const unsigned long* const lengths = mysql_fetch_lengths(result);
    TextRow& cells = portion.rows.emplace_back(mysql_num_fields(result));
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (row[i]) cells[i].emplace(row[i], lengths[i]);
      taken += sizeof cells[i] + lengths[i];
    }
    if (taken >= bytes) return portion;
  }
  if (mysql_errno(connection_->mysql) != 0) {
    SqlError error = connection_->sql_error();
    connection_->forget_rows();
    return error;
  }
  connection_->forget_rows();
  portion.last = true;
  return portion;
}

#ifdef BINRELAY_CONNECTOR_C

namespace {

enum DumpCommand : int {
  kRegisterReplica = 0x15,
  kBinlogDump = 0x12,
  kBinlogDumpGtid = 0x1e,
  kAcknowledge = static_cast<int>(kSemiSyncMagic),  // no command, but sent like one
};

// `skip_reply`: the reply is a stream that next_event() reads.
bool send_command(MYSQL* mysql, DumpCommand command, const ByteWriter& body, bool skip_reply) {
  return mysql && mysql->methods->db_command(mysql, static_cast<enum_server_command>(command),
                                             as_text(body.view()).data(), body.size(), skip_reply, nullptr) == 0;
}

std::uint16_t dump_flags(const BinlogDump& dump) {
  return static_cast<std::uint16_t>(BinlogDumpCommand::kAnnotateOrHeartbeatV2 |
                                    (dump.until_end ? BinlogDumpCommand::kNonBlocking : 0));
}

}  // namespace

Status MysqlSource::register_replica(ServerId server_id, const std::string& host, std::uint16_t port) {
  constexpr std::size_t kMaxReportHost = 60;  // longer ones are refused by the server
  const std::string_view shown = std::string_view(host).substr(0, kMaxReportHost);
  ByteWriter body;
  body.u32(static_cast<std::uint32_t>(server_id)).u8(static_cast<std::uint8_t>(shown.size())).text(shown);
  body.u8(0).u8(0).u16(port).u32(0).u32(0);  // report user, report password, port, rank, source id
  if (!send_command(connection_->mysql, kRegisterReplica, body, false))
    return connection_->failure("COM_REGISTER_SLAVE");
  return Done{};
}

Status MysqlSource::start_dump(const BinlogDump& dump) {
  // Old and new names: each server knows one of them.
  if (dump.semi_sync) BINRELAY_TRY(query("SET @rpl_semi_sync_slave = 1, @rpl_semi_sync_replica = 1"));
  ByteWriter body;
  if (dump.gtids) {
    body.u16(dump_flags(dump)).u32(static_cast<std::uint32_t>(dump.server_id));
    body.u32(static_cast<std::uint32_t>(dump.file.size())).text(dump.file).u64(dump.position);
    body.u32(static_cast<std::uint32_t>(dump.gtids->size())).bytes(*dump.gtids);
  } else {
    if (dump.position > std::numeric_limits<std::uint32_t>::max())
      return Error{Errc::limit, "COM_BINLOG_DUMP reaches 4 GiB only"};
    body.u32(static_cast<std::uint32_t>(dump.position))
        .u16(dump_flags(dump))
        .u32(static_cast<std::uint32_t>(dump.server_id));
    body.text(dump.file);
  }
  if (!send_command(connection_->mysql, dump.gtids ? kBinlogDumpGtid : kBinlogDump, body, true))
    return connection_->failure("dump");
  connection_->semi_sync_offered = dump.semi_sync;
  connection_->semi_sync = false;
  connection_->read_in_blocks();
  return Done{};
}

// From here on the library is not asked to read: what it has read ahead already comes first.
void MysqlSource::Connection::read_in_blocks() {
  if (mysql_get_ssl_cipher(mysql) != nullptr || !mysql->net.pvio) return;
  MARIADB_PVIO& io = *mysql->net.pvio;
  Bytes read_ahead;
  if (io.cache && io.cache_size != 0) read_ahead = std::as_bytes(std::span(io.cache_pos, io.cache + io.cache_size));
  if (read_ahead.size() > PacketBlocks::kBlockSize) return;
  stream.emplace(mysql_get_socket(mysql), kMaxEventSize + 1 + kSemiSyncHeader, std::chrono::seconds(silence_limit_s()),
                 read_ahead);
  io.cache_pos = io.cache + io.cache_size;
}

Result<Bytes> MysqlSource::Connection::next_packet() {
  constexpr std::string_view kReading = "reading the source's stream";
  if (!stream) {
    const unsigned long length = mysql_net_read_packet(mysql);
    if (length == packet_error) return failure(kReading);
    return Bytes(reinterpret_cast<const std::byte*>(mysql->net.read_pos), length);
  }
  auto packet = stream->next(1 + (semi_sync ? kSemiSyncHeader : 0));
  if (!packet) return failure(kReading, 0, packet.error().context);
  if (!packet->empty() && packet->front() == kErrorPacket) return stream_error(*packet);
  return packet;
}

// MySQL manual, "Protocol::ERR_Packet".
Error MysqlSource::Connection::stream_error(Bytes packet) {
  constexpr std::size_t kSqlState = 6;  // with the mark before it
  ByteReader in(packet);
  in.skip(1);
  const std::uint16_t number = in.u16();
  std::string_view text = in.text(in.remaining());
  if (text.starts_with('#')) text.remove_prefix(std::min(kSqlState, text.size()));
  return failure("reading the source's stream", number, std::string(text));
}

Result<Bytes> MysqlSource::next_event() {
  MYSQL* const mysql = connection_->mysql;
  if (!mysql) return Error{Errc::connection, "not connected"};
  BINRELAY_ASSIGN(const Bytes packet, connection_->next_packet());
  if (packet.empty()) return Error{Errc::malformed, "the source sent an empty packet"};
  if (packet[0] == kEndOfStream) return Error{Errc::connection, "the source ended its stream"};
  if (packet[0] != std::byte{0}) return Error{Errc::malformed, "the source sent a packet that is no event"};
  auto event = connection_->without_semi_sync_header(packet.subspan(1));
  // Having asked, the source counts its packets anew, as if the acknowledgement had come already.
  if (connection_->asked) mysql->net.pkt_nr = mysql->net.compress_pkt_nr = 1;
  return event;
}

Bytes MysqlSource::packets_at_hand() {
  if (!connection_->stream || connection_->semi_sync || connection_->semi_sync_offered) return {};
  return connection_->stream->at_hand();
}

void MysqlSource::pass_over(std::size_t bytes) { connection_->stream->pass_over(bytes); }

Status MysqlSource::acknowledge(const std::string& file, std::uint64_t position) {
  MYSQL* const mysql = connection_->mysql;
  if (!mysql) return Error{Errc::connection, "not connected"};
  const unsigned next_packet = mysql->net.pkt_nr;
  ByteWriter body;
  body.u64(position).text(file);
  if (!send_command(mysql, kAcknowledge, body, true)) return connection_->failure("acknowledging");
  mysql->net.pkt_nr = mysql->net.compress_pkt_nr = next_packet;
  return Done{};
}

bool MysqlSource::more_at_hand() {
  const MYSQL* const mysql = connection_->mysql;
  if (!mysql || !mysql->net.pvio) return false;
  if (connection_->stream && connection_->stream->whole_packet_at_hand()) return true;
  // A packet that lies whole in the library's read-ahead, or bytes in the socket.
  const MARIADB_PVIO& io = *mysql->net.pvio;
  constexpr std::size_t kPacketHeader = 4;
  if (io.cache && io.cache_pos + kPacketHeader <= io.cache + io.cache_size) {
    const auto buffered = static_cast<std::size_t>(io.cache + io.cache_size - io.cache_pos);
    const auto announced = static_cast<std::size_t>(io.cache_pos[0] | io.cache_pos[1] << 8 | io.cache_pos[2] << 16);
    if (buffered >= kPacketHeader + announced) return true;
  }
  pollfd readable{.fd = mysql_get_socket(const_cast<MYSQL*>(mysql)), .events = POLLIN, .revents = 0};
  return ::poll(&readable, 1, 0) > 0;
}

#else  // Oracle's libmysqlclient

Status MysqlSource::register_replica(ServerId, const std::string&, std::uint16_t) {
  return Done{};  // the library cannot send COM_REGISTER_SLAVE; the dump works without
}

Status MysqlSource::start_dump(const BinlogDump& dump) {
  if (!connection_->mysql) return Error{Errc::connection, "not connected"};
  if (!dump.gtids && dump.position > std::numeric_limits<std::uint32_t>::max()) {
    return Error{Errc::limit, "COM_BINLOG_DUMP reaches 4 GiB only"};
  }
  connection_->dump_file = dump.file;
  connection_->dump_gtids = dump.gtids.value_or(ByteBuffer{});
  MYSQL_RPL& request = connection_->dump;
  request = {};
  request.file_name = connection_->dump_file.c_str();
  request.file_name_length = connection_->dump_file.size();
  request.start_position = dump.position;
  request.server_id = static_cast<unsigned>(dump.server_id);
  request.flags = BinlogDumpCommand::kAnnotateOrHeartbeatV2 | (dump.until_end ? BinlogDumpCommand::kNonBlocking : 0u);
  if (dump.gtids) {
    request.flags |= MYSQL_RPL_GTID;
    request.gtid_set_encoded_size = connection_->dump_gtids.size();
    request.gtid_set_arg = connection_->dump_gtids.data();
  }
  if (mysql_binlog_open(connection_->mysql, &request) != 0) return connection_->failure("dump");
  return Done{};
}

Result<Bytes> MysqlSource::next_event() {
  if (!connection_->mysql) return Error{Errc::connection, "not connected"};
  MYSQL_RPL& dump = connection_->dump;
  if (mysql_binlog_fetch(connection_->mysql, &dump) != 0) return connection_->failure("reading the source's stream");
  if (dump.size == 0) return Error{Errc::connection, "the source ended its stream"};
  if (dump.buffer[0] != 0) return Error{Errc::malformed, "the source sent a packet that is no event"};
  return Bytes(reinterpret_cast<const std::byte*>(dump.buffer) + 1, dump.size - 1);
}

Bytes MysqlSource::packets_at_hand() { return {}; }
void MysqlSource::pass_over(std::size_t) {}

// The library has no way to send the packet, so start_dump() never offers it.
Status MysqlSource::acknowledge(const std::string&, std::uint64_t) {
  return Error{Errc::unsupported, "this client library cannot acknowledge"};
}

bool MysqlSource::more_at_hand() {
  if (!connection_->mysql) return false;
  pollfd readable{.fd = connection_->mysql->net.fd, .events = POLLIN, .revents = 0};
  return ::poll(&readable, 1, 0) > 0;
}

#endif

}  // namespace binrelay
