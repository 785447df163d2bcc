// load_config: what a good file becomes, and what is said about a bad one.
#include "relay/config/relay_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <regex>
#include <set>
#include <sstream>

namespace binrelay {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A folder with a configuration file and a password file, gone with the test.
class ConfigFile : public testing::Test {
 protected:
  ConfigFile() {
    std::string folder = testing::TempDir() + "binrelay-config-XXXXXX";
    folder_ = ::mkdtemp(folder.data());
    write_secret("source.password", "secret\n", 0600);
  }
  ~ConfigFile() override { std::filesystem::remove_all(folder_); }

  void write_secret(const std::string& name, const std::string& text, mode_t mode) {
    std::ofstream(folder_ / name) << text;
    ::chmod((folder_ / name).c_str(), mode);
  }
  std::vector<ConfigProblem> load(const std::string& text) {
    std::ofstream(folder_ / "binrelay.toml") << text;
    return load_config(folder_ / "binrelay.toml", &config_);
  }
  std::vector<std::string> problems(const std::string& text) {
    std::vector<std::string> lines;
    for (const ConfigProblem& problem : load(text)) lines.push_back(std::to_string(problem.line) + ": " + problem.text);
    return lines;
  }

  std::filesystem::path folder_;
  RelayConfig config_;
};

constexpr const char* kHash = "*6BB4837EB74329105EE4568DDA7DC67ED2CA2AD9";

// The least a stream needs; `source` and `stream` add keys to it.
std::string stream_text(const std::string& stream = "", const std::string& source = "") {
  return "[[stream]]\n" + stream + "\n[stream.source]\nuser = \"repl\"\npassword_file = \"source.password\"\n" +
         source + "\n[[stream.account]]\nuser = \"replica\"\nview = \"all\"\npassword_hash = \"" + kHash + "\"\n";
}

std::string shipped_config() {
  std::ifstream in(std::filesystem::path(BINRELAY_GOLDEN) / "../../conf/binrelay.toml");
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

TEST_F(ConfigFile, LeastStreamTakesEveryDefault) {
  EXPECT_THAT(problems(stream_text()), IsEmpty());
  ASSERT_EQ(config_.streams.size(), 1u);
  EXPECT_EQ(config_.streams[0].source.password, "secret");
  EXPECT_EQ(config_.streams[0].accounts[0].password.plugin, kNativePassword);
}

TEST_F(ConfigFile, ShippedFileHoldsTheDefaultsOfTheCode) {
  EXPECT_THAT(problems(shipped_config()), IsEmpty());
  const RelayConfig defaults;
  EXPECT_EQ(config_.data_dir, defaults.data_dir);
  EXPECT_EQ(config_.io_threads, defaults.io_threads);
  EXPECT_EQ(config_.log.level, defaults.log.level);
  EXPECT_EQ(config_.log.json, defaults.log.json);
  EXPECT_EQ(to_text(*config_.admin_listen), to_text(*defaults.admin_listen));

  const StreamConfig stream_defaults;
  ASSERT_EQ(config_.streams.size(), 1u);
  const StreamConfig& stream = config_.streams[0];
  EXPECT_EQ(stream.name, stream_defaults.name);
  EXPECT_EQ(to_text(stream.listen), to_text(stream_defaults.listen));
  EXPECT_EQ(stream.serve_after, stream_defaults.serve_after);
  EXPECT_EQ(stream.report_host, stream_defaults.report_host);
  EXPECT_EQ(stream.tls.enabled, stream_defaults.tls.enabled);
  EXPECT_EQ(stream.tls.certificate_file, stream_defaults.tls.certificate_file);
  EXPECT_EQ(stream.tls.key_file, stream_defaults.tls.key_file);

  const SourceConfig& source = stream.source;
  EXPECT_EQ(source.host, stream_defaults.source.host);
  EXPECT_EQ(source.port, stream_defaults.source.port);
  EXPECT_EQ(source.tls, stream_defaults.source.tls);
  EXPECT_EQ(source.tls_ca, stream_defaults.source.tls_ca);
  EXPECT_EQ(source.start.index(), stream_defaults.source.start.index());
  EXPECT_EQ(source.server_id, stream_defaults.source.server_id);
  EXPECT_EQ(source.heartbeat_ms, stream_defaults.source.heartbeat_ms);
  EXPECT_EQ(source.connect_timeout_ms, stream_defaults.source.connect_timeout_ms);
  ASSERT_EQ(stream.accounts.size(), 1u);
  const AccountConfig& account = stream.accounts[0];
  const AccountConfig account_defaults;
  EXPECT_EQ(account.view, account_defaults.view);
  EXPECT_EQ(account.host, account_defaults.host);
  EXPECT_EQ(account.privileges, account_defaults.privileges);
  EXPECT_EQ(account.require_tls, account_defaults.require_tls);
  EXPECT_EQ(account.require_client_certificate, account_defaults.require_client_certificate);
}

TEST_F(ConfigFile, ShippedFileNamesEveryKey) {
  std::set<std::string> documented;
  std::string section, line;
  std::istringstream in(shipped_config());
  const std::regex header(R"(\[+([a-z_.]+)\]+)"), key(R"((?:# )?([a-z_]+) = .*)");
  while (std::getline(in, line)) {
    std::smatch match;
    if (std::regex_match(line, match, header)) section = match[1].str() + ".";
    if (std::regex_match(line, match, key)) documented.insert(section + match[1].str());
  }
  const std::vector<std::string> keys = config_keys();
  EXPECT_EQ(documented, std::set<std::string>(keys.begin(), keys.end()));
  EXPECT_EQ(documented.size(), keys.size()) << "a key is read twice";
}

TEST_F(ConfigFile, EveryProblemIsReportedWithItsLine) {
  const std::vector<std::string> found = problems(R"(data_dir = 5
io_threads = 1000
[log]
level = "loud"
[[stream]]
name = "../main"
listen = "127.0.0.1"
[stream.source]
host = ""
port = 70000
heartbeet_ms = 100
heartbeat_ms = 1
start = "yesterday"
tls = "verify-ca"
)");
  EXPECT_THAT(
      found,
      ElementsAre(
          HasSubstr("1: data_dir: must be a text"), HasSubstr("2: io_threads: 1000 is not a number from 0 to 64"),
          HasSubstr("4: log.level: \"loud\" is not one of \"debug\""), HasSubstr("5: stream.account: missing"),
          HasSubstr("6: stream.name: '../main' cannot name a folder"), HasSubstr("7: stream.listen: "),
          HasSubstr("8: stream.source.user: missing"), HasSubstr("8: stream.source.password_file: give one of"),
          HasSubstr("8: stream.source.tls_ca: missing"), HasSubstr("9: stream.source.host: must not be empty"),
          HasSubstr("10: stream.source.port: 70000 is not a number from 1 to 65535"),
          HasSubstr("11: unknown key 'heartbeet_ms' in [stream.source]; did you mean heartbeat_ms?"),
          HasSubstr("12: stream.source.heartbeat_ms: 1 is not"), HasSubstr("13: stream.source.start: 'yesterday'")));
}

TEST_F(ConfigFile, SourcesStandInPlaceOfHostAndPort) {
  EXPECT_THAT(problems(stream_text("", "sources = [\"db1:3307\", \"db2\"]")), testing::IsEmpty());
  const auto addresses = addresses_of(config_.streams.front().source);
  ASSERT_EQ(addresses.size(), 2u);
  EXPECT_EQ(to_text(addresses[0]), "db1:3307");
  EXPECT_EQ(to_text(addresses[1]), "db2:3306");
  EXPECT_THAT(problems(stream_text("", "host = \"db1\"\nsources = [\"db2\"]")),
              ElementsAre(HasSubstr("stream.source.sources: stands in place of host and port")));
  EXPECT_THAT(problems(stream_text("", "sources = [5]")), ElementsAre(HasSubstr("must be a list of texts")));
  EXPECT_THAT(problems(stream_text("", "sources = \"db1\"")), ElementsAre(HasSubstr("must be a list of texts")));
}

TEST_F(ConfigFile, BrokenTomlNamesTheLine) {
  EXPECT_THAT(problems("data_dir = \"x\"\nlisten = = 5\n"), ElementsAre(HasSubstr("2: not TOML")));
}

TEST_F(ConfigFile, MissingFileIsOneProblem) {
  EXPECT_THAT(load_config(folder_ / "absent.toml", &config_), testing::SizeIs(1));
}

TEST_F(ConfigFile, WithoutStreamsThereIsNothingToServe) {
  EXPECT_THAT(problems(""), ElementsAre(HasSubstr("without a [[stream]]")));
}

TEST_F(ConfigFile, ThingsOfTheWrongShapeAreProblems) {
  EXPECT_THAT(problems("log = 1\nstream = [1, 2]\n"),
              ElementsAre(HasSubstr("without a [[stream]]"), HasSubstr("1: log: must be a table"),
                          HasSubstr("2: stream: is not an array of tables")));
  EXPECT_THAT(problems("stream = 1\n"),
              ElementsAre(HasSubstr("without a [[stream]]"), HasSubstr("1: stream: must be an array of tables")));
}

TEST_F(ConfigFile, StreamsMustDifferInNameAndAddress) {
  EXPECT_THAT(problems(stream_text() + stream_text("listen = \"127.0.0.1:3308\"")),
              ElementsAre(HasSubstr("'main' names two streams")));
  EXPECT_THAT(problems(stream_text() + stream_text("name = \"b\"")),
              ElementsAre(HasSubstr("127.0.0.1:3307 is also stream 'main's address")));
  EXPECT_THAT(problems(stream_text() + stream_text("name = \"b\"\nlisten = \"0.0.0.0:3307\"")),
              ElementsAre(HasSubstr("is also stream")));
  EXPECT_THAT(problems(stream_text("listen = \"127.0.0.1:9380\"")),
              ElementsAre(HasSubstr("is also admin.listen's address")));
  EXPECT_THAT(problems(stream_text() + stream_text("name = \"b\"\nlisten = \"127.0.0.1:3308\"")), IsEmpty());
}

TEST_F(ConfigFile, AccountsNeedADistinctNameAndAHash) {
  const std::string account =
      "[[stream.account]]\nuser = \"replica\"\nview = \"all\"\npassword_hash = \"" + std::string(kHash) + "\"\n";
  EXPECT_THAT(problems(stream_text() + account), ElementsAre(HasSubstr("'replica'@'%' is given twice")));
  EXPECT_THAT(problems(stream_text() + "[[stream.account]]\nuser = \"b\"\nview = \"all\"\n"),
              ElementsAre(HasSubstr("password_hash: missing")));
  EXPECT_THAT(
      problems(stream_text() + "[[stream.account]]\nuser = \"b\"\nview = \"all\"\npassword_hash = \"secret\"\n"),
      ElementsAre(HasSubstr("not a password hash")));
  EXPECT_THAT(problems(stream_text() + "[[stream.account]]\nuser = \"b\"\nview = \"all\"\npassword_hash = \"\"\n"),
              ElementsAre(HasSubstr("must not be empty")));
}

TEST_F(ConfigFile, AccountsSayWhereFromAndWhatFor) {
  const auto account = [](const std::string& keys) {
    return "[[stream.account]]\nuser = \"cdc\"\nview = \"all\"\npassword_hash = \"" + std::string(kHash) + "\"\n" +
           keys + "\n";
  };
  EXPECT_THAT(
      problems(stream_text() + account("host = \"10.1.%\"\nprivileges = [\"replication slave\", \"PROCESS\"]") +
               account("host = \"10.1.0.0/16\"\nprivileges = []") + account("may_purge = true\nold_consumer = true")),
      IsEmpty());
  const auto& accounts = config_.streams.front().accounts;
  EXPECT_EQ(accounts.at(1).privileges, (Privileges{Privilege::replication_slave, Privilege::process}));
  EXPECT_TRUE(accounts.at(2).privileges.empty());
  EXPECT_TRUE(accounts.at(3).privileges.has(Privilege::binlog_admin));
  EXPECT_TRUE(accounts.at(3).privileges.has(Privilege::replication_slave));
  EXPECT_FALSE(accounts.at(2).old_consumer);
  EXPECT_TRUE(accounts.at(3).old_consumer);

  EXPECT_THAT(problems(stream_text() + account("host = \"db.example\"")),
              ElementsAre(HasSubstr("is not where a client may come from")));
  EXPECT_THAT(problems(stream_text() + account("privileges = [\"SUPER\"]")),
              ElementsAre(HasSubstr("'SUPER' is no privilege that binrelay knows")));
  EXPECT_THAT(problems(stream_text() + account("privileges = []\nmay_purge = true")),
              ElementsAre(HasSubstr("BINLOG_ADMIN among them says this")));
  EXPECT_THAT(problems(stream_text() + account("require_client_certificate = true")),
              ElementsAre(HasSubstr("set client_ca_file")));
}

TEST_F(ConfigFile, AStreamMayShowItselfAsAnotherServer) {
  EXPECT_THAT(problems(stream_text() + "[stream.identity]\nversion = \"8.4.7\"\nserver_id = 7\n"
                                       "server_uuid = \"11111111-2222-3333-4444-555555555555\"\n"),
              IsEmpty());
  const IdentityConfig& shown = config_.streams.front().identity;
  EXPECT_EQ(shown.version, "8.4.7");
  EXPECT_EQ(shown.server_id, ServerId{7});
  EXPECT_EQ(to_text(*shown.server_uuid), "11111111-2222-3333-4444-555555555555");
  EXPECT_THAT(problems(stream_text() + "[stream.identity]\nversion = \"new one\"\nserver_uuid = \"7\"\n"),
              ElementsAre(HasSubstr("8.4.7, 10.11.14-MariaDB"), HasSubstr("server_uuid")));
}

TEST_F(ConfigFile, PasswordFilesAreForTheirOwnerOnly) {
  write_secret("source.password", "secret", 0644);
  EXPECT_THAT(problems(stream_text()), ElementsAre(HasSubstr("open to every user")));
  write_secret("source.password", "two\nlines\n", 0600);
  EXPECT_THAT(problems(stream_text()), ElementsAre(HasSubstr("more than one line")));
  std::filesystem::remove(folder_ / "source.password");
  EXPECT_THAT(problems(stream_text()), ElementsAre(HasSubstr("No such file")));
  std::filesystem::create_directory(folder_ / "source.password");
  EXPECT_THAT(problems(stream_text()), ElementsAre(HasSubstr("not a regular file")));
}

TEST_F(ConfigFile, PasswordMayComeFromTheEnvironment) {
  const std::string text =
      std::regex_replace(stream_text(), std::regex("password_file = .*"), "password_env = \"BINRELAY_TEST_SECRET\"");
  ::unsetenv("BINRELAY_TEST_SECRET");
  EXPECT_THAT(problems(text), ElementsAre(HasSubstr("the environment has no variable")));
  ::setenv("BINRELAY_TEST_SECRET", "from env", 1);
  EXPECT_THAT(problems(text), IsEmpty());
  EXPECT_EQ(config_.streams[0].source.password, "from env");
  EXPECT_THAT(problems(stream_text("", "password_env = \"BINRELAY_TEST_SECRET\"")),
              ElementsAre(HasSubstr("give one of password_file")));
}

TEST_F(ConfigFile, AdminCanBeSwitchedOff) {
  EXPECT_THAT(problems("[admin]\nlisten = \"\"\n" + stream_text()), IsEmpty());
  EXPECT_FALSE(config_.admin_listen.has_value());
}

TEST_F(ConfigFile, RelativePathsStartAtTheFile) {
  EXPECT_THAT(problems("data_dir = \"logs\"\n" + stream_text()), IsEmpty());
  EXPECT_EQ(config_.data_dir, folder_ / "logs");
}

TEST(StartPlaceText, EveryForm) {
  EXPECT_TRUE(std::holds_alternative<StartOldest>(*parse_start_place("oldest")));
  EXPECT_TRUE(std::holds_alternative<StartNow>(*parse_start_place("now")));
  EXPECT_EQ(std::get<StartGtid>(*parse_start_place("gtid:0-1-5,1-2-7")).set, "0-1-5,1-2-7");
  EXPECT_TRUE(parse_start_place("gtid:3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5:tag:7").ok());
  const StartFile file = std::get<StartFile>(*parse_start_place("file:binlog.000007:1234"));
  EXPECT_EQ(file.name, "binlog.000007");
  EXPECT_EQ(file.position, 1234u);
  EXPECT_EQ(std::get<StartFile>(*parse_start_place("file:binlog.000007")).position, 4u);
  EXPECT_EQ(std::get<StartTime>(*parse_start_place("time:1970-01-02T00:00:00Z")).time.time_since_epoch().count(),
            86400);
}

TEST(StartPlaceText, RefusesTheRest) {
  for (const char* text : {"", "Oldest", "gtid:", "gtid:x", "file:", "file::4", "file:../x:4", "file:a:3", "file:a:x",
                           "time:", "time:now"}) {
    EXPECT_FALSE(parse_start_place(text).ok()) << text;
  }
}

TEST(TimeText, KnowsOffsetsAndTheCalendar) {
  EXPECT_EQ(*parse_time("2026-11-22T18:00:00+08:00"), *parse_time("2026-11-22T10:00:00Z"));
  EXPECT_EQ(*parse_time("2026-11-22 07:30:00-02:30"), *parse_time("2026-11-22T10:00:00Z"));
  EXPECT_TRUE(parse_time("2028-02-29T00:00:00Z").ok());
  for (const char* text : {"2026-02-29T00:00:00Z", "2026-11-22T24:00:00Z", "2026-11-22T10:00:00",
                           "2026-11-22T10:00:00+8:00", "2026-11-22", "now", ""}) {
    EXPECT_FALSE(parse_time(text).ok()) << text;
  }
}

TEST(EndpointText, HostsAndPorts) {
  EXPECT_EQ(to_text(*parse_endpoint("db.example:3306", 0)), "db.example:3306");
  EXPECT_EQ(to_text(*parse_endpoint("db.example", 3306)), "db.example:3306");
  EXPECT_EQ(to_text(*parse_endpoint("[::1]:3306", 0)), "[::1]:3306");
  EXPECT_EQ(parse_endpoint("[::1]", 3306)->host, "::1");
  for (const char* text :
       {"", ":3306", "host", "host:", "host:0", "host:65536", "host:3306x", "::1:3306", "[::1", "[::1]3306", "a b:1"}) {
    EXPECT_FALSE(parse_endpoint(text, 0).ok()) << text;
  }
}

}  // namespace
}  // namespace binrelay
