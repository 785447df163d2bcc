// Sessions over real sockets: login, statements and dumps of a log that holds the binlogs of real servers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>

#include <filesystem>
#include <thread>

#include "protocol/event/event_builder.h"
#include "protocol/event/event_checksum.h"
#include "relay/login/listener.h"
#include "tests/golden/golden_samples.h"
#include "tests/relay/dump/sample_log.h"
#include "tests/storage/log_bench.h"
#include "tests/support/protocol_client.h"

namespace binrelay {
namespace {

using testing::HasSubstr;
using testing_support::ProtocolClient;

constexpr std::uint16_t kBlocking = 0;
constexpr std::uint16_t kNonBlocking = 1;

std::uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ::bind(fd, reinterpret_cast<sockaddr*>(&address), size);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(fd);
  return ntohs(address.sin_port);
}

// A stream without a source: what the tests append is its log.
class SessionTest : public testing::Test {
 protected:
  void serve(const std::string& sample_name) {
    sample_ = golden::load(sample_name);
    options_.directory = directory_ / "stream";
    RecoveryReport report;
    log_ = EventLog::open(options_, &report).value();
    log_->on_visible([this] { tail_.notify(); });

    auto source = std::make_shared<SourceIdentity>();
    source->flavour = sample_.format().flavour;
    source->version = sample_.format().server_version;
    source->gtid_mode = source->flavour == Flavour::mysql ? "ON" : "";
    source->server_id = ServerId{77};
    tls_ = TlsContext::open({}, key_directory()).value();
    context_.log = log_.get();
    context_.registry = &registry_;
    context_.users = &users_;
    context_.tls = [this] { return tls_; };
    context_.tail = &tail_;
    context_.readers = &io_.readers();
    context_.logger = std::make_shared<spdlog::logger>("quiet", std::make_shared<spdlog::sinks::null_sink_mt>());
    context_.gate = &gate_;
    context_.source = [source] { return source; };
    port_ = free_port();
    ASSERT_TRUE(listener_.start({"127.0.0.1", port_}).ok());
  }

  void append_file(const std::string& name) {
    ASSERT_TRUE(log_->open_segment(name).ok());
    append_events(0, sample_.events().size());
    ASSERT_TRUE(log_->sync().ok());
  }
  void append_events(std::size_t from, std::size_t to) {
    const auto events = sample_.events();
    for (std::size_t i = from; i < to; ++i) {
      const Status appended = log_->append(events[i].bytes);
      ASSERT_TRUE(appended.ok()) << appended.error().context;
    }
    ASSERT_TRUE(log_->flush().ok());
  }

  std::unique_ptr<ProtocolClient> connect() {
    auto client = std::make_unique<ProtocolClient>(port_);
    const ByteBuffer reply = client->log_in("replica", "secret");
    EXPECT_EQ(reply.at(0), std::byte{0}) << as_text(reply);
    return client;
  }
  // A client as a replica prepares itself for a dump.
  std::unique_ptr<ProtocolClient> replica(const std::string& uuid = "") {
    auto client = connect();
    client->run(
        "SET @master_binlog_checksum= @@global.binlog_checksum, @source_binlog_checksum = @@global.binlog_checksum");
    client->run("SET @mariadb_slave_capability=4");
    if (!uuid.empty()) client->run("SET @slave_uuid = '" + uuid + "', @replica_uuid = '" + uuid + "'");
    return client;
  }

  // RSA keys take a while to make: one for all tests.
  static std::filesystem::path key_directory() {
    static const struct Keys {
      std::filesystem::path path = new_directory("binrelay-keys-XXXXXX");
      ~Keys() { std::filesystem::remove_all(path); }
    } keys;
    return keys.path;
  }

  static std::filesystem::path new_directory(const char* pattern) {
    std::string path = (std::filesystem::temp_directory_path() / pattern).string();
    return ::mkdtemp(path.data());
  }

  void TearDown() override {
    listener_.stop();
    registry_.end_all(EndReason::shutdown);
    io_.stop();
    log_.reset();
    std::filesystem::remove_all(directory_);
  }

