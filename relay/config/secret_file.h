#pragma once
// Files with secrets: the one line of a password file, which must not be readable by everybody; and what the relay
// itself makes at its first start.
#include <cstddef>
#include <filesystem>
#include <string>

#include "protocol/result.h"

namespace binrelay {

inline constexpr std::size_t kMaxSecretSize = 4096;

// Without its newline; an empty file is an empty password. Errc::io: cannot be read; Errc::refused: the world may read
// it, or it is no regular file; Errc::malformed: more than one line; Errc::limit: longer than kMaxSecretSize.
Result<std::string> read_secret_file(const std::filesystem::path& file);

// Readable by the owner only, from the first byte on. Whole or not there, whenever the process ends: written aside,
// synced, renamed over what is there.
Status write_secret_file(const std::filesystem::path& file, const std::string& content);
// Whether the file is there; an empty one is what a crash left of one that was being made.
bool holds_secret(const std::filesystem::path& file);

}  // namespace binrelay
