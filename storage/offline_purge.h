#pragma once
// purge_offline: removes the oldest files of a log that no relay has open. The way out when one of them is damaged and
// no source has it any more. Thread: the caller's. Everything on disk is untrusted.
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "protocol/result.h"

namespace binrelay {

struct OfflinePurge {
  std::vector<std::string> files;  // their served names, oldest first
  std::uint64_t bytes = 0;         // that were on the disk
};

// `keep_from`: the served name of the first file that stays. As with every purge, what the files before it contained is
// remembered. Errc::not_found: there is no such file; Errc::conflict: a relay runs on the directory; Errc::checksum:
// the file that is to stay does not say what came before it.
Result<OfflinePurge> purge_offline(const std::filesystem::path& stream_directory, const std::string& keep_from);

}  // namespace binrelay