  // The bytes of a file as a dump shows them: everything but what is artificial.
  static ByteBuffer stored_bytes(ProtocolClient& client) {
    ByteBuffer bytes;
    while (const auto event = client.event()) {
      const EventHeader header = decode_event_header(*event).value();
      if ((header.flags & kFlagArtificial) != 0 || header.type == EventType::heartbeat) continue;
      bytes.insert(bytes.end(), event->begin(), event->end());
    }
    return bytes;
  }

  std::filesystem::path directory_ = new_directory("binrelay-session-XXXXXX");
  StorageOptions options_;
  golden::Sample sample_;
  IoThreads io_{2};
  ReplicaRegistry registry_;
  UserDirectory users_{{{.user = "replica", .password = parse_password_hash(native_password_hash("secret")).value()}}};
  TailSignal tail_{{&io_.at(0), &io_.at(1)}};
  std::unique_ptr<EventLog> log_;
  std::shared_ptr<TlsContext> tls_;
  ConnectionGate gate_{LimitsConfig{}};
  SessionContext context_;
  Listener listener_{io_, context_};
  std::uint16_t port_ = 0;
};

TEST_F(SessionTest, ShowsTheVersionOfItsSource) {
  serve("mysql-9.7-row");
  append_file("binlog.000001");
  const auto client = connect();
  EXPECT_EQ(client->version(), sample_.format().server_version);
  EXPECT_EQ(client->rows("SELECT VERSION()").at(0).at(0), sample_.format().server_version);
  EXPECT_EQ(client->rows("SELECT @@GLOBAL.SERVER_ID").at(0).at(0), "77");
}

TEST_F(SessionTest, RefusesAWrongPassword) {
  serve("mysql-9.7-row");
  append_file("binlog.000001");
  ProtocolClient client(port_);
  const ByteBuffer reply = client.log_in("replica", "guess");
  EXPECT_THAT(std::string(as_text(reply)), HasSubstr("Access denied for user 'replica'"));
}

// A stream that bears little.
class LimitedSessionTest : public SessionTest {
 protected:
  LimitedSessionTest() {
    serve("mysql-9.7-row");
    append_file("binlog.000001");
    context_.gate = &strict_;
  }
  std::string log_in_text(const std::string& password) {
    ProtocolClient client(port_);
    return std::string(as_text(client.log_in("replica", password)));
  }
  // The relay hears of a closed connection a moment later.
  void wait_for_connections(std::size_t count) {
    for (int i = 0; i < 500 && registry_.size() > count; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_EQ(registry_.size(), count);
  }
  ConnectionGate strict_{LimitsConfig{.connections = 10,
                                      .connections_per_account = 2,
                                      .logins_per_host = 3,
                                      .login_seconds = 1,
                                      .slow_consumer_seconds = 600}};
};

TEST_F(LimitedSessionTest, AHalfOpenLoginIsEnded) {
  ProtocolClient client(port_);
  client.read_packet();
  const auto began = std::chrono::steady_clock::now();
  EXPECT_THROW(client.read_packet(), std::runtime_error);
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(5));
  wait_for_connections(0);
  EXPECT_EQ(strict_.counters().read().unfinished_logins, 1u);
}

TEST_F(LimitedSessionTest, AHostHasSoManyLoginsUnderWay) {
  std::vector<std::unique_ptr<ProtocolClient>> held;
  for (int i = 0; i < 3; ++i) {
    held.push_back(std::make_unique<ProtocolClient>(port_));
    EXPECT_EQ(held.back()->read_packet().at(0), std::byte{10});
  }
  ProtocolClient one_more(port_);
  EXPECT_THAT(std::string(as_text(one_more.read_packet())), HasSubstr("Too many connections"));
  held.clear();
  wait_for_connections(0);
  EXPECT_EQ(log_in_text("secret").at(0), '\0');
}

TEST_F(LimitedSessionTest, AnAccountHasSoManyConnections) {
  auto first = connect();
  const auto second = connect();
  EXPECT_THAT(log_in_text("secret"), HasSubstr("User replica already has more than 'max_user_connections'"));
  first.reset();
  wait_for_connections(1);
  EXPECT_EQ(log_in_text("secret").at(0), '\0');
}

TEST_F(LimitedSessionTest, WrongPasswordsAreAnsweredLaterAndLater) {
  std::chrono::steady_clock::duration last{};
  for (unsigned i = 0; i <= ConnectionGate::kFreeFailures + 1; ++i) {
    const auto began = std::chrono::steady_clock::now();
    EXPECT_THAT(log_in_text("guess"), HasSubstr("Access denied"));
    last = std::chrono::steady_clock::now() - began;
  }
  EXPECT_GE(last, 2 * ConnectionGate::kFirstDelay);
  EXPECT_EQ(log_in_text("secret").at(0), '\0');
  EXPECT_EQ(strict_.counters().read().refused_logins, ConnectionGate::kFreeFailures + 2);
}

TEST_F(LimitedSessionTest, AShutdownDoesNotWaitForAPunishedLogin) {
  for (int i = 0; i < 8; ++i) {
    ProtocolClient client(port_);
    const auto began = std::chrono::steady_clock::now();
    std::thread end([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      registry_.end_all(EndReason::shutdown);
    });
    try {
      client.log_in("replica", "guess");
    } catch (const std::runtime_error&) {
    }
    end.join();
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(2));
  }
}

