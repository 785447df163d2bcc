#pragma once
// DataDirLock: holding it is the right to write to a stream's directory. An open-file-description lock (fcntl(2),
// F_OFD_SETLK): gone with the process, and it works between two logs of one process too.
//
// Thread: none. Owner: EventLog, or the rebuild of an index.
#include "protocol/result.h"
#include "storage/file/disk.h"

namespace binrelay {

class DataDirLock {
 public:
  // Errc::conflict when another holds it; the message names the holder's process.
  static Result<DataDirLock> take(const Disk& disk, const std::filesystem::path& lock_file);
  // Asks without taking. A missing or unreadable lock file counts as free.
  static bool is_held(const std::filesystem::path& lock_file);

 private:
  explicit DataDirLock(File file) : file_(std::move(file)) {}
  File file_;
};

}  // namespace binrelay
