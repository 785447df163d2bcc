#include "relay/commands/served_gtids.h"

#include <algorithm>

namespace binrelay {
namespace {

GtidState with_purged_at_start(GtidState state, const SourceIdentity& source) {
  auto* set = std::get_if<MysqlGtidSet>(&state);
  if (!set || source.gtid_purged_at_start.empty()) return state;
  const auto purged = MysqlGtidSet::parse(source.gtid_purged_at_start);
  if (purged) set->add(*purged);
  return state;
}

}  // namespace

GtidState served_executed(const RelayView& relay) { return with_purged_at_start(relay.log->executed(), *relay.source); }

GtidState served_purged(const RelayView& relay) { return with_purged_at_start(relay.log->before_log(), *relay.source); }

VisibleEnd visible_end(const RelayView& relay) {
  // The position and the set are read one after the other; a transaction published in between shows as a position that
  // has moved.
  constexpr int kAttempts = 100;
  const EventLog& log = *relay.log;
  VisibleEnd end;
  LogPosition visible = log.ends().visible;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    end.executed = served_executed(relay);
    const LogPosition again = log.ends().visible;
    if (again == visible) break;
    visible = again;
  }
  const auto catalog = log.catalog();
  end.segment = catalog->find(visible.segment);
  end.offset = std::max(visible.offset, kFirstEventOffset);
  if (!end.segment) {
    end.segment = catalog->oldest();
    end.offset = kFirstEventOffset;
  }
  return end;
}

}  // namespace binrelay
