#include "relay/retention/consumer_memory.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace binrelay {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxName = 100;  // of what a consumer says of itself

std::string bounded(const std::string& text) { return text.substr(0, kMaxName); }

std::string key_of(ServerId server_id, const std::string& uuid) {
  return uuid.empty() ? std::to_string(static_cast<std::uint32_t>(server_id)) : uuid;
}

std::string without_port(const std::string& host) { return host.substr(0, host.rfind(':')); }

std::optional<RememberedConsumer> consumer_of(const Json& value) {
  if (!value.is_object() || !value.contains("segment") || !value["segment"].is_number_unsigned()) return std::nullopt;
  const auto text = [&](const char* name) {
    return value.contains(name) && value[name].is_string() ? bounded(value[name].get<std::string>()) : std::string();
  };
  const auto number = [&](const char* name) {
    return value.contains(name) && value[name].is_number_integer() ? value[name].get<std::int64_t>() : 0;
  };
  RememberedConsumer consumer;
  consumer.server_id = ServerId{static_cast<std::uint32_t>(number("server_id"))};
  consumer.uuid = text("uuid");
  consumer.user = text("user");
  consumer.host = text("host");
  consumer.segment = SegmentNumber{value["segment"].get<std::uint64_t>()};
  consumer.last_seen = number("last_seen");
  return consumer;
}

}  // namespace

std::string to_text(const RememberedConsumer& consumer) {
  return "replica server_id " + std::to_string(static_cast<std::uint32_t>(consumer.server_id)) + " ('" + consumer.user +
         "' from " + consumer.host + ")";
}

void ConsumerMemory::update(const std::vector<ConnectionEntry>& departed, const std::vector<ConnectionEntry>& living,
                            std::int64_t now) {
  for (auto& [key, consumer] : consumers_) consumer.connected = false;
  for (const ConnectionEntry& entry : departed) note(entry, now, false);
  for (const ConnectionEntry& entry : living) {
    if (entry.will_be_back()) note(entry, now, true);
  }
}

void ConsumerMemory::note(const ConnectionEntry& entry, std::int64_t now, bool connected) {
  const std::string key = bounded(key_of(entry.server_id, entry.uuid));
  if (!consumers_.contains(key) && consumers_.size() >= kMaxRememberedConsumers) {
    consumers_.erase(std::min_element(consumers_.begin(), consumers_.end(), [](const auto& left, const auto& right) {
      return left.second.last_seen < right.second.last_seen;
    }));
  }
  changed_ = changed_ || !consumers_.contains(key);
  consumers_[key] = RememberedConsumer{entry.server_id,
                                       bounded(entry.uuid),
                                       bounded(entry.user),
                                       bounded(without_port(entry.host)),
                                       SegmentNumber{entry.progress->needed.load()},
                                       now,
                                       connected};
}

void ConsumerMemory::forget(std::uint64_t hold_seconds, SegmentNumber oldest, std::int64_t now) {
  const std::size_t forgotten = std::erase_if(consumers_, [&](const auto& entry) {
    const RememberedConsumer& consumer = entry.second;
    if (consumer.connected) return false;
    return consumer.segment < oldest || consumer.last_seen + static_cast<std::int64_t>(hold_seconds) <= now;
  });
  changed_ = changed_ || forgotten != 0;
}

const RememberedConsumer* ConsumerMemory::hindmost() const {
  const RememberedConsumer* found = nullptr;
  for (const auto& [key, consumer] : consumers_) {
    if (!consumer.connected && (found == nullptr || consumer.segment < found->segment)) found = &consumer;
  }
  return found;
}

std::vector<RememberedConsumer> ConsumerMemory::all() const {
  std::vector<RememberedConsumer> consumers;
  for (const auto& [key, consumer] : consumers_) consumers.push_back(consumer);
  return consumers;
}

std::vector<RememberedConsumer> ConsumerMemory::needing_before(SegmentNumber kept) const {
  std::vector<RememberedConsumer> found;
  for (const auto& [key, consumer] : consumers_) {
    if (!consumer.connected && consumer.segment < kept) found.push_back(consumer);
  }
  return found;
}

std::string ConsumerMemory::to_json() const {
  auto consumers = Json::array();
  for (const auto& [key, consumer] : consumers_) {
    consumers.push_back({{"server_id", static_cast<std::uint32_t>(consumer.server_id)},
                         {"uuid", consumer.uuid},
                         {"user", consumer.user},
                         {"host", consumer.host},
                         {"segment", raw(consumer.segment)},
                         {"last_seen", consumer.last_seen}});
  }
  return consumers.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

void ConsumerMemory::from_json(std::string_view text, SegmentNumber oldest) {
  consumers_.clear();
  const Json parsed = Json::parse(text, nullptr, false);
  if (!parsed.is_array()) return;
  for (const Json& value : parsed) {
    if (consumers_.size() == kMaxRememberedConsumers) return;
    auto consumer = consumer_of(value);
    if (!consumer) continue;
    consumer->segment = std::max(consumer->segment, oldest);
    consumers_[key_of(consumer->server_id, consumer->uuid)] = *consumer;
  }
}

}  // namespace binrelay
