#pragma once
#include <cstdint>
#include <filesystem>

namespace binrelay {

class DiskFaults;

enum class ServeAfter : std::uint8_t { fsync, write };

struct StorageOptions {
  std::filesystem::path directory;  // <data_dir>/<stream>; created when missing
  ServeAfter serve_after = ServeAfter::fsync;
  std::uint64_t write_buffer_bytes = 1u << 20;  // appended bytes held before they go to the file by themselves
  std::uint64_t index_block_bytes =
      1u << 20;  // a block record covers at least this many bytes of whole groups; 0: no index
  std::uint64_t digest_block_bytes = 1u << 20;  // sealed segments: one digest per this many bytes
  DiskFaults* faults = nullptr;                 // tests: makes the disk fail (storage/file/disk.h)
};

}  // namespace binrelay
