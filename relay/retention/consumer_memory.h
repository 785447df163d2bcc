#pragma once
// ConsumerMemory: how far each consumer that names itself (server_id, uuid) has been sent the log, also when it is gone
// and when the relay has been restarted.
// Thread: none of its own; the owner serializes. Owner: Housekeeper.
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/ids.h"
#include "relay/commands/replica_registry.h"
#include "storage/segment/segment_catalog.h"

namespace binrelay {

struct RememberedConsumer {
  ServerId server_id{};
  std::string uuid;  // "" = none
  std::string user, host;
  SegmentNumber segment{};  // it may ask for this one again
  std::int64_t last_seen = 0;
  bool connected = false;
  friend bool operator==(const RememberedConsumer&, const RememberedConsumer&) = default;
};
std::string to_text(const RememberedConsumer& consumer);  // "replica server_id 7 ('user' from host)"

class ConsumerMemory {
 public:
  // What the registry knows now: `departed` are dumps that ended since the last time, `living` all connections.
  void update(const std::vector<ConnectionEntry>& departed, const std::vector<ConnectionEntry>& living,
              std::int64_t now);
  // Those that are gone for `hold_seconds`, and those whose segments are gone.
  void forget(std::uint64_t hold_seconds, SegmentNumber oldest, std::int64_t now);

  // The one that is gone and needs the oldest segment.
  const RememberedConsumer* hindmost() const;
  std::vector<RememberedConsumer> all() const;
  // Those that are gone and need a segment before `kept`.
  std::vector<RememberedConsumer> needing_before(SegmentNumber kept) const;

  std::string to_json() const;
  // What cannot be read is as if nothing was remembered; nobody of it is connected. Whose segment has been purged since
  // had come further than is written there: it needs `oldest`.
  void from_json(std::string_view text, SegmentNumber oldest = SegmentNumber{});
  // Whether somebody has been added or forgotten since the last call.
  bool take_changed() { return std::exchange(changed_, false); }

 private:
  void note(const ConnectionEntry& entry, std::int64_t now, bool connected);

  std::map<std::string, RememberedConsumer> consumers_;  // by uuid, or by server_id
  bool changed_ = false;
};

inline constexpr std::size_t kMaxRememberedConsumers = 1000;

}  // namespace binrelay
