// A binlog file of either family goes through the filter, group by group: it never crashes, what goes out is whole
// events with right checksums, two runs agree, by size nothing is lost or gained, and what is done at one look is what
// the two passes do.
#include "protocol/check.h"
#include "protocol/event/event_checksum.h"
#include "protocol/event/events.h"
#include "protocol/event/transaction_boundary.h"
#include "protocol/filter/group_rewrite.h"
#include "protocol/filter/plain_groups.h"

using namespace binrelay;

namespace {

const ViewRules& fuzz_rules() {
  static const ViewRules rules(
      std::make_shared<const RuleSet>(std::vector<FilterRule>{{1, "*", "*a*", true, false, true},
                                                              {2, "t*", "?", false, true, false},
                                                              {3, "shop", "*", true, true, true}},
                                      0, DefaultMonitor::none),
      std::make_shared<const AllowList>());
  return rules;
}

void rewrite(const std::vector<GroupEvent>& group, Flavour flavour) {
  std::uint64_t stored = 0;
  for (const GroupEvent& event : group) stored += event.header.size;
  for (int setting = 0; setting < 8; ++setting) {
    ViewOptions options;
    options.by_size = flavour == Flavour::mysql && (setting & 1) != 0;
    options.ddl = (setting & 2) != 0 ? DdlView::monitored : DdlView::all;
    options.statement_dml = StatementDml::drop;
    const bool emptied = (setting & 4) != 0;
    const auto out = rewrite_group(group, flavour, fuzz_rules(), options, emptied);
    if (!out.ok()) continue;
    std::uint64_t sent = 0;
    for (const ByteBuffer& event : *out) {
      const auto header = decode_event_header(event);
      BINRELAY_CHECK(header.ok() && header->size == event.size(), "what goes out is whole events");
      sent += event.size();
    }
    BINRELAY_CHECK(!options.by_size || sent == stored, "by size nothing is lost or gained");
    const auto again = rewrite_group(group, flavour, fuzz_rules(), options, emptied);
    BINRELAY_CHECK(again.ok() && *again == *out, "two runs agree");

    PlainGroups plain(flavour, group.front().checksum, fuzz_rules(), options);
    ByteBuffer at_one_look, in_two_passes;
    const auto found = plain.next({group.front().bytes.data(), stored}, group.front().offset, &at_one_look);
    if (!found) continue;
    for (const ByteBuffer& event : *out) in_two_passes.insert(in_two_passes.end(), event.begin(), event.end());
    BINRELAY_CHECK(at_one_look == in_two_passes, "one look and two passes agree");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes file = std::as_bytes(std::span(data, size));
  for (const Flavour flavour : {Flavour::mysql, Flavour::mariadb}) {
    for (const ChecksumAlgorithm checksum : {ChecksumAlgorithm::none, ChecksumAlgorithm::crc32}) {
      TransactionBoundary boundary;
      boundary.start_file(flavour, checksum);
      std::vector<GroupEvent> group;
      for (std::uint64_t offset = kFirstEventOffset; offset < file.size();) {
        const auto header = decode_event_header(file.subspan(offset));
        if (!header || header->size > file.size() - offset) break;
        const Bytes event = file.subspan(offset, header->size);
        const auto place = boundary.on_event(*header, event, offset);
        if (!place) break;
        if (*place != BoundaryPlace::outside) group.push_back({*header, offset, event, true, checksum});
        if (*place == BoundaryPlace::group_end || *place == BoundaryPlace::group_whole) {
          rewrite(group, flavour);
          group.clear();
        }
        offset += header->size;
      }
    }
  }
  return 0;
}
