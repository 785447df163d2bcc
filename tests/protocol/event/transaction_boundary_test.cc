// Groups that the golden samples do not hold: other versions, odd statements, what must be refused.
#include "protocol/event/transaction_boundary.h"

#include <gtest/gtest.h>

#include "protocol/event/events.h"
#include "tests/protocol/event/made_events.h"

namespace binrelay {
namespace {

using enum BoundaryPlace;
using Places = std::vector<BoundaryPlace>;

// A binlog told event by event; remembers where the boundary placed each.
class Told {
 public:
  explicit Told(Flavour flavour) { boundary_.start_file(flavour, ChecksumAlgorithm::crc32); }

  Told& event(EventType type, Bytes body) {
    const ByteBuffer made = made::event(type, body);
    const auto place = boundary_.on_event(decode_event_header(made).value(), made, offset_);
    offset_ += made.size();
    if (place) {
      places_.push_back(*place);
    } else if (!error_) {
      error_ = place.error();
    }
    return *this;
  }
  Told& event(EventType type) { return event(type, as_bytes("0123456789abcdef")); }
  Told& query(std::string_view text) { return event(EventType::query, made::query_body(text)); }
  Told& compressed_query() { return event(EventType::mariadb_query_compressed, made::query_body("\x81\x10...")); }
  Told& xid() { return event(EventType::xid, as_bytes("12345678")); }
  Told& rows() { return event(EventType::table_map).event(EventType::write_rows); }
  Told& gtid(std::uint64_t number) { return event(EventType::gtid, made::mysql_gtid_body(number)); }
  Told& gtid_of_length(std::uint64_t length) { return event(EventType::gtid, made::mysql_gtid_body(1, length)); }
  Told& anonymous() { return event(EventType::anonymous_gtid, made::mysql_gtid_body(0)); }
  Told& mariadb_gtid(std::uint8_t flags) { return event(EventType::mariadb_gtid, made::mariadb_gtid_body(7, flags)); }
  Told& incident() { return event(EventType::incident, as_bytes(std::string_view("\1\0\4lost", 7))); }

  const Places& places() const { return places_; }
  const std::optional<Error>& error() const { return error_; }
  const TransactionBoundary& boundary() const { return boundary_; }
  std::uint64_t offset() const { return offset_; }

