#pragma once
// plan_dump: what a dump command and the session's variables ask for, checked against the log, before anything is sent.
// Thread: the session's; pure apart from reading the log's catalog and sets.
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "protocol/ids.h"
#include "protocol/packet/commands.h"
#include "protocol/packet/replies.h"
#include "relay/commands/session_state.h"
#include "relay/commands/statement_answers.h"
#include "relay/dump/dump_errors.h"
#include "relay/dump/group_skip.h"
#include "relay/filter/consumer_view.h"

namespace binrelay {

enum class AnnouncedChecksum : std::uint8_t { unset, none, crc32 };

inline constexpr std::uint16_t kFlagSkipReplication = 0x8000;  // MariaDB: written with @@skip_replication

inline constexpr std::chrono::nanoseconds kMinHeartbeatPeriod = std::chrono::milliseconds(1);
// mysqld's; more means none.
inline constexpr std::chrono::nanoseconds kMaxHeartbeatPeriod = std::chrono::seconds(4294967);

struct DumpPlan {
  LogPosition start;          // where the cursor opens, and what the first fake ROTATE says
  bool gtid_command = false;  // COM_BINLOG_DUMP_GTID: a mid-file FDE keeps its log_pos
  bool file_named = false;    // by that command: FDEs are sent as they are stored
  bool non_blocking = false;  // flag 1, or server_id 0: EOF at the visible end
  AnnouncedChecksum announced = AnnouncedChecksum::unset;  // the first fake ROTATE has a CRC when it is crc32
  std::chrono::nanoseconds heartbeat_period{0};            // 0: none
  bool heartbeat_v2 = false;
  bool send_annotate = true;      // false: MariaDB's ANNOTATE events are left out, or replaced: event_downgrade.h
  bool leave_out_marked = false;  // MariaDB, SET skip_replication=1: events with kFlagSkipReplication are left out
  int mariadb_capability = 4;     // below 4: relay/dump/event_downgrade.h
  GroupSkip skip;
  ServerId server_id{};
  std::string replica_uuid;  // "" = none announced
  // It has said what replicas say behind SET @master_binlog_checksum, but not that, or nothing at all: the client
  // library has opened a lost connection anew, and the replica does not know.
  bool session_was_lost = false;
  DumpPlace place;                             // first_file and first_position filled in; the dump moves the rest
  std::shared_ptr<const ConsumerView> view;    // nullptr: everything
  std::optional<SqlError> error_after_rotate;  // the fake ROTATE goes out, then this error
};

std::variant<DumpPlan, SqlError> plan_dump(const BinlogDumpCommand& command, const SessionState& session,
                                           const RelayView& relay);
std::variant<DumpPlan, SqlError> plan_dump(const BinlogDumpGtidCommand& command, const SessionState& session,
                                           const RelayView& relay);

// True: the consumer wants the file behind the newest one, which the relay does not have yet. It has read the newest to
// its ROTATE: after a crash it can be back before the relay has received the next file's first bytes again.
bool asks_for_coming_file(const std::string& file, std::uint64_t position, const SegmentCatalog& catalog);

// A client that announced no checksum cannot read a file that has them. Asked again at every segment the dump enters.
std::optional<SqlError> refuse_checksum(const DumpPlan& plan, const Segment& segment, const DumpPlace& place);

}  // namespace binrelay
