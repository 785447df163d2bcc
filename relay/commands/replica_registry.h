#pragma once
// ReplicaRegistry: every connection of a stream, for SHOW PROCESSLIST, SHOW REPLICAS, KILL, `binrelay status` and the
// rule that a new dump of the same replica ends the older one.
// Thread: any (one mutex). Owner: Stream. Sessions enter at login and leave when they end.
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "protocol/ids.h"

namespace binrelay {

inline constexpr std::size_t kMaxDeparted = 1000;

// Why a connection is ended by another.
enum class EndReason : std::uint8_t { killed, query_killed, replaced_by_same_replica, shutdown };

struct ConnectionEntry {
  std::uint32_t id = 0;
  std::string user, host, database, program;  // host as "address:port"
  std::string command = "Sleep";              // Sleep, Query, Binlog Dump, Binlog Dump GTID
  std::string state, info;
  std::int64_t since = 0;  // unix seconds of the last change of `command`
  std::int64_t connected_since = 0;
  // of a registered or dumping replica
  bool registered = false;
  ServerId server_id{};
  std::string uuid;  // @replica_uuid, "" = none
  std::string report_host;
  std::uint16_t report_port = 0;
  std::uint32_t source_id = 0;
  // of a dump, moved by the session without the lock
  struct Progress {
    std::atomic<std::uint64_t> segment{0}, offset{0}, sent_bytes{0};
    std::atomic<std::uint64_t> needed{0};      // the oldest segment that it may ask for again
    std::atomic<std::uint32_t> event_time{0};  // unix seconds, of the last event; 0: none yet
    std::atomic<std::int64_t> moved_at{0};     // unix seconds: something was sent
  };
  std::shared_ptr<Progress> progress;  // null unless dumping
  bool ends_by_itself = false;         // a dump that was asked to stop at the end of the log
  // Retention remembers it when it has gone: a dump of somebody with a name, who will want what follows.
  bool will_be_back() const { return progress && server_id != ServerId{0} && !ends_by_itself; }
};

class ReplicaRegistry {
 public:
  // `end` is called from any thread, without the lock, and must only post to the session. It may come while leave()
  // runs: it must not reach a session that is gone.
  std::uint32_t enter(ConnectionEntry entry, std::function<void(EndReason)> end);
  void leave(std::uint32_t id);
  void update(std::uint32_t id, const std::function<void(ConnectionEntry&)>& change);

  // Marks `id` as dumping and ends an older dump of the same replica: MySQL: same uuid, or same server_id when neither
  // has one; MariaDB: same server_id. Returns the connection that was ended.
  std::optional<std::uint32_t> begin_dump(std::uint32_t id, Flavour flavour, ServerId server_id, std::string uuid,
                                          bool gtid, std::shared_ptr<ConnectionEntry::Progress> progress);
  bool kill(std::uint32_t id, EndReason reason);  // false: no such connection
  void end_all(EndReason reason);
  std::vector<ConnectionEntry> list() const;  // copies, by id
  // Who has gone since the last call and will be back; the latest kMaxDeparted of them.
  std::vector<ConnectionEntry> take_departed();
  std::size_t size() const;

 private:
  struct Slot {
    ConnectionEntry entry;
    std::function<void(EndReason)> end;
  };
  mutable std::mutex mutex_;
  std::map<std::uint32_t, Slot> slots_;
  std::vector<ConnectionEntry> departed_;
  std::uint32_t next_id_ = 1;
};

}  // namespace binrelay
