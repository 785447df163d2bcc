#pragma once
// read_secret_file: the one line of a password file. The file must not be readable by everybody.
#include <cstddef>
#include <filesystem>
#include <string>

#include "protocol/result.h"

namespace binrelay {

inline constexpr std::size_t kMaxSecretSize = 4096;

// Without its newline; an empty file is an empty password. Errc::io: cannot be read; Errc::refused: the world may read
// it, or it is no regular file; Errc::malformed: more than one line; Errc::limit: longer than kMaxSecretSize.
Result<std::string> read_secret_file(const std::filesystem::path& file);

}  // namespace binrelay
