#pragma once
// AccountHost: where an account's clients may come from, as the host part of MySQL's account names (MySQL manual,
// "Specifying Account Names"): an address, localhost (this machine), a network (10.1.0.0/16, fd00::/8,
// 10.1.0.0/255.255.0.0), a pattern of an address ('10.1.%', '_' for one character), or '%' for everywhere. Names of
// hosts are refused: nobody asks a name server in the middle of a login.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "protocol/result.h"

namespace binrelay {

class AccountHost {
 public:
  AccountHost() = default;  // '%'
  static Result<AccountHost> parse(std::string_view text);

  bool matches(std::string_view address) const;  // as text: 10.1.2.3, fd00::1
  // The higher, the earlier it is asked: addresses before networks before patterns, narrow ones before wide ones.
  std::size_t rank() const { return rank_; }
  const std::string& text() const { return text_; }
  bool operator==(const AccountHost& other) const { return text_ == other.text_; }

 private:
  struct Network {
    std::array<std::uint8_t, 16> address{};  // IPv4 mapped into IPv6
    std::size_t bits = 0;
  };
  struct ThisMachine {};
  struct Pattern {};  // text_

  std::string text_ = "%";
  std::variant<Pattern, Network, ThisMachine> kind_;
  std::size_t rank_ = 0;
};

}  // namespace binrelay