class WholeFileTest : public SessionTest, public testing::WithParamInterface<const char*> {};

INSTANTIATE_TEST_SUITE_P(Samples, WholeFileTest,
                         testing::Values("mysql-9.7-row", "mysql-9.7-payload", "mysql-9.7-anonymous"));

TEST_P(WholeFileTest, ADumpFromTheStartIsTheFileByteForByte) {
  serve(GetParam());
  append_file("binlog.000001");
  const auto client = replica();
  client->dump("binlog.000001", 4, kNonBlocking, 5);
  const ByteBuffer bytes = stored_bytes(*client);
  EXPECT_EQ(client->end(), "EOF");
  EXPECT_EQ(as_text(bytes), as_text(sample_.bytes().subspan(kFirstEventOffset)));
}

TEST_F(SessionTest, ADumpFromTheMiddleBeginsWithAnAlteredFormatDescription) {
  serve("mysql-9.7-row");
  append_file("binlog.000001");
  const auto events = sample_.events();
  const auto& middle = events[events.size() / 2];
  const auto client = replica();
  client->dump("binlog.000001", static_cast<std::uint32_t>(middle.offset), kNonBlocking, 5);
  const ByteBuffer bytes = stored_bytes(*client);
  const EventHeader first = decode_event_header(bytes).value();
  EXPECT_EQ(first.type, EventType::format_description);
  EXPECT_EQ(first.log_pos, 0u);
  EXPECT_EQ(as_text(Bytes(bytes).subspan(first.size)), as_text(sample_.bytes().subspan(middle.offset)));
}

TEST_F(SessionTest, APositionInsideAnEventIsRefused) {
  serve("mysql-9.7-row");
  append_file("binlog.000001");
  for (std::uint32_t position = 130; position < 200; ++position) {
    bool boundary = false;
    for (const auto& event : sample_.events()) boundary |= event.offset == position;
    if (boundary) continue;
    const auto client = replica();
    client->dump("binlog.000001", position, kNonBlocking, 5);
    while (client->event()) {
    }
    EXPECT_NE(client->end(), "EOF") << position;
    EXPECT_THAT(client->end(), HasSubstr("the first event 'binlog.000001' at " + std::to_string(position)));
  }
}

TEST_F(SessionTest, UnknownFilesAndPositionsPastTheEndAreRefusedInTheSourcesWords) {
  serve("mysql-9.7-row");
  append_file("binlog.000001");
  auto client = replica();
  client->dump("binlog.000009", 4, kBlocking, 5);
  EXPECT_FALSE(client->event());
  EXPECT_EQ(client->end(), "Could not find first log file name in binary log index file");
  client = replica();
  client->dump("binlog.000001", 99999999, kBlocking, 5);
  EXPECT_FALSE(client->event());
  EXPECT_EQ(client->end(), "Client requested source to start replication from position > file size");
}

