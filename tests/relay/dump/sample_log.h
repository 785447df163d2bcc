#pragma once
// SampleLog: a log in a temporary directory, filled group by group with small events of either flavour.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "protocol/check.h"
#include "protocol/event/event_builder.h"
#include "protocol/event/event_checksum.h"
#include "protocol/event/event_header.h"
#include "protocol/gtid/gtid_state.h"
#include "protocol/wire/byte_writer.h"
#include "relay/commands/statement_answers.h"
#include "storage/event_log.h"

namespace binrelay {

inline const std::string kSourceUuid = "11111111-2222-3333-4444-555555555555";
inline const std::string kOtherUuid = "99999999-8888-7777-6666-555555555555";

class SampleLog {
 public:
  explicit SampleLog(Flavour flavour, DiskFaults* faults = nullptr)
      : flavour_(flavour), previous_(empty_state(flavour)) {
    static int number = 0;
    directory_ = std::filesystem::temp_directory_path() /
                 ("binrelay-sample-" + std::to_string(getpid()) + "-" + std::to_string(++number));
    StorageOptions options;
    options.directory = directory_;
    options.faults = faults;
    RecoveryReport report;
    auto opened = EventLog::open(options, &report);
    BINRELAY_CHECK(opened.ok(), "the sample log opens");
    log_ = std::move(*opened);
    auto source = std::make_shared<SourceIdentity>();
    source->flavour = flavour;
    source->server_id = ServerId{kServer};
    if (flavour == Flavour::mysql) {
      source->version = "9.7.4";
      source->server_uuid = parse_uuid(kSourceUuid).value();
      source->gtid_mode = "ON";
    } else {
      source->version = "10.11.19-MariaDB-log";
    }
    source_ = source;
  }
  ~SampleLog() {
    log_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }

  // What came before the first file: gtid_purged.
  void begins_behind(GtidState state) { previous_ = std::move(state); }

  // A new file with its head; closes the one before.
  void open_file(const std::string& name, ChecksumAlgorithm checksum = ChecksumAlgorithm::crc32) {
    if (file_open_) append_rotate(name);
    ok(log_->open_segment(name));
    file_open_ = true;
    checksum_ = checksum;
    offset_ = kFirstEventOffset;
    append_format_description();
    if (const auto* set = std::get_if<MysqlGtidSet>(&previous_)) {
      append(EventType::previous_gtids, kServer, as_text(set->encode()));
    } else {
      append_gtid_list(std::get<MariadbBinlogState>(previous_).to_list());
    }
    ok(log_->sync());
  }

  // A transaction of three events; returns where it begins.
  std::uint64_t commit(const MysqlGtid& gtid) {
    const std::uint64_t begin = offset_;
    append_mysql_gtid(EventType::gtid, gtid);
    append_transaction_body(kServer);
    add(previous_, gtid);
    return begin;
  }
  // With so many events of that size inside.
  std::uint64_t commit_large(const std::string& uuid, std::uint64_t number, int events, std::size_t size) {
    const std::uint64_t begin = offset_;
    const MysqlGtid gtid{{parse_uuid(uuid).value(), ""}, number};
    append_mysql_gtid(EventType::gtid, gtid);
    append_begin(kServer);
    for (int i = 0; i < events; ++i)
      append(EventType::rows_query, kServer, std::string(size, static_cast<char>('a' + i % 26)));
    append_xid(kServer);
    add(previous_, gtid);
    return begin;
  }
  std::uint64_t commit(const std::string& uuid, std::uint64_t number) {
    return commit(MysqlGtid{{parse_uuid(uuid).value(), ""}, number});
  }
  std::uint64_t commit_anonymous() {
    const std::uint64_t begin = offset_;
    append_mysql_gtid(EventType::anonymous_gtid, {});
    append_transaction_body(kServer);
    return begin;
  }
  std::uint64_t commit(const MariadbGtid& gtid) {
    const std::uint64_t begin = offset_;
    ByteWriter body;
    body.u64(gtid.sequence).u32(gtid.domain).u8(0).zeros(6);
    append(EventType::mariadb_gtid, gtid.server, as_text(body.view()));
    append_transaction_body(gtid.server);
    add(previous_, gtid);
    return begin;
  }

  // A group that begins at end(). A file opened behind it is to be told what it added: begins_behind().
  void commit(const std::vector<ByteBuffer>& events) {
    for (const ByteBuffer& event : events) append(event);
  }

  // What was appended is durable and visible afterwards.
  void sync() { ok(log_->sync()); }

