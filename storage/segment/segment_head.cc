#include "storage/segment/segment_head.h"

#include "protocol/check.h"

namespace binrelay {

Status SegmentHead::on_event(const EventHeader& header, Bytes event, std::uint64_t offset) {
  BINRELAY_CHECK(!complete_, "the head is read once");
  if (!described_) return on_format_description(header, event, offset);
  switch (header.type) {
    case EventType::mariadb_start_encryption:
      end_ = offset + header.size;
      return Done{};
    case EventType::previous_gtids: {
      BINRELAY_ASSIGN(MysqlGtidSet set, decode_previous_gtids(event, checksum()));
      previous_ = std::move(set);
      end_ = offset + header.size;
      break;
    }
    case EventType::mariadb_gtid_list: {
      BINRELAY_ASSIGN(const MariadbGtidList list, decode_mariadb_gtid_list(event, checksum()));
      previous_ = MariadbBinlogState::from_list(list.gtids);
      end_ = offset + header.size;
      break;
    }
    default:
      break;  // the head ended before this event
  }
  if (previous_ && previous_->index() != empty_state(flavour()).index()) {
    previous_.reset();
    end_ = offset;
    return Error{Errc::malformed,
                 "the list of earlier GTIDs at offset " + std::to_string(offset) + " is of the other server family"};
  }
  finish();
  return Done{};
}

Status SegmentHead::on_format_description(const EventHeader& header, Bytes event, std::uint64_t offset) {
  if (header.type != EventType::format_description || offset != kFirstEventOffset) {
    return Error{Errc::malformed, "a binlog file begins with a format description event"};
  }
  // The bit is outside the event's checksum and never on the wire; a stored one would be rot that no checksum shows.
  if (header.flags & kFlagBinlogInUse) return Error{Errc::malformed, "the format description has the IN_USE flag"};
  BINRELAY_ASSIGN(description_, decode_format_description(event));
  description_event_.assign(event.begin(), event.end());
  created_at_ = header.timestamp;
  end_ = offset + header.size;
  described_ = true;
  return Done{};
}

void SegmentHead::finish() { complete_ = described_; }

void SegmentHead::describe(Segment& segment, const GtidState& carried_over) const {
  segment.format_description = description_event_;
  segment.checksum = description_.checksum;
  segment.flavour = description_.flavour;
  segment.created_at = created_at_;
  segment.head_end = end_;
  segment.listed = previous_ ? *previous_ : carried_over;
  const GtidState& skip = segment.series->skip;
  segment.previous = skip.index() == segment.listed.index() ? joined(skip, segment.listed) : segment.listed;
}

}  // namespace binrelay
