#pragma once
// StreamFiles: the only place that spells a file name of a stream's directory.
//
//   <directory>/FORMAT                                 "binrelay log 1\n": who wrote this and in which version
//   <directory>/LOCK                                   held by the process that may write
//   <directory>/journal                                storage/journal/journal_format.h
//   <directory>/journal.copy                           storage/journal/journal_copy.h
//   <directory>/segments/<generation>/<source name>    raw binlog, byte for byte
//   <directory>/index/                                 RocksDB, disposable
//   <directory>/consumers                              whom retention waits for, disposable
//   <directory>/switch-source                          the operator's order to follow another source
//   <any of these>.broken-<n>                          the tail recovery cut off, kept for whoever wants to look
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/result.h"
#include "storage/file/disk.h"

namespace binrelay {

struct StreamFiles {
  std::filesystem::path directory;

  std::filesystem::path format() const { return directory / "FORMAT"; }
  std::filesystem::path lock() const { return directory / "LOCK"; }
  std::filesystem::path journal() const { return directory / "journal"; }
  std::filesystem::path index() const { return directory / "index"; }
  std::filesystem::path consumers() const { return directory / "consumers"; }
  std::filesystem::path switch_order() const { return directory / "switch-source"; }
  std::filesystem::path segments() const { return directory / "segments"; }
  std::filesystem::path generation(std::uint32_t number) const { return segments() / std::to_string(number); }
  std::filesystem::path segment(std::uint32_t generation_number, std::string_view source_name) const {
    return generation(generation_number) / source_name;
  }
  // As findings name it: relative to the stream's directory.
  std::string relative(const std::filesystem::path& path) const { return path.lexically_relative(directory).string(); }
};

inline constexpr std::string_view kFormatText = "binrelay log 1\n";
// Errc::not_found: no FORMAT; Errc::unsupported: of a newer version; Errc::malformed: not ours.
Status check_format(const Disk& disk, const StreamFiles& files);

// The first name of the form <path>.broken-<n> that is free.
std::filesystem::path free_broken_name(const std::filesystem::path& path);
bool is_broken_name(std::string_view file_name);
// "binlog.000042": "binlog".
std::string_view base_name_of(std::string_view binlog_name);
// "binlog.000042": 42. nullopt: the name ends in no number.
std::optional<std::uint64_t> number_in(std::string_view binlog_name);

// How a source's file names read towards consumers: one monotonic series, whatever the files are called there.
struct ServedNames {
  std::string base;
  std::int64_t number_offset = 0;
  // The source's own name while nothing differs; so is a name without a number.
  std::string of(std::string_view source_name) const;
};

}  // namespace binrelay