 private:
  TransactionBoundary boundary_;
  std::uint64_t offset_ = kFirstEventOffset;
  Places places_;
  std::optional<Error> error_;
};

class Mysql57 : public testing::Test, public Told {
 protected:
  Mysql57() : Told(Flavour::mysql) {}
};

TEST_F(Mysql57, EndsATransactionAtItsXid) {
  gtid(5).query("BEGIN").rows().query("SAVEPOINT `commit`").query("ROLLBACK TO `commit`").rows().xid();
  EXPECT_EQ(places(), (Places{group_begin, group_middle, group_middle, group_middle, group_middle, group_middle,
                              group_middle, group_middle, group_end}));
  EXPECT_EQ(to_text(*boundary().gtid()), "00000000-0000-0000-0000-0000000000aa:5");
  EXPECT_EQ(boundary().group_begin_offset(), 4u);
}

TEST_F(Mysql57, EndsANotTransactionalGroupAtCommitOrRollback) {
  gtid(1).query("BEGIN").rows().query("COMMIT").gtid(2).query("BEGIN").query("INSERT …").query("ROLLBACK");
  EXPECT_EQ(places(), (Places{group_begin, group_middle, group_middle, group_middle, group_end, group_begin,
                              group_middle, group_middle, group_end}));
}

TEST_F(Mysql57, EndsADdlAtItsQuery) {
  gtid(1).query("CREATE TABLE t (id INT)").anonymous().query("DROP TABLE t");
  EXPECT_EQ(places(), (Places{group_begin, group_end, group_begin, group_end}));
  EXPECT_EQ(boundary().gtid(), std::nullopt);
}

TEST_F(Mysql57, EndsAnXaTransactionAtPrepareAndItsDecisionAtTheQuery) {
  gtid(1).query("XA START X'61',X'',1").rows().query("XA END X'61',X'',1").event(EventType::xa_prepare);
  gtid(2).query("XA COMMIT X'61',X'',1").gtid(3).query("XA ROLLBACK X'62',X'',1");
  EXPECT_EQ(places(), (Places{group_begin, group_middle, group_middle, group_middle, group_middle, group_end,
                              group_begin, group_end, group_begin, group_end}));
}

TEST_F(Mysql57, EndsAnIncidentsGroupAtTheIncident) {
  gtid(1).incident().gtid(2).query("BEGIN").incident().query("COMMIT");
  EXPECT_EQ(places(), (Places{group_begin, group_end, group_begin, group_middle, group_middle, group_end}));
}

TEST_F(Mysql57, EndsAnEmptyTransaction) {  // gtid_next to a number, BEGIN, COMMIT
  gtid(1).query("BEGIN").query("COMMIT");
  EXPECT_EQ(places(), (Places{group_begin, group_middle, group_end}));
}

TEST_F(Mysql57, ReadsGroupsWithoutAnyGtidEvent) {
  query("BEGIN").rows().xid().query("CREATE TABLE t (id INT)").event(EventType::intvar).query("INSERT …");
  EXPECT_EQ(places(),
            (Places{group_begin, group_middle, group_middle, group_end, group_whole, group_begin, group_end}));
}

TEST_F(Mysql57, PlacesFileEventsOutside) {
  event(EventType::previous_gtids).event(EventType::incident).event(EventType::rotate).event(EventType::stop);
  EXPECT_EQ(places(), (Places{outside, outside, outside, outside}));
}

TEST_F(Mysql57, RefusesAGtidInsideAGroup) {
  gtid(1).query("BEGIN").gtid(2);
  ASSERT_TRUE(error());
  EXPECT_EQ(error()->code, Errc::malformed);
}

TEST_F(Mysql57, RefusesTheEndOfAFileInsideAGroup) {
  gtid(1).query("BEGIN").event(EventType::rotate);
  EXPECT_TRUE(error());
}

TEST_F(Mysql57, RefusesRowsAndCommitsOutsideAGroup) {
  for (const EventType type :
       {EventType::xid, EventType::table_map, EventType::write_rows, EventType::transaction_payload}) {
    EXPECT_TRUE(Told(Flavour::mysql).event(type).error()) << event_type_name(type);
  }
}

TEST_F(Mysql57, RefusesAGtidOfTheOtherFamily) {
  EXPECT_TRUE(mariadb_gtid(0).error());
  EXPECT_TRUE(Told(Flavour::mariadb).gtid(1).error());
}

TEST_F(Mysql57, ForgetsAnOpenGroupAtTheNextFile) {
  gtid(1).query("BEGIN");
  TransactionBoundary next = boundary();
  next.start_file(Flavour::mysql, ChecksumAlgorithm::crc32);
  EXPECT_FALSE(next.in_group());
}

class Mysql80 : public testing::Test, public Told {
 protected:
  Mysql80() : Told(Flavour::mysql) {}
  static std::uint64_t size(EventType type, Bytes body) { return made::event(type, body).size(); }
  static std::uint64_t gtid_size() { return size(EventType::gtid, made::mysql_gtid_body(1, 100)); }
  static std::uint64_t query_size(std::string_view text) { return size(EventType::query, made::query_body(text)); }
};

TEST_F(Mysql80, BelievesTheLengthNotTheContent) {
  const std::uint64_t length = gtid_size() + 2 * query_size("CREATE TABLE t");
  gtid_of_length(length).query("CREATE TABLE t").query("CREATE TABLE t").gtid(1);
  EXPECT_EQ(places(), (Places{group_begin, group_middle, group_end, group_begin}));
}

TEST_F(Mysql80, TakesAGroupOfOneEvent) {
  gtid_of_length(gtid_size());
  EXPECT_EQ(places(), Places{group_whole});
  EXPECT_FALSE(boundary().in_group());
}

TEST_F(Mysql80, RefusesAnEventAcrossTheEndTheLengthGives) {
  EXPECT_TRUE(gtid_of_length(gtid_size() + 20).query("BEGIN").error());
}

TEST_F(Mysql80, RefusesALengthBelowTheEventItself) { EXPECT_TRUE(gtid_of_length(1).error()); }

TEST_F(Mysql80, EndsAGroupPastFourGigabytes) {  // offsets are 64 bits though log_pos is not
  TransactionBoundary boundary;
  boundary.start_file(Flavour::mysql, ChecksumAlgorithm::crc32);
  const std::uint64_t length = gtid_size() + query_size("COMMIT"), offset = (1ull << 32) - 10;
  const ByteBuffer begin = made::event(EventType::gtid, made::mysql_gtid_body(1, length));
  const ByteBuffer end = made::event(EventType::query, made::query_body("COMMIT"));
  EXPECT_EQ(boundary.on_event(decode_event_header(begin).value(), begin, offset).value(), group_begin);
  EXPECT_EQ(boundary.on_event(decode_event_header(end).value(), end, offset + begin.size()).value(), group_end);
}

TEST_F(Mysql80, NeedsOnlyTheHeadOfARowsEvent) {
  const ByteBuffer rows = made::event(EventType::write_rows, as_bytes(std::string(100, 'r')));
  TransactionBoundary boundary;
  boundary.start_file(Flavour::mysql, ChecksumAlgorithm::crc32);
  const ByteBuffer begin = made::event(EventType::gtid, made::mysql_gtid_body(1, gtid_size() + rows.size()));
  EXPECT_TRUE(boundary.on_event(decode_event_header(begin).value(), begin, 4).ok());
  const Bytes head = Bytes(rows).first(kEventHeaderSize);
  EXPECT_EQ(boundary.on_event(decode_event_header(head).value(), head, 4 + begin.size()).value(), group_end);
}

class Mariadb : public testing::Test, public Told {
 protected:
  using Flags = MariadbGtidEvent;
  Mariadb() : Told(Flavour::mariadb) {}
};

TEST_F(Mariadb, EndsATransactionAtXidCommitOrRollback) {
  mariadb_gtid(Flags::kTransactional).rows().xid();
  mariadb_gtid(0).event(EventType::mariadb_annotate_rows).rows().query("COMMIT");
  mariadb_gtid(0).compressed_query().query("ROLLBACK");
  EXPECT_EQ(places(), (Places{group_begin, group_middle, group_middle, group_end,                //
                              group_begin, group_middle, group_middle, group_middle, group_end,  //
                              group_begin, group_middle, group_end}));
}

TEST_F(Mariadb, EndsAStandaloneGroupAtItsQuery) {
  mariadb_gtid(Flags::kStandalone).query("CREATE TABLE t (id INT)").mariadb_gtid(Flags::kStandalone).compressed_query();
  mariadb_gtid(Flags::kStandalone)
      .event(EventType::intvar)
      .event(EventType::rand)
      .event(EventType::user_var)
      .query("INSERT …");
  mariadb_gtid(Flags::kStandalone).event(EventType::begin_load_query).event(EventType::append_block);
  event(EventType::execute_load_query, as_bytes(std::string(26, '\0') + std::string("\0LOAD DATA", 10)));
  ASSERT_FALSE(error().has_value()) << error()->context;
  EXPECT_EQ(places(), (Places{group_begin, group_end, group_begin, group_end,                    //
                              group_begin, group_middle, group_middle, group_middle, group_end,  //
                              group_begin, group_middle, group_middle, group_end}));
}

TEST_F(Mariadb, TakesTheBeginThatMariadb100Writes) {
  mariadb_gtid(0).query("BEGIN").query("INSERT …").xid();
  EXPECT_EQ(places(), (Places{group_begin, group_middle, group_middle, group_end}));
}

TEST_F(Mariadb, EndsTheDecisionOfAnXaTransactionEvenCompressed) {
  ByteWriter body;
  body.u64(7).u32(0).u8(Flags::kCompletedXa).u32(1).u8(1).u8(0).text("x");
  event(EventType::mariadb_gtid, body.view()).compressed_query();
  EXPECT_EQ(places(), (Places{group_begin, group_end}));
}

TEST_F(Mariadb, PlacesCheckpointsAndListsOutside) {
  event(EventType::mariadb_gtid_list)
      .event(EventType::mariadb_binlog_checkpoint)
      .event(EventType::mariadb_start_encryption);
  EXPECT_EQ(places(), (Places{outside, outside, outside}));
}

}  // namespace
}  // namespace binrelay