TEST_F(SessionTest, AGtidDumpSkipsWhatTheReplicaHasAndSaysWhereItStands) {
  serve("mysql-9.7-row");
  append_file("binlog.000001");
  const auto client = replica();
  const MysqlGtidSet everything = std::get<MysqlGtidSet>(log_->executed());
  const ByteBuffer set = everything.encode();
  client->dump_gtid(set, kNonBlocking, 5);
  std::vector<EventType> types;
  while (const auto event = client->event()) types.push_back(decode_event_header(*event).value().type);
  EXPECT_EQ(client->end(), "EOF");
  EXPECT_THAT(types, testing::ElementsAre(EventType::rotate, EventType::format_description, EventType::previous_gtids,
                                          EventType::heartbeat, EventType::rotate));
}

TEST_F(SessionTest, AGtidDumpThatJumpsOverWhatTheReplicaHasLosesNothing) {
  options_.index_block_bytes = 1;  // each group is a block, and the index knows of it
  serve("mysql-9.7-row");
  append_file("binlog.000001");
  MysqlGtidSet had;
  struct Group {
    std::size_t first_event;
    std::uint64_t begin;
    MysqlGtid gtid;
  };
  std::vector<Group> groups;
  std::uint64_t offset = kFirstEventOffset;
  const auto events = sample_.events();
  for (std::size_t i = 0; i < events.size(); offset += events[i++].bytes.size()) {
    if (!is_gtid(decode_event_header(events[i].bytes).value().type)) continue;
    groups.push_back({i, offset, decode_mysql_gtid(events[i].bytes, ChecksumAlgorithm::crc32).value().gtid});
  }
  ASSERT_GT(groups.size(), 4u);
  while (log_->counters().indexed_offset < groups.back().begin) std::this_thread::yield();

  for (std::size_t known = 1; known < groups.size(); ++known) {
    SCOPED_TRACE(known);
    had.add(groups[known - 1].gtid);
    const auto client = replica();
    client->dump_gtid(had.encode(), kNonBlocking, 5);
    std::optional<std::uint64_t> told;  // where what is skipped ends
    ByteBuffer sent, expected;
    while (const auto event = client->event()) {
      const EventHeader header = decode_event_header(*event).value();
      if (header.type == EventType::heartbeat && !told) told = header.log_pos;
      if (told && header.type != EventType::heartbeat) sent.insert(sent.end(), event->begin(), event->end());
    }
    EXPECT_EQ(told, groups[known].begin);
    for (std::size_t i = groups[known].first_event; i < events.size(); ++i)
      expected.insert(expected.end(), events[i].bytes.begin(), events[i].bytes.end());
    EXPECT_EQ(sent, expected);
  }
}

TEST_F(SessionTest, ABlockingDumpFollowsTheLogWhileItGrows) {
  serve("mysql-9.7-row");
  ASSERT_TRUE(log_->open_segment("binlog.000001").ok());
  append_events(0, 2);
  ASSERT_TRUE(log_->sync().ok());
  const auto client = replica();
  client->dump("binlog.000001", 4, kBlocking, 5);
  const std::size_t count = sample_.events().size();
  std::thread upstream([&] {
    for (std::size_t i = 2; i < count; ++i) append_events(i, i + 1);
  });
  ByteBuffer bytes;
  while (bytes.size() < sample_.bytes().size() - kFirstEventOffset) {
    const auto event = client->event();
    ASSERT_TRUE(event) << client->end();
    if ((decode_event_header(*event).value().flags & kFlagArtificial) == 0)
      bytes.insert(bytes.end(), event->begin(), event->end());
  }
  upstream.join();
  EXPECT_EQ(as_text(bytes), as_text(sample_.bytes().subspan(kFirstEventOffset)));
}

