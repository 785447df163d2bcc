#pragma once
// What the journal can say. One struct a record type; encode and decode are exact inverses
// (tests/storage/journal_record_test.cc).
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "protocol/bytes.h"
#include "protocol/filter/filter_rules.h"
#include "protocol/gtid/gtid_state.h"
#include "protocol/gtid/uuid.h"
#include "protocol/ids.h"
#include "protocol/result.h"
#include "storage/source_identity.h"

namespace binrelay {

// The log was created; always the first record.
struct LogCreated {
  Uuid relay_uuid;
  ServerId relay_server_id{};
  friend bool operator==(const LogCreated&, const LogCreated&) = default;
};

struct SourceSeen {
  SourceIdentity identity;
  friend bool operator==(const SourceSeen&, const SourceSeen&) = default;
};

// A lineage of transactions begins; `reason` is what the operator or the relay knew.
struct HistoryBegun {
  std::uint32_t number = 1;
  std::string reason;
  friend bool operator==(const HistoryBegun&, const HistoryBegun&) = default;
};

// A series of files begins; the log's first has no other record. Served names are `base_name` and the source's number
// plus `number_offset`.
struct GenerationBegun {
  std::uint32_t number = 1;
  std::uint32_t history = 1;
  std::string base_name;
  std::int64_t number_offset = 0;
  GtidState skip;  // transactions the log already had: not served again from this generation
  friend bool operator==(const GenerationBegun&, const GenerationBegun&) = default;
};

// CRC32 of digest blocks first_block, first_block + 1, … of one segment; a segment's blocks are told once, in order.
struct DigestRun {
  std::uint64_t first_block = 0;
  std::vector<std::uint32_t> digests;
  friend bool operator==(const DigestRun&, const DigestRun&) = default;
};

// The end of a segment: every byte below `size` was on stable storage before this was written.
struct SegmentSeal {
  std::uint64_t size = 0;
  std::uint64_t last_boundary = 0;  // end of the last whole group
  GtidState added;                  // by whole groups
  DigestRun digests;                // up to the last block, which may be short
  friend bool operator==(const SegmentSeal&, const SegmentSeal&) = default;
};

// The next segment's file exists and holds the magic. Sealing the one before is part of the same record, so no crash
// can part the two.
struct SegmentOpened {
  SegmentNumber number{};
  std::uint32_t generation = 1;
  std::string source_name;
  std::uint64_t digest_block_bytes = 0;
  std::optional<SegmentSeal> sealed_before;  // of segment number - 1; nullopt for the first
  friend bool operator==(const SegmentOpened&, const SegmentOpened&) = default;
};

// How far the active segment was on stable storage; recovery scans from here.
struct DurableMark {
  SegmentNumber segment{};
  std::uint64_t boundary = 0;     // outside any group
  std::uint64_t group_begin = 0;  // of the last group before it
  GtidState added;                // by the groups before it
  DigestRun digests;              // of whole blocks before it
  std::uint32_t rest_digest = 0;  // CRC32 of what stands between these and the boundary
  friend bool operator==(const DurableMark&, const DurableMark&) = default;
};

// The log was closed in order: the active segment has exactly `end` bytes, all on stable storage.
struct CleanStop {
  SegmentNumber segment{};  // 0: none
  std::uint64_t end = 0;
  friend bool operator==(const CleanStop&, const CleanStop&) = default;
};

// The log was opened for writing after a clean stop, whose end no longer holds.
struct LogReopened {
  friend bool operator==(const LogReopened&, const LogReopened&) = default;
};

// The segments before `oldest` no longer count: their files are removed after this record is durable, and a crash in
// between leaves the rest to recovery.
struct SegmentsPurged {
  SegmentNumber oldest{};  // the first one kept
  GtidState before;        // what the files before it contained: gtid_purged
  friend bool operator==(const SegmentsPurged&, const SegmentsPurged&) = default;
};

// A later generation begins: who the source is from now on, and its first segment. One record, so no crash can part
// them.
struct SeriesOpened {
  std::optional<HistoryBegun> history;  // nullopt: the same history goes on
  GtidState abandoned;                  // with `history`: what the log had and this source does not
  GenerationBegun generation;
  SourceSeen source;
  SegmentOpened segment;
  friend bool operator==(const SeriesOpened&, const SeriesOpened&) = default;
};

// A column of the rule table, as the source describes it. Row events carry no names by themselves.
struct RuleTableColumn {
  std::string name, type, charset;  // of information_schema.columns; charset "" = none
  friend bool operator==(const RuleTableColumn&, const RuleTableColumn&) = default;
};

// What the filter rules became with the group that begins at `at`. Records at or behind `at` that stand before this one
// no longer count. One that changes nothing says that the rules are known up to `at`.
struct RulesRecorded {
  LogPosition at;
  LogPosition scan_from;  // where following the log has to begin again: `at`, or a prepared change before it
  bool complete = false;  // `rules` are all there are, and nothing before counts; otherwise they are added or replaced
  std::vector<FilterRule> rules;
  std::vector<std::uint64_t> removed;   // ids
  std::vector<RuleTableColumn> layout;  // with `complete` or after a change of the table; empty: as before
  std::string note;                     // how the rules before `at` were found; "" = nothing to say
  friend bool operator==(const RulesRecorded&, const RulesRecorded&) = default;
};

using JournalRecord = std::variant<LogCreated, SourceSeen, HistoryBegun, GenerationBegun, SegmentOpened, DurableMark,
                                   CleanStop, LogReopened, SegmentsPurged, SeriesOpened, RulesRecorded>;

// The type byte is the alternative's index + 1.
ByteBuffer encode_record_body(const JournalRecord& record);
Result<JournalRecord> decode_record_body(std::uint8_t type, Bytes body);
std::uint8_t record_type(const JournalRecord& record);

}  // namespace binrelay
