#pragma once
// Archive: a read-only view of a stream's directory for tools, with or without a relay running on it: takes no lock,
// changes nothing. Thread: one. Everything on disk is untrusted.
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "protocol/event/event_header.h"
#include "protocol/event/transaction_boundary.h"
#include "protocol/gtid/gtid_state.h"
#include "protocol/result.h"
#include "storage/journal/journal_record.h"
#include "storage/segment/segment_catalog.h"
#include "storage/source_identity.h"

namespace binrelay {

// One row of `binrelay ls`.
struct SegmentListing {
  std::shared_ptr<const Segment> segment;
  GtidState added;                                        // GTIDs of whole groups in this file
  std::uint32_t first_timestamp = 0, last_timestamp = 0;  // of groups; 0 = none
  std::uint64_t transactions = 0, events = 0, size = 0;
  bool from_index = false;  // false: the file was scanned (all or behind the index)
};

// One event for `binrelay events`.
struct ArchivedEvent {
  const Segment* segment = nullptr;
  std::uint64_t offset = 0;
  EventHeader header;
  Bytes bytes;  // whole, or empty when larger than the visitor asked for
  Bytes front;  // `bytes`, or of a larger event its beginning
  BoundaryPlace place{};
};
inline constexpr std::uint64_t kArchiveEventBytes = 16u << 20;

struct Finding {
  std::string file;  // relative to the stream's directory
  std::uint64_t offset = 0;
  std::string problem;  // one sentence
};
struct VerifyReport {
  std::vector<Finding> findings;  // bounded by kMaxFindings
  std::uint64_t segments = 0, events = 0, transactions = 0, bytes = 0;
  std::uint64_t bytes_without_checksum = 0;  // of files with binlog_checksum=NONE that no digest covers
  bool index_checked = false;
};
inline constexpr std::size_t kMaxFindings = 100;

// bytes done, bytes in all
using Progress = std::function<void(std::uint64_t, std::uint64_t)>;

class Archive {
 public:
  // `not_before`, unix seconds: for a search by time. Files at the front of which the index says that they are all of
  // before are left out of the catalog, and of the others it has only the first ones until open_further(): heads of
  // files lie far apart on a disk. For events() only: of what the files contain together, the catalog then knows no
  // more than the first of them says itself.
  static Result<Archive> open(const std::filesystem::path& stream_directory,
                              std::optional<std::int64_t> not_before = std::nullopt);
  Archive(Archive&&) noexcept;
  ~Archive();

  // False: there are no more. Otherwise catalog() is another, which has more behind the same.
  Result<bool> open_further();

  const SegmentCatalog& catalog() const;
  std::size_t left_out() const;            // so many files
  std::vector<std::string> names() const;  // of all files, as consumers see them, in log order
  std::optional<SourceIdentity> source() const;
  const std::vector<RulesRecorded>& recorded_rules() const;  // in the order of their places
  // The name consumers see, of purged segments too; "" for one that never was.
  std::string served_name(SegmentNumber number) const;
  // What a source has to have to continue the log: its GTIDs, and on MySQL what its first source never had in a binlog.
  Result<GtidState> executed() const;
  Result<std::vector<SegmentListing>> list(const Progress& progress) const;
  Result<SegmentListing> listing_of(const std::shared_ptr<const Segment>& segment) const;
  // Where an event of `segment` can begin that is not of before `time`, unix seconds: by the index, without reading the
  // file. nullopt: nowhere.
  std::optional<std::uint64_t> begin_not_before(const Segment& segment, std::int64_t time) const;
  // Calls `visit` for each event of `segment` from `from_offset` on until it returns false. Damage is an error that
  // names its place, here and in a listing; only what is being written, or was when the relay died, is left out.
  Status events(const Segment& segment, std::uint64_t from_offset,
                const std::function<bool(const ArchivedEvent&)>& visit,
                std::uint64_t whole_up_to = kArchiveEventBytes) const;
  // Checksums, lengths, positions, group structure, PREVIOUS_GTIDS continuity from file to file, digests of sealed
  // segments, every journal record, index equals data. Works on a damaged directory: what cannot be opened is a
  // finding.
  static VerifyReport verify(const std::filesystem::path& stream_directory, const Progress& progress);

 private:
  struct State;
  explicit Archive(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Throws index/ away and builds it from journal and segments. Takes the lock: the relay must be stopped.
Status rebuild_index(const std::filesystem::path& stream_directory, const Progress& progress);

}  // namespace binrelay
