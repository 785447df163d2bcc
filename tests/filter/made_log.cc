// made_log mysql|mariadb by_gtid|by_file COUNT SEED LIKE OUT: writes COUNT made transactions, as a filter sends them,
// to the binary log file OUT, behind the format description of the file LIKE. Each is read strictly first: what is
// wrong is said, and ends it.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "protocol/filter/group_rewrite.h"
#include "tests/support/made_groups.h"
#include "tests/support/strict_stream.h"

namespace binrelay {
namespace {

constexpr ChecksumAlgorithm kChecksum = ChecksumAlgorithm::crc32;

std::string begin_of(const char* like) {
  std::ifstream in(like, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (bytes.size() < kFirstEventOffset) return {};
  const auto header = decode_event_header(as_bytes(bytes).subspan(kFirstEventOffset));
  return header ? bytes.substr(0, kFirstEventOffset + header->size) : std::string();
}

int complain(std::uint64_t number, const std::string& what) {
  std::fprintf(stderr, "transaction %llu: %s\n", static_cast<unsigned long long>(number), what.c_str());
  return 1;
}

int write_log(Flavour flavour, bool by_size, std::uint64_t count, std::uint64_t seed, const char* like,
              const char* path) {
  const ViewRules rules(std::make_shared<const RuleSet>(made::made_rules(), 0, DefaultMonitor::none),
                        std::make_shared<const AllowList>());
  ViewOptions options;
  options.by_size = by_size;
  made::GroupMaker maker(flavour, kChecksum, seed);
  made::StrictStream strict(flavour, kChecksum);
  const std::string begin = begin_of(like);
  maker.offset = begin.size();
  std::ofstream out(path, std::ios::binary);
  out.write(begin.data(), static_cast<std::streamsize>(begin.size()));
  std::uint64_t rows = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const made::MadeGroup group = maker.group();
    const auto sent = rewrite_group(group.as_input(kChecksum), flavour, rules, options);
    if (!sent) return complain(i, sent.error().context);
    const auto reading = strict.group(*sent, by_size, group.begin);
    if (!reading.complaint.empty()) return complain(i, reading.complaint);
    if (reading.row_events != group.row_events) return complain(i, "other rows");
    rows += reading.row_events.size();
    for (const ByteBuffer& event : *sent)
      out.write(reinterpret_cast<const char*>(event.data()), static_cast<std::streamsize>(event.size()));
  }
  std::printf("%llu\n", static_cast<unsigned long long>(rows));
  return out.flush() ? 0 : 1;
}

}  // namespace
}  // namespace binrelay

int main(int count, char** words) {
  if (count != 7) return 2;
  const bool mysql = std::string(words[1]) == "mysql";
  return binrelay::write_log(mysql ? binrelay::Flavour::mysql : binrelay::Flavour::mariadb,
                             std::string(words[2]) == "by_file", std::strtoull(words[3], nullptr, 10),
                             std::strtoull(words[4], nullptr, 10), words[5], words[6]);
}
