#pragma once
// DumpReceiver: decides what each received event is: bytes of a file, something the source made up for the stream, or
// wrong. It keeps its own 64-bit offset in the file: log_pos is 32 bits wide and 0 inside MariaDB >= 11.4 transactions.
// Pure: knows no log and no socket. What is stored and what differs is found by whoever performs the steps.
// Rules: measured on MySQL 9.7, MariaDB 10.11 and 11.8; the relay always announces CRC32, MariaDB capability 4 and dump
// flag 2, so a source withholds nothing and an offset that does not add up is an error.
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>

#include "protocol/bytes.h"
#include "protocol/event/event_header.h"
#include "protocol/ids.h"
#include "protocol/packet/event_packets.h"
#include "protocol/result.h"

namespace binrelay {

// What the log already holds of the file the dump starts in.
struct StoredFile {
  std::uint64_t end = kFirstEventOffset;
  ByteBuffer format_description;
};

struct DumpStart {
  std::string file;
  std::uint64_t position = kFirstEventOffset;
  std::optional<StoredFile> stored;  // nullopt: the log does not have the file yet
};

struct PassOver {};  // the source made it for the stream
struct BeginFile {
  std::string name;
};  // what follows belongs to a file the log does not have
struct StoreEvent {
  Bytes event;
  std::uint64_t offset = 0;
};  // the next bytes of the file
struct CompareEvent {
  Bytes event;
  std::uint64_t offset = 0;
};  // stored already: must be the same bytes
using ReceiverStep = std::variant<PassOver, BeginFile, StoreEvent, CompareEvent>;

class DumpReceiver {
 public:
  explicit DumpReceiver(DumpStart start);

  // Errc::malformed: damaged or out of place; it must not be stored, and is to be fetched again. Errc::conflict: the
  // source's file is not the one the log holds. Views of the step point into `event`.
  Result<ReceiverStep> on_event(Bytes event);

  // The events at the front of `stream`, whole packets of it, that on_event() would have stored, and that are like
  // most: of a group, and with nothing to find fault with. At most kMostAtOnce of them, and valid as long as `stream`
  // and up to the next call. pass() is for those that were stored.
  std::span<const ArrivedEvent> next_run(Bytes stream, std::size_t most = kMostAtOnce);
  void pass(const ArrivedEvent& stored) { offset_ += stored.bytes.size(); }
  static constexpr std::size_t kMostAtOnce = 64;

  const std::string& file() const { return file_; }
  std::uint64_t offset() const { return offset_; }  // of the next event
  std::string place() const { return file_ + ":" + std::to_string(offset_); }
  // CompareEvent found other bytes.
  Error differs(std::uint64_t offset) const;

 private:
  Result<ReceiverStep> on_fake_rotate(Bytes event);
  Result<ReceiverStep> on_format_description(const EventHeader& header, Bytes event);
  Result<ReceiverStep> on_resent_format_description(Bytes event);
  Result<ReceiverStep> on_heartbeat(Bytes event) const;
  Result<ReceiverStep> on_file_event(const EventHeader& header, Bytes event);
  Status check_checksum(Bytes event) const;
  Error bad(std::string_view what) const;

  DumpStart start_;
  std::string file_;  // "" before the first fake ROTATE
  std::uint64_t offset_ = kFirstEventOffset;
  std::uint64_t stored_end_ = kFirstEventOffset;           // of file_
  ByteBuffer format_description_;                          // of file_, as stored; empty before it was received
  ChecksumAlgorithm checksum_ = ChecksumAlgorithm::crc32;  // of what comes next: our announcement, then the file's
  bool described_ = false;                                 // a format description has come since the last fake ROTATE
  std::array<ArrivedEvent, kMostAtOnce> run_;
};

}  // namespace binrelay
