#pragma once
// EventSource: one connection to a source, as the upstream side needs it. MysqlSource is the real one; tests script
// theirs. Thread: the owner's, but for interrupt(). Every call may block up to the connection's read deadline. Errors:
// Errc::authentication (the source refuses the account), Errc::connection (unreachable, gone, silent for too long, end
// of the stream), Errc::refused (the source answered with an error), Errc::stopped (interrupted), Errc::malformed (not
// the protocol).
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/bytes.h"
#include "protocol/ids.h"
#include "protocol/result.h"

namespace binrelay {

// COM_BINLOG_DUMP, or with `gtids` COM_BINLOG_DUMP_GTID.
struct BinlogDump {
  std::string file{};
  std::uint64_t position = kFirstEventOffset;  // COM_BINLOG_DUMP takes 32 bits
  ServerId server_id{};
  bool semi_sync = false;             // offer to acknowledge
  bool until_end = false;             // the source ends the stream at the end of its log instead of waiting
  std::optional<ByteBuffer> gtids{};  // MysqlGtidSet::encode(): groups the source leaves out
};

// A result set as text.
struct Table {
  std::vector<std::string> columns;
  std::vector<std::vector<std::optional<std::string>>> rows;
  // nullopt: no such row or column, or NULL. Column names are compared without case.
  std::optional<std::string> at(std::size_t row, std::string_view column) const;
};

class EventSource {
 public:
  virtual ~EventSource() = default;

  virtual Status connect() = 0;  // closes what was open before
  virtual void close() = 0;
  virtual std::string server_version() const = 0;  // of the greeting, without MariaDB's "5.5.5-"
  virtual Result<Table> query(const std::string& statement) = 0;
  // Shows the relay in the source's SHOW REPLICAS.
  virtual Status register_replica(ServerId server_id, const std::string& host, std::uint16_t port) = 0;

  virtual Status start_dump(const BinlogDump& dump) = 0;
  // The next event, whole; valid until the next call. Waits for it; a source silent past the read deadline is
  // Errc::connection.
  virtual Result<Bytes> next_event() = 0;
  // Packets of the stream behind the last event, as they came (protocol/packet/event_packets.h), the last perhaps in
  // part. Whole ones may be passed over: next_event() does not hand them out then. Empty where nothing has been read
  // ahead, or packets are not what they are elsewhere. Valid until the next call of next_event().
  virtual Bytes packets_at_hand() { return {}; }
  virtual void pass_over([[maybe_unused]] std::size_t bytes) {}
  // True: next_event() will very likely not wait.
  virtual bool more_at_hand() = 0;

  // Semi-synchronous replication (MySQL manual, "Semisynchronous Replication"), once the first event of a dump with
  // `semi_sync` has come: whether the source knows it, and whether it asks to be told when the last event is safe.
  virtual bool semi_sync_taken() const = 0;
  virtual bool ack_asked() const = 0;
  // Everything before `position` of the source's `file` is safe.
  virtual Status acknowledge(const std::string& file, std::uint64_t position) = 0;

  // Number of the error packet behind the last failed call; 0: it did not come from the server.
  virtual std::uint32_t server_error() const = 0;

  // Any thread: makes a blocked call fail, and the calls after it until connect().
  virtual void interrupt() = 0;
};

}  // namespace binrelay
