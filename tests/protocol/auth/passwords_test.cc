#include "protocol/auth/passwords.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "protocol/auth/sha256_crypt.h"
#include "tests/protocol/auth/client_responses.h"

namespace binrelay {
namespace {

ByteBuffer native_response(std::string_view password) { return native_client_response(password, scramble_for_tests()); }
ByteBuffer sha2_response(std::string_view password) { return sha2_client_response(password, scramble_for_tests()); }

PasswordHash hash(std::string_view text) {
  auto parsed = parse_password_hash(text);
  EXPECT_TRUE(parsed.ok()) << text;
  return parsed.ok() ? *parsed : PasswordHash{};
}

// SELECT HEX(authentication_string) FROM mysql.user, MySQL 9.7.
struct StoredPassword {
  std::string password, hex;
};
std::vector<StoredPassword> passwords_of_mysql() {
  return {
      {"secret",
       "24412430304124283A010E0A0A125959083553503D3504013C4C1A523754304C354F4C5367666363526552596E533663724C442F6F4C415"
       "97372"
       "6A706833454D44396F4D4836"},
      {"p\u00e4ss w\u00f6rd \u2713",
       "24412430304124610B7B66474A316A48437A7C6F48587001202D47746E2E2E524B634C4C6F47732E45546E386768666445755A2E552E482"
       "F6969"
       "69726274507A777233483341"},
      {std::string(100, 'x'),
       "244124303041242E2E48232B0F4D5E535F685E41720238670131264B52594F62785169307A2F56324963597656385A71426A36496E696D5"
       "5434D"
       "3744772F6B505943706F4133"},
  };
}

// As the C library's crypt() has them.
TEST(Sha256Crypt, AgreesWithTheCLibraryOnShortSalts) {
  EXPECT_EQ(sha256_crypt("Hello world!", "saltstring", 5000), "5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5");
  EXPECT_EQ(sha256_crypt("the minimum number is still observed", "roundstoolow", 1000),
            "yfvwcWrQ8l/K0DAWyuPMDNHpIVlTQebY9l/gL972bIC");
  EXPECT_EQ(sha256_crypt("we have a short salt string but not a short password", "short", 77777),
            "JiO1O3ZpDAxGJeaDIuqCoEFysAe1mZNJRs3pw0KQRd/");
  EXPECT_EQ(sha256_crypt(std::string(65, 'a'), "anotherlongsalt", 1400), "CSWYQi7ZD5g76acq5abRcFJhDasoEHvQDPJ6r065f35");
}

TEST(PasswordHash, MatchesWhatMysqlStored) {
  for (const auto& [password, hex] : passwords_of_mysql()) {
    const PasswordHash stored = hash("0x" + hex);
    EXPECT_EQ(stored.plugin, kCachingSha2Password);
    EXPECT_EQ(stored.text.size(), 70u);
    EXPECT_TRUE(password_matches(stored, password));
    EXPECT_FALSE(password_matches(stored, password + "x"));
    EXPECT_FALSE(password_matches(stored, ""));
  }
}

TEST(PasswordHash, OfNativePasswordIsMariadbs) {
  EXPECT_EQ(native_password_hash("secret"), "*14E65567ABDB5135D0CFD9A70B3032C179A49EE7");
  EXPECT_EQ(native_password_hash("p\u00e4ss"), "*7C539F20AFB9A43F3A5CC9FC3EDACE4CB2CC7CEF");
  EXPECT_EQ(native_password_hash(""), "");
  EXPECT_TRUE(password_matches(hash("*14e65567abdb5135d0cfd9a70b3032c179a49ee7"), "secret"));
  EXPECT_FALSE(password_matches(hash("*14E65567ABDB5135D0CFD9A70B3032C179A49EE7"), "Secret"));
}

TEST(PasswordHash, MadeHereIsReadHere) {
  const std::string text = caching_sha2_password_hash("secret", "abcdefghijklmnopqrst");
  EXPECT_TRUE(text.starts_with("$A$005$abcdefghijklmnopqrst"));
  EXPECT_TRUE(password_matches(hash(text), "secret"));
  EXPECT_FALSE(password_matches(hash(text), "other"));
  EXPECT_EQ(caching_sha2_password_hash("", "abcdefghijklmnopqrst"), "");
}

TEST(PasswordHash, EmptyMeansNoPassword) {
  EXPECT_TRUE(password_matches(hash(""), ""));
  EXPECT_FALSE(password_matches(hash(""), "secret"));
}

TEST(PasswordHash, RefusesOtherTexts) {
  const std::string sha2 = caching_sha2_password_hash("secret", "abcdefghijklmnopqrst");
  for (const std::string& text :
       {std::string("secret"), std::string("*14E6"), "*" + std::string(40, 'G'), sha2.substr(0, 69), sha2 + "x",
        "$B" + sha2.substr(2), "$A$00X$" + sha2.substr(7), "$A$000$" + sha2.substr(7), "0x" + std::string(140, 'Z'),
        "0x" + std::string(140, '0'), std::string("$5$salt$digest")}) {
    EXPECT_FALSE(parse_password_hash(text).ok()) << text;
  }
}

TEST(PasswordHash, CostIsBoundedByThePasswordsLength) {
  const std::string longest(kMaxPasswordSize, 'p');
  const PasswordHash stored = hash(caching_sha2_password_hash(longest, "abcdefghijklmnopqrst"));
  EXPECT_TRUE(password_matches(stored, longest));
  EXPECT_FALSE(password_matches(stored, longest + "p"));
}

TEST(NativeResponse, AnswersTheScramble) {
  const PasswordHash stored = hash(native_password_hash("secret"));
  EXPECT_TRUE(native_response_matches(stored, scramble_for_tests(), native_response("secret")));
  EXPECT_FALSE(native_response_matches(stored, scramble_for_tests(), native_response("Secret")));
  EXPECT_FALSE(native_response_matches(stored, Scramble{}, native_response("secret")));
  EXPECT_FALSE(native_response_matches(stored, scramble_for_tests(), {}));
  EXPECT_FALSE(native_response_matches(stored, scramble_for_tests(), as_bytes("short")));
}

TEST(NativeResponse, IsEmptyForNoPassword) {
  EXPECT_TRUE(native_response_matches(hash(""), scramble_for_tests(), {}));
  EXPECT_FALSE(native_response_matches(hash(""), scramble_for_tests(), native_response("secret")));
}

TEST(Sha2FastResponse, AnswersTheScramble) {
  const Sha256Digest remembered = sha2_fast_digest("secret");
  EXPECT_TRUE(sha2_fast_response_matches(remembered, scramble_for_tests(), sha2_response("secret")));
  EXPECT_FALSE(sha2_fast_response_matches(remembered, scramble_for_tests(), sha2_response("Secret")));
  EXPECT_FALSE(sha2_fast_response_matches(remembered, Scramble{}, sha2_response("secret")));
  EXPECT_FALSE(sha2_fast_response_matches(remembered, scramble_for_tests(), native_response("secret")));
}

// Seen in an OK packet of MariaDB 11.8: its scramble, its certificate's SHA-256, its answer.
TEST(CertificateProof, IsMariadbs) {
  Scramble sent;
  std::ranges::copy(as_bytes("SHP;rPv\"Es7U(dB[$AWs"), sent.begin());
  Sha256Digest certificate;
  std::ranges::copy(as_bytes("\x48\xb3\x73\xcf\x94\x77\xde\x6b\x69\xee\xc4\x46\x96\x72\x8b\x9d\xc3\x9e\x74\x75"
                             "\x8c\xc0\x6c\xba\x59\x1c\x91\x17\x46\xf6\x4c\x90"),
                    certificate.begin());
  EXPECT_EQ(certificate_proof(hash(native_password_hash("secret")), sent, certificate),
            "\x01"
            "7C635F9B2344619E42F5C7C430D29CED1BEFFB2E4F7A1C2D6A4AAD0179487C6E");
}

TEST(EncryptedPassword, IsUnmaskedByTheScramble) {
  const std::string password = "longer than the scramble of twenty bytes";
  std::string masked = masked_password(password, scramble_for_tests());
  EXPECT_EQ(unmask_password(as_bytes(masked), scramble_for_tests()), password);
  masked.pop_back();
  EXPECT_EQ(unmask_password(as_bytes(masked), scramble_for_tests()), std::nullopt);
  EXPECT_EQ(unmask_password({}, scramble_for_tests()), std::nullopt);
}

}  // namespace
}  // namespace binrelay
