#pragma once
// ScriptedSource: an EventSource that serves binary log files from memory as a real source does (facts measured on
// MySQL 9.7 and MariaDB 10.11/11.8), and does wrong what a test tells it to.
#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "protocol/event/event_builder.h"
#include "protocol/event/event_checksum.h"
#include "protocol/event/events.h"
#include "protocol/packet/event_packets.h"
#include "relay/upstream/event_source.h"
#include "tests/golden/golden_samples.h"

namespace binrelay::test {

inline constexpr ServerId kSourceId{101};

struct ServedFile {
  std::string name;
  std::string content;
};

// Whole events, from offset 4 to the end; they point into `file`.
inline std::vector<golden::PlacedEvent> events_of(const ServedFile& file) {
  std::vector<golden::PlacedEvent> placed;
  for (std::uint64_t offset = kFirstEventOffset; offset < file.content.size();) {
    const Bytes rest = as_bytes(file.content).subspan(offset);
    const EventHeader header = decode_event_header(rest).value();
    placed.push_back({header, rest.first(header.size), offset});
    offset += header.size;
  }
  return placed;
}

// The events of a dump as they arrive, artificial ones included. `by_gtid`: the resent format description keeps its
// log_pos.
inline std::vector<ByteBuffer> dumped_events(const std::vector<ServedFile>& files, const std::string& file,
                                             std::uint64_t position, bool by_gtid = false) {
  std::vector<ByteBuffer> dump;
  ChecksumAlgorithm checksum = ChecksumAlgorithm::crc32;  // announced by the relay
  auto next = std::find_if(files.begin(), files.end(), [&](const ServedFile& each) { return each.name == file; });
  for (; next != files.end(); ++next, position = kFirstEventOffset) {
    const auto placed = events_of(*next);
    const Bytes description = placed.front().bytes;
    dump.push_back(build_fake_rotate(kSourceId, next->name, position, checksum));
    checksum = decode_format_description(description).value().checksum;
    if (position > kFirstEventOffset) {
      ByteBuffer resent = build_mid_file_format_description(description, !by_gtid);
      if (checksum == ChecksumAlgorithm::none) resent.back() ^= std::byte{0xff};  // stale there
      dump.push_back(std::move(resent));
    }
    for (const auto& event : placed) {
      if (event.offset >= position) dump.emplace_back(event.bytes.begin(), event.bytes.end());
    }
  }
  return dump;
}

class ScriptedSource final : public EventSource {
 public:
  std::vector<ServedFile> files;
  std::map<std::string, std::string> variables{{"server_id", "101"},
                                               {"log_bin", "ON"},
                                               {"lower_case_table_names", "0"},
                                               {"gtid_mode", "ON"},
                                               {"gtid_purged", ""},
                                               {"server_uuid", "e82d0442-e68f-11f1-be79-02fc00000001"},
                                               {"binlog_format", "ROW"},
                                               {"innodb_buffer_pool_size", "1"}};
  std::string version = "9.7.4";
  std::function<void(std::vector<ByteBuffer>&)> tamper;  // with what a dump sends
  std::uint32_t end_number = 0;                          // how the dump ends: an ERR packet, or the connection
  std::string end_text = "the source ended its stream";
  std::string refuse_statement;  // answered with 1227
  bool unreachable = false;
  std::uint32_t refuses_with = 0;   // connections, with that error
  std::uint64_t reported_size = 0;  // of every file; 0 = the true one
  // What was asked.
  std::vector<std::string> statements;
  std::vector<BinlogDump> dumps;
  int connects = 0;
  bool knows_semi_sync = false;
  bool asks_after_xid = true;  // with semi-sync
  std::vector<std::pair<std::string, std::uint64_t>> acknowledged;

