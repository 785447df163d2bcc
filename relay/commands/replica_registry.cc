#include "relay/commands/replica_registry.h"

#include <algorithm>
#include <ctime>
#include <utility>

namespace binrelay {
namespace {

bool equal_ignoring_case(const std::string& left, const std::string& right) {
  const auto lower = [](unsigned char c) { return c >= 'A' && c <= 'Z' ? c + 32 : +c; };
  return std::equal(left.begin(), left.end(), right.begin(), right.end(), [&](char a, char b) {
    return lower(static_cast<unsigned char>(a)) == lower(static_cast<unsigned char>(b));
  });
}

// The rule of mysqld's and mariadbd's sources, as their servers were seen to act.
bool is_same_replica(Flavour flavour, const ConnectionEntry& older, ServerId server_id, const std::string& uuid) {
  if (flavour == Flavour::mariadb) return older.server_id == server_id;
  if (older.uuid.empty() && uuid.empty()) return older.server_id == server_id;
  return equal_ignoring_case(older.uuid, uuid);
}

}  // namespace

std::uint32_t ReplicaRegistry::enter(ConnectionEntry entry, std::function<void(EndReason)> end) {
  const std::lock_guard lock(mutex_);
  // Ids wrap after 2^32 connections; one that still lives, and 0, are passed over.
  while (next_id_ == 0 || slots_.contains(next_id_)) ++next_id_;
  const std::uint32_t id = next_id_++;
  entry.id = id;
  slots_.emplace(id, Slot{std::move(entry), std::move(end)});
  return id;
}

void ReplicaRegistry::leave(std::uint32_t id) {
  const std::lock_guard lock(mutex_);
  const auto found = slots_.find(id);
  if (found == slots_.end()) return;
  ConnectionEntry& entry = found->second.entry;
  if (entry.will_be_back()) {
    if (departed_.size() == kMaxDeparted) departed_.erase(departed_.begin());
    departed_.push_back(std::move(entry));
  }
  slots_.erase(found);
}

std::vector<ConnectionEntry> ReplicaRegistry::take_departed() {
  const std::lock_guard lock(mutex_);
  return std::exchange(departed_, {});
}

void ReplicaRegistry::update(std::uint32_t id, const std::function<void(ConnectionEntry&)>& change) {
  const std::lock_guard lock(mutex_);
  const auto found = slots_.find(id);
  if (found != slots_.end()) change(found->second.entry);
}

std::optional<std::uint32_t> ReplicaRegistry::begin_dump(std::uint32_t id, Flavour flavour, ServerId server_id,
                                                         std::string uuid, bool gtid,
                                                         std::shared_ptr<ConnectionEntry::Progress> progress) {
  std::optional<std::uint32_t> ended;
  std::vector<std::function<void(EndReason)>> ends;
  {
    const std::lock_guard lock(mutex_);
    // Tools that read to the end and leave dump with server_id 0, several at once.
    if (server_id != ServerId{0}) {
      for (const auto& [other, slot] : slots_) {
        if (other == id || !slot.entry.progress || !is_same_replica(flavour, slot.entry, server_id, uuid)) continue;
        if (!ended) ended = other;
        ends.push_back(slot.end);
      }
    }
    const auto found = slots_.find(id);
    if (found != slots_.end()) {
      ConnectionEntry& entry = found->second.entry;
      entry.command = gtid ? "Binlog Dump GTID" : "Binlog Dump";
      entry.since = static_cast<std::int64_t>(std::time(nullptr));
      entry.server_id = server_id;
      entry.uuid = std::move(uuid);
      entry.progress = std::move(progress);
    }
  }
  for (const auto& end : ends) end(EndReason::replaced_by_same_replica);
  return ended;
}

bool ReplicaRegistry::kill(std::uint32_t id, EndReason reason) {
  std::function<void(EndReason)> end;
  {
    const std::lock_guard lock(mutex_);
    const auto found = slots_.find(id);
    if (found == slots_.end()) return false;
    end = found->second.end;
  }
  end(reason);
  return true;
}

void ReplicaRegistry::end_all(EndReason reason) {
  std::vector<std::function<void(EndReason)>> ends;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, slot] : slots_) ends.push_back(slot.end);
  }
  for (const auto& end : ends) end(reason);
}

std::vector<ConnectionEntry> ReplicaRegistry::list() const {
  const std::lock_guard lock(mutex_);
  std::vector<ConnectionEntry> entries;
  entries.reserve(slots_.size());
  for (const auto& [id, slot] : slots_) entries.push_back(slot.entry);
  return entries;
}

std::size_t ReplicaRegistry::size() const {
  const std::lock_guard lock(mutex_);
  return slots_.size();
}

}  // namespace binrelay
