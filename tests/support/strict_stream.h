#pragma once
// StrictStream reads the events of groups as a filter sends them, and complains of what replicas and mysqlbinlog let
// pass in silence: rows without their map, statements and groups without their end, sizes that do not add up.
#include <zstd.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "protocol/event/event_checksum.h"
#include "protocol/event/events.h"
#include "protocol/filter/group_judge.h"

namespace binrelay::made {

struct StrictReading {
  std::string complaint;                // "" = none
  std::vector<std::string> row_events;  // "t3 update"
  std::vector<std::string> texts;       // of QUERY events
  std::uint64_t bytes = 0;
  bool text_of_statement = false;  // a ROWS_QUERY or ANNOTATE came through
};

class StrictStream {
 public:
  StrictStream(Flavour flavour, ChecksumAlgorithm checksum) : flavour_(flavour), checksum_(checksum) {}

  // `by_size`: positions must add up from `begin` on.
  StrictReading group(const std::vector<ByteBuffer>& events, bool by_size, std::uint64_t begin) {
    reading_ = {};
    ended_ = one_statement_ = in_statement_ = false;
    maps_.clear();
    std::uint64_t length = 0, position = begin;
    for (std::size_t i = 0; i < events.size() && reading_.complaint.empty(); ++i) {
      const auto header = decode_event_header(events[i]);
      if (!header || header->size != events[i].size()) return complain("a header's size");
      if (checksum_ == ChecksumAlgorithm::crc32 && !event_checksum_holds(events[i])) return complain("a checksum");
      reading_.bytes += events[i].size();
      position += events[i].size();
      if (by_size && header->log_pos != static_cast<std::uint32_t>(position)) return complain("a position");
      if (i == 0) {
        length = head(events[i]);
      } else {
        event(*header, events[i], checksum_);
      }
    }
    if (!reading_.complaint.empty()) return std::move(reading_);
    if (in_statement_) return complain("a statement without its end");
    if (!ended_) return complain("a group without its end");
    if (length != 0 && length != reading_.bytes) return complain("the transaction length");
    return std::move(reading_);
  }

 private:
  StrictReading complain(std::string what) {
    if (reading_.complaint.empty()) reading_.complaint = std::move(what);
    return std::move(reading_);
  }
  void note(const char* what) {
    if (reading_.complaint.empty()) reading_.complaint = what;
  }

  std::uint64_t head(Bytes event) {
    if (flavour_ == Flavour::mysql) {
      const auto gtid = decode_mysql_gtid(event, checksum_);
      if (!gtid) return note("a GTID event"), 0;
      return gtid->transaction_length;
    }
    const auto gtid = decode_mariadb_gtid(event, checksum_);
    if (!gtid) return note("a GTID event"), 0;
    one_statement_ = (gtid->flags & (MariadbGtidEvent::kStandalone | MariadbGtidEvent::kCompletedXa)) != 0;
    return 0;
  }

  void event(const EventHeader& header, Bytes event, ChecksumAlgorithm checksum) {
    if (header.type == EventType::ignorable) return;
    if (ended_) return note("events behind the end of a group");
    if (header.type == EventType::table_map) {
      const auto map = decode_table_map(event, checksum);
      if (!map) return note("a table map");
      if (rows_in_statement_) return note("a map behind the first rows of its statement");
      in_statement_ = true;
      maps_[map->table_id] = std::string(map->table);
      return;
    }
    if (is_rows_event(header.type)) return rows(header, event, checksum);
    if (header.type == EventType::rows_query || header.type == EventType::mariadb_annotate_rows) {
      reading_.text_of_statement = true;
      return;
    }
    if (in_statement_ && rows_in_statement_) return note("a statement without its end");
    in_statement_ = false;
    maps_.clear();
    if (header.type == EventType::transaction_payload) return payload(event);
    if (header.type == EventType::xid || header.type == EventType::xa_prepare) ended_ = true;
    if (header.type == EventType::query) {
      const auto query = decode_query(event, checksum);
      if (!query) return note("a query");
      reading_.texts.emplace_back(query->text);
      const std::string_view text = query->text;
      const bool opens = text == "BEGIN" || text.starts_with("XA START");
      const bool inside = text.starts_with("SAVEPOINT") || text.starts_with("XA END");
      if (opens) begun_ = true;
      if (text == "COMMIT") ended_ = true, begun_ = false;
      if (!opens && !inside && text != "COMMIT" && (one_statement_ || (flavour_ == Flavour::mysql && !begun_)))
        ended_ = true;
    }
    if (ended_) begun_ = false;
  }

  void rows(const EventHeader& header, Bytes event, ChecksumAlgorithm checksum) {
    const auto head = decode_rows_head(event, checksum);
    if (!head) return note("a rows event");
    const auto map = maps_.find(head->table_id);
    if (map == maps_.end()) return note("rows without their map");
    const auto operation = *row_operation(header.type);
    const char* name = operation == RowOperation::insert   ? "insert"
                       : operation == RowOperation::update ? "update"
                                                           : "delete";
    reading_.row_events.push_back(map->second + " " + name);
    rows_in_statement_ = in_statement_ = true;
    if ((head->flags & 1) == 0) return;
    rows_in_statement_ = in_statement_ = false;
    maps_.clear();
  }

  void payload(Bytes event) {
    const auto view = decode_transaction_payload(event, checksum_);
    if (!view) return note("a payload");
    ByteBuffer plain(view->uncompressed_size);
    const std::size_t size = ZSTD_decompress(plain.data(), plain.size(), view->payload.data(), view->payload.size());
    if (size != plain.size()) return note("a payload's size");
    for (std::size_t at = 0; at < plain.size();) {
      const auto header = decode_event_header(Bytes(plain).subspan(at));
      if (!header || header->size > plain.size() - at) return note("an event in a payload");
      this->event(*header, Bytes(plain).subspan(at, header->size), ChecksumAlgorithm::none);
      at += header->size;
    }
  }

  const Flavour flavour_;
  const ChecksumAlgorithm checksum_;
  StrictReading reading_;
  std::map<std::uint64_t, std::string> maps_;
  bool ended_ = false, one_statement_ = false, in_statement_ = false, rows_in_statement_ = false, begun_ = false;
};

}  // namespace binrelay::made
