// binrelay ls: the stored binlog files, with what each adds.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "storage/archive.h"
#include "tools/console.h"
#include "tools/stream_directory.h"
#include "tools/subcommands.h"

namespace binrelay {
namespace {

nlohmann::json as_json(const SegmentListing& listing) {
  const Segment& segment = *listing.segment;
  return {{"file", segment.served_name},
          {"source_file", segment.source_name},
          {"generation", segment.generation},
          {"segment", raw(segment.number)},
          {"size", listing.size},
          {"sealed", segment.sealed},
          {"checksum", to_text(segment.checksum)},
          {"transactions", listing.transactions},
          {"events", listing.events},
          {"created", time_text(segment.created_at)},
          {"first_time", time_text(listing.first_timestamp)},
          {"last_time", time_text(listing.last_timestamp)},
          {"previous_gtids", to_text(segment.previous)},
          {"added_gtids", to_text(listing.added)},
          {"from_index", listing.from_index}};
}

void print_text(const std::vector<SegmentListing>& listings) {
  TextTable table({"file", "bytes", "transactions", "events", "first", "last", "checksum", "state"});
  for (const std::size_t column : {1, 2, 3}) table.align_right(column);
  std::uint64_t bytes = 0, transactions = 0;
  for (const SegmentListing& listing : listings) {
    table.add({listing.segment->served_name, std::to_string(listing.size), std::to_string(listing.transactions),
               std::to_string(listing.events), time_text(listing.first_timestamp), time_text(listing.last_timestamp),
               to_text(listing.segment->checksum), listing.segment->sealed ? "sealed" : "active"});
    bytes += listing.size;
    transactions += listing.transactions;
  }
  const std::vector<std::string> lines = table.lines();
  std::fputs(lines.front().c_str(), stdout);
  for (std::size_t i = 0; i < listings.size(); ++i) {
    std::fputs(lines[i + 1].c_str(), stdout);
    const std::string previous = to_text(listings[i].segment->previous), added = to_text(listings[i].added);
    if (!previous.empty()) std::printf("    previous %s\n", previous.c_str());
    if (!added.empty()) std::printf("    added    %s\n", added.c_str());
  }
  std::printf("%s, %s, %s\n", count_text(listings.size(), "file", "files").c_str(), size_text(bytes).c_str(),
              count_text(transactions, "transaction", "transactions").c_str());
}

Result<std::vector<SegmentListing>> read_listings(const ArchiveOptions& options) {
  BINRELAY_ASSIGN(const std::filesystem::path directory, find_stream_directory(options));
  BINRELAY_ASSIGN(const Archive archive, Archive::open(directory));
  ProgressReport progress("reading");
  return archive.list(progress.callback());
}

}  // namespace

int list_files(const ArchiveOptions& options) {
  const Result<std::vector<SegmentListing>> listings = read_listings(options);
  if (!listings.ok()) return problem(listings.error());
  if (options.json) {
    auto files = nlohmann::json::array();
    for (const SegmentListing& listing : *listings) files.push_back(as_json(listing));
    print_json({{"files", std::move(files)}});
  } else {
    print_text(*listings);
  }
  return kExitOk;
}

}  // namespace binrelay
