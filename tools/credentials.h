#pragma once
// Passwords as the command line handles them: asked for without echo, made up, hashed. Never an argument.
#include <cstddef>
#include <string>
#include <string_view>

#include "protocol/auth/passwords.h"
#include "protocol/result.h"

namespace binrelay {

inline constexpr std::size_t kMaxPasswordLength = 255;

// From the terminal, without echo. Errc::refused when the process has no terminal.
Result<std::string> ask_password(const std::string& prompt);
// The first line of standard input, which is no terminal.
Result<std::string> read_password_line();

// `length` characters of A-Z a-z 0-9 _ - from the system's random source, six bits each.
std::string random_text(std::size_t length);
// `plugin`: kNativePassword or kCachingSha2Password. The salt consists of the letters of random_text, so a hash can be
// copied anywhere.
std::string hash_password(std::string_view plugin, std::string_view password);

}  // namespace binrelay