TEST_F(SessionTest, ManyDumpsFollowTheLogAtOnce) {
  serve("mysql-9.7-row");
  ASSERT_TRUE(log_->open_segment("binlog.000001").ok());
  append_events(0, 2);
  ASSERT_TRUE(log_->sync().ok());
  const std::size_t count = sample_.events().size();
  const std::string expected(as_text(sample_.bytes().subspan(kFirstEventOffset)));
  std::vector<std::thread> consumers;
  for (std::uint32_t i = 0; i < 16; ++i) {
    consumers.emplace_back([&, i] {
      const auto client = replica();
      client->dump("binlog.000001", 4, kBlocking, 100 + i);
      std::string bytes;
      while (bytes.size() < expected.size()) {
        const auto event = client->event();
        ASSERT_TRUE(event) << client->end();
        if ((decode_event_header(*event).value().flags & kFlagArtificial) == 0) bytes += as_text(*event);
      }
      EXPECT_EQ(bytes, expected);
    });
  }
  for (std::size_t i = 2; i < count; ++i) append_events(i, i + 1);
  for (auto& consumer : consumers) consumer.join();
}

// Few are served by the thread that brings more, many by their own.
class ConsumersAtTheEndTest : public SessionTest, public testing::WithParamInterface<std::uint32_t> {
 protected:
  void let_them_wait() {
    serve("mysql-9.7-row");
    busy_.log().on_visible([this] { tail_.notify(); });
    context_.log = &busy_.log();
    busy_.open_file("binlog.000001");
    for (std::uint32_t i = 0; i < GetParam(); ++i) {
      clients_.push_back(replica());
      clients_.back()->dump("binlog.000001", 4, kBlocking, 100 + i);
      ASSERT_TRUE(clients_.back()->event());  // the ROTATE: it has begun
    }
  }
  void one_has_all() {
    busy_.sync();
    const ByteBuffer stored = read_file(busy_.log().catalog()->newest()->path);
    ProtocolClient& one = *clients_.back();
    while (read_to_ < busy_.end()) {
      const auto event = one.event();
      ASSERT_TRUE(event) << one.end();
      if ((decode_event_header(*event).value().flags & kFlagArtificial) != 0) continue;
      const auto expected = stored.begin() + static_cast<std::ptrdiff_t>(read_to_);
      ASSERT_TRUE(std::equal(event->begin(), event->end(), expected)) << read_to_;
      read_to_ += event->size();
    }
  }

  SampleLog busy_{Flavour::mysql};
  std::vector<std::unique_ptr<ProtocolClient>> clients_;
  std::uint64_t read_to_ = kFirstEventOffset, number_ = 0;
};

INSTANTIATE_TEST_SUITE_P(FewAndMany, ConsumersAtTheEndTest, testing::Values(1, 12));

TEST_P(ConsumersAtTheEndTest, GoOnWhereTheyWereWhenTheyHaveReadNothingForAWhile) {
  constexpr std::uint64_t kMoreThanConnectionsHold = 11u << 20;
  let_them_wait();
  while (busy_.end() < kMoreThanConnectionsHold) {
    for (int i = 0; i < 100; ++i) busy_.commit(kSourceUuid, ++number_);
    ASSERT_TRUE(busy_.log().flush_and_sync().ok());
  }
  one_has_all();
}

// Their events are sent from where they were read to.
TEST_P(ConsumersAtTheEndTest, GetLargeGroupsWhole) {
  let_them_wait();
  for (const auto& [events, size] : std::vector<std::pair<int, std::size_t>>{
           {3, 3000}, {40, 8100}, {17, 8100}, {1, 200'000}, {300, 2100}, {3, 60'000}, {1, 10}}) {
    busy_.commit_large(kSourceUuid, ++number_, events, size);
    ASSERT_TRUE(busy_.log().flush_and_sync().ok());
    one_has_all();
  }
}