  Status connect() override {
    ++connects;
    if (unreachable) return Error{Errc::connection, "it is away"};
    server_error_ = refuses_with;
    if (refuses_with != 0) return Error{Errc::refused, "it takes nobody (" + std::to_string(refuses_with) + ")"};
    return Done{};
  }
  void close() override { incoming_.clear(); }
  std::string server_version() const override { return version; }
  Result<Table> query(const std::string& statement) override {
    statements.push_back(statement);
    server_error_ = 0;
    if (statement == refuse_statement) {
      server_error_ = 1227;
      return Error{
          Errc::refused,
          statement + ": Access denied; you need (at least one of) the REPLICATION CLIENT privilege(s) (1227)"};
    }
    Table answer;
    if (statement == "SHOW GLOBAL VARIABLES") {
      answer.columns = {"Variable_name", "Value"};
      for (const auto& [name, value] : variables) answer.rows.push_back({name, value});
    } else if (statement.starts_with("SELECT @@global.gtid_")) {
      answer.columns = {statement.substr(statement.rfind(' ') + 1)};
      answer.rows.push_back({executed});
    } else if (statement == "SHOW BINARY LOGS") {
      answer.columns = {"Log_name", "File_size", "Encrypted"};
      for (const auto& file : files)
        answer.rows.push_back({file.name, std::to_string(reported_size ? reported_size : file.content.size()), "No"});
    } else if (statement.ends_with("STATUS")) {
      answer.columns = {"File", "Position"};
      answer.rows.push_back({files.back().name, std::to_string(files.back().content.size())});
    }
    return answer;
  }
  Status register_replica(ServerId, const std::string&, std::uint16_t) override { return Done{}; }
  Status start_dump(const BinlogDump& dump) override {
    dumps.push_back(dump);
    const std::string file = dump.file.empty() ? found_by_gtid : dump.file;
    std::vector<ByteBuffer> events = dumped_events(files, file, dump.position, dump.gtids.has_value());
    if (tamper) tamper(events);
    incoming_.assign(std::make_move_iterator(events.begin()), std::make_move_iterator(events.end()));
    return Done{};
  }
  Result<Bytes> next_event() override {
    server_error_ = 0;
    if (incoming_.empty()) {
      server_error_ = end_number;
      return Error{end_number == 0 ? Errc::connection : Errc::refused, end_text};
    }
    current_ = std::move(incoming_.front());
    incoming_.pop_front();
    return Bytes(current_);
  }
  Bytes packets_at_hand() override {
    ahead_.clear();
    for (std::size_t i = 0; i < std::min(reads_ahead, incoming_.size()); ++i) {
      const std::size_t payload = incoming_[i].size() + 1;
      for (const std::size_t byte : {payload & 0xff, payload >> 8 & 0xff, payload >> 16, i & 0xff, std::size_t{0}})
        ahead_.push_back(static_cast<std::byte>(byte));
      ahead_.insert(ahead_.end(), incoming_[i].begin(), incoming_[i].end());
    }
    return ahead_;
  }
  void pass_over(std::size_t bytes) override {
    for (; bytes > 0; incoming_.pop_front(), ++passed_over) bytes -= kBeforeEvent + incoming_.front().size();
  }
  bool more_at_hand() override { return !incoming_.empty(); }
  bool semi_sync_taken() const override { return knows_semi_sync && dumps.back().semi_sync; }
  bool ack_asked() const override {
    return semi_sync_taken() && asks_after_xid && decode_event_header(current_).value().type == EventType::xid;
  }
  Status acknowledge(const std::string& file, std::uint64_t position) override {
    acknowledged.emplace_back(file, position);
    return Done{};
  }
  std::uint32_t server_error() const override { return server_error_; }
  void interrupt() override {}

  std::size_t reads_ahead = 0;  // so many events lie ready in their packets
  std::size_t passed_over = 0;  // of them
  std::string executed;         // @@gtid_executed, or @@gtid_binlog_state
  std::string found_by_gtid;    // the file a dump without a name begins with

 private:
  std::deque<ByteBuffer> incoming_;
  ByteBuffer current_, ahead_;
  std::uint32_t server_error_ = 0;
};

}  // namespace binrelay::test
