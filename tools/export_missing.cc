// binrelay export --missing-on: the transactions a source lacks, as a binlog file: a stored format description and the
// transactions' stored bytes. Where the source's format changed, by a new version or another checksum, another file is
// begun: mysqlbinlog takes several, but cannot apply a second format description behind a GTID.
#include <cstdio>
#include <fstream>

#include "protocol/event/events.h"
#include "storage/file/disk.h"
#include "storage/segment/segment_head.h"
#include "tools/console.h"
#include "tools/source_comparison.h"
#include "tools/subcommands.h"

namespace binrelay {
namespace {

class Exporter {
 public:
  Exporter(const GtidState& held_there, std::string output) : held_there_(held_there), output_(std::move(output)) {}

  Status add(const Archive& archive, const Segment& segment) {
    copying_ = false;
    Status failed = Done{};
    BINRELAY_TRY(archive.events(segment, kFirstEventOffset, [&](const ArchivedEvent& event) {
      failed = on_event(segment, event);
      return failed.ok();
    }));
    return failed;
  }
  Status finish() {
    if (files_.empty()) return Done{};
    out_.close();
    if (!out_) return Error{Errc::io, "writing " + files_.back() + " failed"};
    return Done{};
  }
  std::uint64_t transactions() const { return transactions_; }
  const std::vector<std::string>& files() const { return files_; }

 private:
  Status on_event(const Segment& segment, const ArchivedEvent& event) {
    const bool begins = event.place == BoundaryPlace::group_begin || event.place == BoundaryPlace::group_whole;
    if (event.place == BoundaryPlace::outside) return Done{};
    if (begins) {
      BINRELAY_ASSIGN(copying_, wanted(segment, event));
      transactions_ += copying_;
    }
    if (!copying_) return Done{};
    if (begins) BINRELAY_TRY(describe(segment));
    if (!event.bytes.empty()) {
      write(event.bytes);
      return Done{};
    }
    return copy_large(segment, event);
  }

  Result<bool> wanted(const Segment& segment, const ArchivedEvent& event) const {
    std::optional<AnyGtid> gtid;
    if (event.header.type == EventType::mariadb_gtid) {
      BINRELAY_ASSIGN(const auto head, decode_mariadb_gtid(event.bytes, segment.checksum));
      gtid = head.gtid;
    } else if (event.header.type == EventType::gtid || event.header.type == EventType::gtid_tagged) {
      BINRELAY_ASSIGN(const auto head, decode_mysql_gtid(event.bytes, segment.checksum));
      gtid = head.gtid;
    }
    return gtid && !segment.series->skips(gtid) && !contains(held_there_, *gtid);
  }

  Status describe(const Segment& segment) {
    BINRELAY_ASSIGN(const FormatDescription format, decode_format_description(segment.format_description));
    std::string name = format.server_version + (format.checksum == ChecksumAlgorithm::crc32 ? " with" : " without");
    if (name == format_) return Done{};
    BINRELAY_TRY(finish());
    format_ = std::move(name);
    files_.push_back(files_.empty() ? output_ : output_ + "." + std::to_string(files_.size() + 1));
    if (Disk::exists(files_.back())) return Error{Errc::conflict, files_.back() + " exists"};
    out_.open(files_.back(), std::ios::binary);
    write(kBinlogMagic);
    write(segment.format_description);
    return Done{};
  }

  Status copy_large(const Segment& segment, const ArchivedEvent& event) {
    BINRELAY_ASSIGN(const File file, Disk().open_for_reading(segment.path));
    ByteBuffer chunk(1u << 20);
    for (std::uint64_t done = 0; done < event.header.size;) {
      const std::size_t most = std::min<std::uint64_t>(chunk.size(), event.header.size - done);
      BINRELAY_ASSIGN(const std::size_t got, file.read_at(event.offset + done, std::span(chunk).first(most)));
      if (got == 0) return Error{Errc::io, segment.path.string() + " became shorter while it was read"};
      write(Bytes(chunk).first(got));
      done += got;
    }
    return Done{};
  }

  void write(Bytes bytes) {
    out_.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }

  const GtidState& held_there_;
  const std::string output_;
  std::vector<std::string> files_;  // written so far; `out_` is the last
  std::ofstream out_;
  std::string format_;    // of the last
  bool copying_ = false;  // inside a group that goes out
  std::uint64_t transactions_ = 0;
};

}  // namespace

int export_missing(const SourceChangeOptions& options) {
  const auto compared = compare_source(options);
  if (!compared.ok()) return problem(compared.error());
  if (is_empty(compared->missing)) {
    std::printf("%s lacks nothing of what the relay holds: nothing is written\n", to_text(compared->address).c_str());
    return kExitOk;
  }
  Exporter exporter(compared->facts.executed, options.output);
  const std::uint32_t history = compared->archive.catalog().newest()->series->history;
  for (const auto& segment : compared->archive.catalog().segments()) {
    if (segment->series->history != history) continue;
    if (const Status added = exporter.add(compared->archive, *segment); !added.ok()) return problem(added.error());
  }
  if (const Status written = exporter.finish(); !written.ok()) return problem(written.error());
  std::string files;
  for (const std::string& file : exporter.files()) files += (files.empty() ? "" : " ") + file;
  std::printf("%s: %s that %s lacks: %s\nGive them to it: mysqlbinlog %s | mysql ...\n", files.c_str(),
              count_text(exporter.transactions(), "transaction", "transactions").c_str(),
              to_text(compared->address).c_str(), to_text(compared->missing).c_str(), files.c_str());
  return kExitOk;
}

}  // namespace binrelay