TEST_F(SessionTest, HeartbeatsComeWhenNothingElseDoes) {
  serve("mysql-9.7-row");
  append_file("binlog.000001");
  const auto client = replica();
  client->run("SET @master_heartbeat_period = 20000000, @source_heartbeat_period = 20000000");
  client->dump("binlog.000001", static_cast<std::uint32_t>(sample_.bytes().size()), kBlocking, 5);
  int heartbeats = 0;
  while (heartbeats < 3) {
    const auto event = client->event();
    ASSERT_TRUE(event) << client->end();
    const EventHeader header = decode_event_header(*event).value();
    if (header.type != EventType::heartbeat) continue;
    ++heartbeats;
    EXPECT_EQ(header.log_pos, sample_.bytes().size());
    EXPECT_TRUE(event_checksum_holds(*event));
  }
}

TEST_F(SessionTest, KillClosesADumpAndKillQueryEndsItWithEof) {
  serve("mysql-9.7-row");
  append_file("binlog.000001");
  const auto admin = connect();
  for (const bool query : {false, true}) {
    const auto client = replica();
    client->dump("binlog.000001", 4, kBlocking, 5);
    ASSERT_TRUE(client->event());
    const std::string id = std::to_string(client->connection_id());
    const ByteBuffer reply = admin->run((query ? "KILL QUERY " : "KILL ") + id);
    EXPECT_EQ(reply.at(0), std::byte{0}) << as_text(reply);
    while (client->event()) {
    }
    EXPECT_EQ(client->end(), query ? "EOF" : "closed");
  }
}

TEST_F(SessionTest, AnotherUsersConnectionIsNotKilled) {
  serve("mysql-9.7-row");
  ConnectionEntry other;
  other.user = "backup";
  const std::uint32_t id = registry_.enter(other, [](EndReason) { ADD_FAILURE() << "it was ended"; });
  const auto client = connect();
  const std::string text = "You are not owner of thread " + std::to_string(id);
  EXPECT_THAT(std::string(as_text(client->run("KILL " + std::to_string(id)))), HasSubstr("#HY000" + text));
  client->command(0x0c, ByteWriter().u32(id).view());
  EXPECT_THAT(std::string(as_text(client->read_packet())), HasSubstr("#HY000" + text));
  registry_.leave(id);
}

TEST_F(SessionTest, ANewDumpOfTheSameReplicaEndsTheOlder) {
  serve("mysql-9.7-row");
  append_file("binlog.000001");
  const std::string uuid = "aaaaaaaa-0000-0000-0000-000000000001";
  const auto older = replica(uuid);
  older->dump("binlog.000001", 4, kBlocking, 5);
  ASSERT_TRUE(older->event());
  const auto newer = replica(uuid);
  newer->dump("binlog.000001", 4, kBlocking, 5);
  ASSERT_TRUE(newer->event());
  while (older->event()) {
  }
  EXPECT_THAT(older->end(),
              HasSubstr("A replica with the same server_uuid/server_id as this replica has connected to the source"));
}

TEST_F(SessionTest, BytesFromADumpingClientAreForgotten) {
  serve("mysql-9.7-row");
  ASSERT_TRUE(log_->open_segment("binlog.000001").ok());
  append_events(0, 2);
  ASSERT_TRUE(log_->sync().ok());
  const auto client = replica();
  client->dump("binlog.000001", 4, kBlocking, 5);
  ASSERT_TRUE(client->event());
  client->command(0x0e);               // COM_PING
  client->send_packet(ByteBuffer(1));  // a stray NUL
  append_events(2, sample_.events().size());
  std::uint64_t received = 0;
  while (received < sample_.bytes().size() - kFirstEventOffset) {
    const auto event = client->event();
    ASSERT_TRUE(event) << client->end();
    received += event->size();
  }
}

TEST_F(SessionTest, AConsumerThatGoesAwayLeavesTheList) {
  serve("mysql-9.7-row");
  append_file("binlog.000001");
  {
    const auto client = replica();
    client->dump("binlog.000001", 4, kBlocking, 5);
    ASSERT_TRUE(client->event());
    EXPECT_EQ(registry_.size(), 1u);
  }
  for (int i = 0; i < 100 && registry_.size() > 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_EQ(registry_.size(), 0u);
}

TEST_F(SessionTest, ShowsItsBinlogEventsAsTheSourceDoes) {
  serve("mysql-9.7-row");
  append_file("binlog.000001");
  const auto client = connect();
  const auto rows = client->rows("SHOW BINLOG EVENTS IN 'binlog.000001'");
  ASSERT_EQ(rows.size(), sample_.shown.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i][1], std::to_string(sample_.shown[i].position));
    EXPECT_EQ(rows[i][2], sample_.shown[i].type);
  }
  EXPECT_EQ(client->rows("SHOW BINLOG EVENTS LIMIT 1, 3").size(), 3u);
}

