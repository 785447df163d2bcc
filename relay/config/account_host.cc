#include "relay/config/account_host.h"

#include <arpa/inet.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <optional>

#include "protocol/wire/ascii.h"

namespace binrelay {

namespace {

using Address = std::array<std::uint8_t, 16>;

constexpr std::size_t kMaxHostText = 255;
constexpr std::size_t kAddressBits = 128, kMappedBits = 96;
constexpr std::size_t kAddressRank = 2000, kNetworkRank = 1000;  // a pattern's is its length in front of a wildcard

// IPv4 as ::ffff:a.b.c.d. A zone (fe80::1%eth0) says nothing of who is there.
std::optional<Address> parse_address(std::string_view text) {
  const std::string plain(text.substr(0, text.find('%')));
  Address address{};
  in_addr v4{};
  if (::inet_pton(AF_INET, plain.c_str(), &v4) == 1) {
    address[10] = address[11] = 0xff;
    std::memcpy(address.data() + 12, &v4, sizeof v4);
    return address;
  }
  if (::inet_pton(AF_INET6, plain.c_str(), address.data()) == 1) return address;
  return std::nullopt;
}

bool is_v4(const Address& address) {
  static constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return std::equal(kMapped.begin(), kMapped.end(), address.begin());
}

bool same_bits(const Address& left, const Address& right, std::size_t bits) {
  const std::size_t bytes = bits / 8;
  if (!std::equal(left.begin(), left.begin() + static_cast<std::ptrdiff_t>(bytes), right.begin())) return false;
  const unsigned rest = bits % 8;
  return rest == 0 || ((left.at(bytes) ^ right.at(bytes)) >> (8 - rest)) == 0;
}

// "16", or "255.255.0.0".
std::optional<std::size_t> parse_mask(std::string_view text, bool v4) {
  if (text.find('.') != std::string_view::npos) {
    in_addr mask{};
    if (!v4 || ::inet_pton(AF_INET, std::string(text).c_str(), &mask) != 1) return std::nullopt;
    const std::uint32_t bits = ntohl(mask.s_addr);
    const auto ones = static_cast<std::size_t>(std::countl_one(bits));
    return ones == static_cast<std::size_t>(std::popcount(bits)) ? std::optional(ones) : std::nullopt;
  }
  std::size_t bits = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), bits);
  const bool whole = failed == std::errc() && end == text.data() + text.size();
  return whole && bits <= (v4 ? kAddressBits - kMappedBits : kAddressBits) ? std::optional(bits) : std::nullopt;
}

// '%' any number of characters, '_' one. Both sides are short.
bool matches_pattern(std::string_view pattern, std::string_view text) {
  std::size_t at = 0, in = 0, star = std::string_view::npos, star_at = 0;
  while (at < text.size()) {
    if (in < pattern.size() && pattern[in] == '%') {
      star = in++;
      star_at = at;
    } else if (in < pattern.size() && (pattern[in] == '_' || lower(pattern[in]) == lower(text[at]))) {
      ++in;
      ++at;
    } else if (star != std::string_view::npos) {
      in = star + 1;
      at = ++star_at;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('%', in) == std::string_view::npos;
}

bool fits_addresses(std::string_view pattern) {
  return std::all_of(pattern.begin(), pattern.end(),
                     [](char c) { return hex_value(c) >= 0 || c == '.' || c == ':' || c == '%' || c == '_'; });
}

}  // namespace

Result<AccountHost> AccountHost::parse(std::string_view text) {
  const std::string quoted = "'" + std::string(text.substr(0, kMaxHostText)) + "'";
  AccountHost host;
  host.text_ = text;
  if (text.size() > kMaxHostText || text.find('\0') != std::string_view::npos)
    return Error{Errc::malformed, quoted + " is too long or holds a NUL"};
  if (text == "localhost") {
    host.kind_ = ThisMachine{};
    host.rank_ = kAddressRank;
  } else if (const std::size_t slash = text.find('/'); slash != std::string_view::npos) {
    const auto address = parse_address(text.substr(0, slash));
    const auto bits = address ? parse_mask(text.substr(slash + 1), is_v4(*address)) : std::nullopt;
    if (!bits) return Error{Errc::malformed, quoted + " is not a network: 10.1.0.0/16, 10.1.0.0/255.255.0.0, fd00::/8"};
    const std::size_t all_bits = *bits + (is_v4(*address) ? kMappedBits : 0);
    host.kind_ = Network{*address, all_bits};
    host.rank_ = kNetworkRank + all_bits;
  } else if (const auto address = parse_address(text); address && text.find('%') == std::string_view::npos) {
    host.kind_ = Network{*address, kAddressBits};
    host.rank_ = kAddressRank;
  } else if (!text.empty() && text.find_first_of("%_") != std::string_view::npos && fits_addresses(text)) {
    host.kind_ = Pattern{};
    host.rank_ = text.find_first_of("%_");
  } else {
    return Error{Errc::malformed, quoted +
                                      " is not where a client may come from: an address, a network (10.1.0.0/16), a "
                                      "pattern of addresses ('10.1.%'), localhost, or '%'; names are not looked up"};
  }
  return host;
}

bool AccountHost::matches(std::string_view address) const {
  if (std::holds_alternative<Pattern>(kind_)) {
    const auto known = parse_address(address);
    // An IPv4 client of a listener on "::" has the address that people write.
    if (known && is_v4(*known)) {
      char plain[INET_ADDRSTRLEN] = "";
      ::inet_ntop(AF_INET, known->data() + 12, plain, sizeof plain);
      return matches_pattern(text_, plain);
    }
    return matches_pattern(text_, address.substr(0, address.find('%')));
  }
  const auto known = parse_address(address);
  if (!known) return false;
  if (const auto* network = std::get_if<Network>(&kind_)) return same_bits(network->address, *known, network->bits);
  static const Address kLoopback6 = *parse_address("::1");
  return *known == kLoopback6 || (is_v4(*known) && known->at(12) == 127);
}

}  // namespace binrelay
