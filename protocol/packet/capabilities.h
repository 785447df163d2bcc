#pragma once
// Client capability flags (MySQL manual, "Capabilities Flags"). The relay never requires the optional ones and never
// offers QUERY_ATTRIBUTES, COMPRESS, DEPRECATE_EOF or SESSION_TRACK: every client works with classic EOF result sets.
#include <cstdint>

namespace binrelay::capability {

inline constexpr std::uint32_t kLongPassword = 1u << 0;
inline constexpr std::uint32_t kFoundRows = 1u << 1;
inline constexpr std::uint32_t kLongFlag = 1u << 2;
inline constexpr std::uint32_t kConnectWithDb = 1u << 3;
inline constexpr std::uint32_t kProtocol41 = 1u << 9;
inline constexpr std::uint32_t kInteractive = 1u << 10;
inline constexpr std::uint32_t kSsl = 1u << 11;
inline constexpr std::uint32_t kTransactions = 1u << 13;
inline constexpr std::uint32_t kSecureConnection = 1u << 15;
inline constexpr std::uint32_t kMultiStatements = 1u << 16;
inline constexpr std::uint32_t kMultiResults = 1u << 17;
inline constexpr std::uint32_t kPluginAuth = 1u << 19;
inline constexpr std::uint32_t kConnectAttributes = 1u << 20;
inline constexpr std::uint32_t kPluginAuthLenencData = 1u << 21;

}  // namespace binrelay::capability
