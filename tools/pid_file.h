#pragma once
// PidFile: `binrelay.pid` in the data directory names the process that serves from it. The file is locked while the
// process lives, so that a number left behind is never taken for a process. Thread: one.
#include <sys/types.h>

#include <filesystem>
#include <utility>

#include "protocol/result.h"

namespace binrelay {

class PidFile {
 public:
  static Result<PidFile> write(const std::filesystem::path& data_dir);
  PidFile(PidFile&& other) noexcept : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}
  PidFile& operator=(PidFile&&) = delete;
  ~PidFile();  // removes it

  // Errc::not_found: nobody serves from there.
  static Result<pid_t> find(const std::filesystem::path& data_dir);

 private:
  PidFile(std::filesystem::path path, int fd) : path_(std::move(path)), fd_(fd) {}
  std::filesystem::path path_;
  int fd_;
};

}  // namespace binrelay