  std::uint64_t end() const { return offset_; }
  EventLog& log() { return *log_; }
  RelayView view() { return {log_.get(), &registry_, source_, 1000}; }
  ReplicaRegistry& registry() { return registry_; }
  SegmentNumber number_of(const std::string& name) { return log_->catalog()->find(name)->number; }
  void change_source(const std::function<void(SourceIdentity&)>& change) {
    auto copy = std::make_shared<SourceIdentity>(*source_);
    change(*copy);
    source_ = copy;
  }

  static constexpr std::uint32_t kServer = 7;

 private:
  static void ok(const Status& status) { BINRELAY_CHECK(status.ok(), status.error().context.c_str()); }

  void append(EventType type, std::uint32_t server, std::string_view body) {
    const bool sum = checksum_ == ChecksumAlgorithm::crc32;
    const auto size = static_cast<std::uint32_t>(kEventHeaderSize + body.size() + (sum ? kChecksumSize : 0));
    ByteWriter out;
    out.u32(1700000000)
        .u8(static_cast<std::uint8_t>(type))
        .u32(server)
        .u32(size)
        .u32(static_cast<std::uint32_t>(offset_ + size))
        .u16(0);
    out.text(body).zeros(sum ? kChecksumSize : 0);
    ByteBuffer event = std::move(out).take();
    if (sum) rewrite_event_checksum(event);
    append(event);
  }

  void append(Bytes event) {
    ok(log_->append(event));
    offset_ += event.size();
  }

  void append_format_description() {
    constexpr std::size_t kTypes = 172;
    std::string sizes(kTypes, '\0');
    sizes[1] = 13;  // query
    sizes[3] = 8;   // rotate
    sizes[18] = 8;  // table_map
    std::string version = flavour_ == Flavour::mysql ? "9.7.4" : "10.11.19-MariaDB-log";
    version.resize(50);
    ByteWriter body;
    body.u16(4).text(version).u32(1700000000).u8(kEventHeaderSize).text(sizes).u8(static_cast<std::uint8_t>(checksum_));
    const auto size = static_cast<std::uint32_t>(kEventHeaderSize + body.size() + kChecksumSize);
    ByteWriter out;
    out.u32(1700000000).u8(static_cast<std::uint8_t>(EventType::format_description)).u32(kServer).u32(size);
    out.u32(static_cast<std::uint32_t>(offset_ + size)).u16(0).bytes(body.view()).zeros(kChecksumSize);
    ByteBuffer event = std::move(out).take();
    rewrite_event_checksum(event);
    append(event);
  }

  void append_gtid_list(const std::vector<MariadbGtid>& gtids) {
    ByteWriter body;
    body.u32(static_cast<std::uint32_t>(gtids.size()));
    for (const MariadbGtid& gtid : gtids) body.u32(gtid.domain).u32(gtid.server).u64(gtid.sequence);
    append(EventType::mariadb_gtid_list, kServer, as_text(body.view()));
  }

  void append_mysql_gtid(EventType type, const MysqlGtid& gtid) {
    ByteWriter body;
    body.u8(1).bytes(std::as_bytes(std::span(gtid.source.uuid.bytes))).u64(gtid.number).u8(2).u64(0).u64(1);
    append(type, kServer, as_text(body.view()));
  }

  void append_transaction_body(std::uint32_t server) {
    if (flavour_ == Flavour::mysql) append_begin(server);
    append_xid(server);
  }

  void append_begin(std::uint32_t server) {
    ByteWriter begin;
    begin.u32(1).u32(0).u8(0).u16(0).u16(0).u8(0).text("BEGIN");
    append(EventType::query, server, as_text(begin.view()));
  }

  void append_xid(std::uint32_t server) {
    ByteWriter xid;
    xid.u64(1);
    append(EventType::xid, server, as_text(xid.view()));
  }

  void append_rotate(const std::string& next) {
    ByteWriter body;
    body.u64(kFirstEventOffset).text(next);
    append(EventType::rotate, kServer, as_text(body.view()));
  }

  const Flavour flavour_;
  GtidState previous_;  // what the next file will say came before
  std::filesystem::path directory_;
  std::unique_ptr<EventLog> log_;
  ReplicaRegistry registry_;
  std::shared_ptr<const SourceIdentity> source_;
  bool file_open_ = false;
  ChecksumAlgorithm checksum_ = ChecksumAlgorithm::crc32;
  std::uint64_t offset_ = kFirstEventOffset;
};

}  // namespace binrelay
