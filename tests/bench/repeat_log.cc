// Makes a long log of a short one: writes the transactions at the beginning of a MySQL binary log again and again, as
// the files of a server that has gone on like this. What tells them apart goes up from file to file: GTIDs (of one
// server, numbers without gaps), times, names, places; the checksums are made anew.
//   repeat_log FILE BYTES COPIES FOLDER     FOLDER/binlog.000001 and so on, each at least BYTES of FILE's whole groups
// Prints the last number, and the times of the first and the last event.
#include <fcntl.h>
#include <isa-l/crc.h>
#include <sys/stat.h>

#include "tests/bench/bare_stream.h"

using namespace binrelay::bench;

namespace {

constexpr std::size_t kMagic = 4, kChecksum = 4, kWriteSize = 1u << 20;
// Event types, and where their fields are, behind the header of 19 bytes: GTID has flags, uuid and number.
constexpr unsigned char kRotate = 4, kGtid = 33, kPreviousGtids = 35;
constexpr std::size_t kTypeAt = 4, kSizeAt = 9, kEndAt = 13, kGtidUuidAt = kEventHeader + 1,
                      kGtidNumberAt = kGtidUuidAt + 16;
constexpr std::size_t kUuid = 16;

void put(unsigned char* at, std::uint64_t number, int bytes) {
  for (int i = 0; i < bytes; ++i) at[i] = static_cast<unsigned char>(number >> (8 * i));
}
std::uint64_t little64(const unsigned char* at) { return little(at, 4) | std::uint64_t{little(at + 4, 4)} << 32; }

using Event = std::vector<unsigned char>;

// The events that are repeated: of the head the format description alone, and whole groups.
struct Pattern {
  Event description;
  std::vector<unsigned char> events;  // one behind the other
  std::string uuid;
  std::uint64_t transactions = 0;
  std::uint32_t begin = 0, end = 0;  // seconds
};

std::vector<unsigned char> contents(const char* path) {
  const int file = ::open(path, O_RDONLY);
  struct stat status {};
  if (file < 0 || ::fstat(file, &status) != 0) die(path);
  std::vector<unsigned char> bytes(static_cast<std::size_t>(status.st_size));
  std::size_t filled = 0;
  while (filled < bytes.size()) {
    const ssize_t count = ::read(file, &bytes[filled], bytes.size() - filled);
    if (count <= 0) die(path);
    filled += static_cast<std::size_t>(count);
  }
  ::close(file);
  return bytes;
}

Pattern read_pattern(const char* path, std::size_t wanted) {
  const std::vector<unsigned char> file = contents(path);
  Pattern pattern;
  std::size_t first = 0, behind = 0;  // whole groups
  std::uint64_t groups = 0;           // begun
  for (std::size_t at = kMagic, size = 0; at + kEventHeader <= file.size() && behind - first < wanted; at += size) {
    const unsigned char* event = &file[at];
    size = little(event + kSizeAt, 4);
    if (size < kEventHeader || at + size > file.size()) break;
    if (at == kMagic) pattern.description.assign(event, event + size);
    if (event[kTypeAt] != kGtid) continue;
    if (groups++ == 0) {
      first = behind = at;
      pattern.begin = little(event, 4);
      pattern.uuid.assign(reinterpret_cast<const char*>(event + kGtidUuidAt), kUuid);
      if (little64(event + kGtidNumberAt) != 1) die("the first transaction is not number 1");
    } else {
      behind = at;  // the one before is whole
      pattern.transactions = groups - 1;
    }
    pattern.end = little(event, 4);
  }
  if (pattern.transactions == 0) die("no transactions");
  pattern.events.assign(&file[first], &file[behind]);
  return pattern;
}

// One file of the long log.
class LogFile {
 public:
  LogFile(const std::string& path, std::int64_t later) : later_(later) {
    file_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0640);
    if (file_ < 0) die(path.c_str());
    out_.assign({0xfe, 'b', 'i', 'n'});
  }
  // The event `bytes`, placed, dated and signed.
  void add(const unsigned char* bytes, std::size_t size, std::uint64_t number_later = 0) {
    const std::size_t begin = out_.size();
    out_.insert(out_.end(), bytes, bytes + size);
    unsigned char* event = &out_[begin];
    put(event, static_cast<std::uint64_t>(little(event, 4) + later_), 4);
    put(event + kEndAt, written_ + begin + size, 4);
    if (event[kTypeAt] == kGtid) put(event + kGtidNumberAt, little64(event + kGtidNumberAt) + number_later, 8);
    put(event + size - kChecksum, crc32_gzip_refl(0, event, size - kChecksum), 4);
    if (out_.size() >= kWriteSize) flush();
  }
  void add(unsigned char type, const unsigned char* like, const std::string& body) {
    Event event(like, like + kEventHeader);
    event.insert(event.end(), body.begin(), body.end());
    event.resize(event.size() + kChecksum);
    event[kTypeAt] = type;
    put(&event[kSizeAt], event.size(), 4);
    put(&event[kEndAt + 4], 0, 2);  // flags
    add(event.data(), event.size());
  }
  void end() {
    flush();
    ::close(file_);
  }

 private:
  void flush() {
    write_all(file_, out_.data(), out_.size());
    written_ += out_.size();
    out_.clear();
  }
  int file_;
  std::int64_t later_;
  std::uint64_t written_ = 0;
  std::vector<unsigned char> out_;
};

std::string number_text(std::uint64_t number, int bytes) {
  std::string text(static_cast<std::size_t>(bytes), '\0');
  put(reinterpret_cast<unsigned char*>(text.data()), number, bytes);
  return text;
}

// A set of MySQL's: its servers, each with intervals [first, behind the last).
std::string numbers_up_to(const std::string& uuid, std::uint64_t last) {
  if (last == 0) return number_text(0, 8);
  return number_text(1, 8) + uuid + number_text(1, 8) + number_text(1, 8) + number_text(last + 1, 8);
}

std::string file_name(int number) {
  char name[32];
  std::snprintf(name, sizeof name, "binlog.%06d", number);
  return name;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 5) return 2;
  const Pattern pattern = read_pattern(arguments[1], std::strtoull(arguments[2], nullptr, 10));
  const int copies = std::atoi(arguments[3]);
  const std::string folder = arguments[4];
  const std::int64_t took = pattern.end - pattern.begin + 1;
  std::uint64_t bytes = 0;
  for (int copy = 0; copy < copies; ++copy) {
    const std::uint64_t before = static_cast<std::uint64_t>(copy) * pattern.transactions;
    LogFile file(folder + "/" + file_name(copy + 1), (copy + 1 - copies) * took);  // the last one ends when FILE does
    file.add(pattern.description.data(), pattern.description.size());
    const unsigned char* last = pattern.events.data();
    file.add(kPreviousGtids, last, numbers_up_to(pattern.uuid, before));
    for (std::size_t at = 0; at < pattern.events.size();) {
      last = &pattern.events[at];
      const std::size_t size = little(last + kSizeAt, 4);
      file.add(last, size, before);
      at += size;
    }
    if (copy + 1 < copies) file.add(kRotate, last, number_text(kMagic, 8) + file_name(copy + 2));
    file.end();
    bytes += pattern.events.size();
  }
  std::printf("{\"last\": %llu, \"begin\": %lld, \"end\": %u, \"bytes\": %llu}\n",
              static_cast<unsigned long long>(pattern.transactions * static_cast<std::uint64_t>(copies)),
              static_cast<long long>(pattern.begin - (copies - 1) * took), pattern.end,
              static_cast<unsigned long long>(bytes));
}