TEST_F(SessionTest, MariadbShowsEventsFromWhereOneBegins) {
  serve("mariadb-10.11-row");
  append_file("m.000001");
  const auto client = connect();
  const std::uint64_t end = sample_.bytes().size();
  const std::uint64_t last = sample_.events().back().offset;
  const std::string show = "SHOW BINLOG EVENTS FROM ";
  EXPECT_EQ(client->rows(show + "1").size(), sample_.shown.size());
  EXPECT_EQ(client->rows(show + std::to_string(last)).size(), 1u);
  EXPECT_EQ(client->rows(show + std::to_string(end)).size(), 0u);
  for (const auto& [from, problem] : {std::pair{std::uint64_t{5}, std::string("Wrong offset or I/O error")},
                                      {last + 1, "Wrong offset or I/O error"},
                                      {end + 1, "Invalid pos specified. Requested from pos:" + std::to_string(end + 1) +
                                                    " is greater than actual file size:" + std::to_string(end)}}) {
    client->query(show + std::to_string(from));
    for (int definitions = 0; definitions < 1 + 6 + 1; ++definitions) client->read_packet();
    EXPECT_THAT(std::string(as_text(client->read_packet())), HasSubstr("SHOW BINLOG EVENTS: " + problem));
  }
}

TEST_F(SessionTest, MariadbDumpsFollowAPosition) {
  serve("mariadb-10.11-row");
  append_file("m.000001");
  const auto client = replica();
  const std::string position = std::get<MariadbBinlogState>(log_->executed()).position().to_text();
  client->run("SET @slave_connect_state='" + position + "'");
  client->dump("", 4, kNonBlocking, 5);
  int groups = 0;
  bool told_where_it_stands = false;
  while (const auto event = client->event()) {
    const EventHeader header = decode_event_header(*event).value();
    groups += header.type == EventType::mariadb_gtid;
    told_where_it_stands |= header.type == EventType::mariadb_gtid_list && (header.flags & kFlagArtificial) != 0;
  }
  EXPECT_EQ(client->end(), "EOF");
  EXPECT_EQ(groups, 0);
  EXPECT_TRUE(told_where_it_stands);
}

// A replica drops its temporary tables at a format description with `created` set.
TEST_F(SessionTest, MariadbReplicasThatComeBackKeepTheirTemporaryTables) {
  serve("mariadb-10.11-row");
  // As in the first file behind a start of the server.
  const Bytes sampled = sample_.events().front().bytes;
  ByteBuffer stored(sampled.begin(), sampled.end());
  stored[kEventHeaderSize + 52] = std::byte{1};
  rewrite_event_checksum(stored);
  sample_.content.replace(kFirstEventOffset, stored.size(), as_text(stored));
  append_file("m.000001");
  const ByteBuffer without_created = build_mid_file_format_description(stored, false);
  ASSERT_NE(as_text(without_created), as_text(stored));
  EXPECT_TRUE(event_checksum_holds(without_created));
  for (const auto& [position, expected] :
       {std::pair{"", stored}, {"0-101-3", without_created}, {"9-9-9", stored}, {"0-101-3,9-9-9", without_created}}) {
    const auto client = replica();
    client->run("SET @slave_connect_state='" + std::string(position) + "'");
    client->dump("", 4, kNonBlocking, 5);
    ASSERT_TRUE(client->event());  // the fake ROTATE
    const auto event = client->event();
    ASSERT_TRUE(event) << client->end();
    EXPECT_EQ(as_text(*event), as_text(expected)) << "from '" << position << "'";
  }
}

}  // namespace
}  // namespace binrelay
