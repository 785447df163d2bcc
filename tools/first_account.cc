#include "tools/first_account.h"

#include <tuple>

#include "relay/config/secret_file.h"
#include "tools/credentials.h"

namespace binrelay {
namespace {

constexpr const char* kUser = "binrelay";
constexpr std::size_t kRandomPasswordLength = 24;

std::filesystem::path account_file(const std::filesystem::path& data_dir) { return data_dir / "account"; }

// caching_sha2_password came with MySQL 8.0.4 and is all that 9.x has; MariaDB and older MySQL speak
// mysql_native_password.
std::string_view plugin_for(const SourceVersion& source) {
  return source.flavour == Flavour::mysql && source.major >= 8 ? kCachingSha2Password : kNativePassword;
}

}  // namespace

Result<AccountConfig> read_account(const std::filesystem::path& data_dir) {
  const std::filesystem::path file = account_file(data_dir);
  if (!holds_secret(file)) return Error{Errc::not_found, file.string() + " does not exist"};
  BINRELAY_ASSIGN(const std::string line, read_secret_file(file));
  const std::size_t blank = line.find(' ');
  const Result<PasswordHash> hash =
      parse_password_hash(blank == std::string::npos ? "?" : std::string_view(line).substr(blank + 1));
  if (!hash.ok())
    return Error{Errc::malformed, file.string() + " is damaged; remove it to get a new account and password"};
  AccountConfig account;
  account.user = line.substr(0, blank);
  account.password = *hash;
  return account;
}

Result<NewAccount> create_account(const std::filesystem::path& data_dir, const SourceVersion& source) {
  NewAccount made;
  made.password = random_text(kRandomPasswordLength);
  made.account.user = kUser;
  const std::string hash = hash_password(plugin_for(source), made.password);
  BINRELAY_ASSIGN(made.account.password, parse_password_hash(hash));
  std::error_code error;
  std::filesystem::create_directories(data_dir, error);
  if (error) return Error{Errc::io, "cannot create " + data_dir.string() + ": " + error.message()};
  BINRELAY_TRY(write_secret_file(account_file(data_dir), made.account.user + " " + hash + "\n"));
  return made;
}

std::string replica_statements(const SourceVersion& source, const Endpoint& relay, const NewAccount& account) {
  const std::string host = "'" + relay.host + "'", port = std::to_string(relay.port);
  const std::string user = "'" + account.account.user + "'", password = "'" + account.password + "'";
  const auto change = [&](const char* command, const std::string& word, const std::string& rest) {
    return std::string("  ") + command + " " + word + "_HOST=" + host + ", " + word + "_PORT=" + port + ", " + word +
           "_USER=" + user + ", " + word + "_PASSWORD=" + password + ", " + rest + ";\n";
  };
  if (source.flavour == Flavour::mariadb)
    return change("CHANGE MASTER TO", "MASTER", "MASTER_USE_GTID=slave_pos") + "  START SLAVE;\n";
  const auto version = std::tuple(source.major, source.minor, source.patch);
  if (version >= std::tuple(8u, 0u, 23u)) {
    return change("CHANGE REPLICATION SOURCE TO", "SOURCE", "SOURCE_AUTO_POSITION=1, GET_SOURCE_PUBLIC_KEY=1") +
           "  START REPLICA;\n";
  }
  return change("CHANGE MASTER TO", "MASTER",
                source.major >= 8 ? "MASTER_AUTO_POSITION=1, GET_MASTER_PUBLIC_KEY=1" : "MASTER_AUTO_POSITION=1") +
         "  START SLAVE;\n";
}

}  // namespace binrelay
