#include "relay/filter/shared_groups.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "relay/filter/filtered_cursor.h"
#include "relay/filter/rule_history.h"
#include "tests/relay/dump/sample_log.h"
#include "tests/support/made_groups.h"

namespace binrelay {
namespace {

using made::GroupMaker;
using made::MadeGroup;

struct SharedSetting {
  Flavour flavour = Flavour::mysql;
  ChecksumAlgorithm checksum = ChecksumAlgorithm::crc32;
  bool by_size = false;
};

// Every second, third, … of the tables is named.
std::vector<FilterRule> each_of_the_tables(std::uint64_t step) {
  std::vector<FilterRule> rules;
  for (const FilterRule& rule : made::made_rules()) {
    if (rule.id % step == 0) rules.push_back(rule);
  }
  return rules;
}

// A consumer that keeps what it is sent.
class Reader {
 public:
  Reader(SampleLog& log, LogPosition start, std::shared_ptr<const ConsumerView> view, bool by_size,
         std::shared_ptr<SharedGroups> shared)
      : cursor_(log.log(), LogCursor::open(log.log(), start).value(), std::move(view), by_size, std::move(shared)) {}

  void read_to_end() {
    for (;;) {
      if (const auto group = cursor_.next_group()) {
        keep(group->run.bytes);
        continue;
      }
      const CursorStep step = cursor_.next();
      if (const auto* event = std::get_if<CursorEvent>(&step)) {
        keep(event->bytes);
        if (!event->whole) keep_pieces();
      } else if (std::holds_alternative<NeedsRead>(step)) {
        ASSERT_TRUE(cursor_.read(ReadMode::may_block).ok());
      } else if (std::holds_alternative<AtVisibleEnd>(step)) {
        cursor_.release_buffer();
        return;
      } else {
        ASSERT_TRUE(std::holds_alternative<SegmentEnd>(step)) << std::get<Error>(step).context;
      }
    }
  }
  const ByteBuffer& seen() const { return seen_; }
  LogPosition position() const { return cursor_.position(); }

 private:
  void keep(Bytes bytes) { seen_.insert(seen_.end(), bytes.begin(), bytes.end()); }
  void keep_pieces() {
    for (;;) {
      const PieceStep step = cursor_.next_piece();
      if (std::holds_alternative<NeedsRead>(step)) {
        ASSERT_TRUE(cursor_.read(ReadMode::may_block).ok());
        continue;
      }
      const Piece& piece = std::get<Piece>(step);
      keep(piece.bytes);
      if (piece.last) return;
    }
  }

  FilteredCursor cursor_;
  ByteBuffer seen_;
};

class SharingOf : public testing::TestWithParam<SharedSetting> {
 protected:
  SharingOf() {
    log_.open_file("binlog.000001", GetParam().checksum);
    rules_.add({{}, true, each_of_the_tables(2), {}});
  }
  std::shared_ptr<const ConsumerView> view(FilterCounters* counters = nullptr) {
    auto view = std::make_shared<ConsumerView>();
    view->rules_at = [this](LogPosition at) { return rules_.at(at); };
    view->counters = counters;
    return view;
  }
  std::unique_ptr<Reader> reader(std::shared_ptr<const ConsumerView> view, std::shared_ptr<SharedGroups> shared) {
    return std::make_unique<Reader>(log_, LogPosition{log_.number_of("binlog.000001"), begin_}, std::move(view),
                                    GetParam().by_size, std::move(shared));
  }
  LogPosition end() { return {log_.log().active_segment(), log_.end()}; }
  void commit() {
    maker_.offset = log_.end();
    log_.commit(maker_.group().events);
  }
  void begin_file(const std::string& name) {
    log_.sync();
    log_.begins_behind(log_.log().executed());
    log_.open_file(name, GetParam().checksum);
  }

  SampleLog log_{GetParam().flavour};
  GroupMaker maker_{GetParam().flavour, GetParam().checksum, 5};
  RuleHistory rules_{DefaultMonitor::none, [] { return 0; }};
  std::uint64_t begin_ = kFirstEventOffset;  // where readers do
};

TEST_P(SharingOf, EverybodyIsSentTheSame) {
  const auto view_of_all = view();
  const auto shared = std::make_shared<SharedGroups>();
  const auto alone = reader(view_of_all, nullptr);
  const auto first = reader(view_of_all, shared), second = reader(view_of_all, shared);
  const auto now_and_then = reader(view_of_all, shared);
  std::unique_ptr<Reader> late;
  std::size_t before_late = 0;

  for (int i = 0; i < 900; ++i) {
    if (i == 300) rules_.add({end(), true, each_of_the_tables(3), {}});
    if (i == 400) begin_file("binlog.000002");
    if (i == 600) rules_.add({end(), false, {{3, "db", "t2", true, true, true}}, {6}});
    if (i == 700) {
      late = std::make_unique<Reader>(log_, end(), view_of_all, GetParam().by_size, shared);
      before_late = alone->seen().size();
    }
    for (int groups = 0; groups <= i % 3; ++groups) commit();
    log_.sync();
    alone->read_to_end();
    (i % 2 == 0 ? first : second)->read_to_end();
    (i % 2 == 0 ? second : first)->read_to_end();
    if (i % 50 == 0) now_and_then->read_to_end();
    if (late && i % 2 == 0) late->read_to_end();
  }
  now_and_then->read_to_end();
  late->read_to_end();

  EXPECT_EQ(first->seen(), alone->seen());
  EXPECT_EQ(second->seen(), alone->seen());
  EXPECT_EQ(now_and_then->seen(), alone->seen());
  EXPECT_EQ(late->seen(),
            ByteBuffer(alone->seen().begin() + static_cast<std::ptrdiff_t>(before_late), alone->seen().end()));
  EXPECT_EQ(first->position(), end());
  EXPECT_EQ(second->position(), end());
  EXPECT_GT(shared->found(), 1000u);
  EXPECT_LE(shared->held_bytes(), SharedGroups::kMostBytes);
}

TEST_P(SharingOf, EveryConsumerCounts) {
  FilterCounters once, twice;
  const auto counted_once = view(&once), counted_twice = view(&twice);
  const auto shared = std::make_shared<SharedGroups>();
  const auto alone = reader(counted_once, nullptr);
  const auto first = reader(counted_twice, shared), second = reader(counted_twice, shared);
  for (int i = 0; i < 200; ++i) {
    commit();
    log_.sync();
    for (Reader* each : {alone.get(), first.get(), second.get()}) each->read_to_end();
  }
  EXPECT_GT(shared->found(), 100u);
  const auto expected = once.read();
  EXPECT_GT(expected.size(), 2u);
  for (const auto& [rule, count] : twice.read()) {
    const RuleTally& one = expected.at(rule).tally;
    EXPECT_EQ(count.tally.events_passed, 2 * one.events_passed);
    EXPECT_EQ(count.tally.bytes_dropped, 2 * one.bytes_dropped);
    EXPECT_EQ(count.tally.rows_passed, 2 * one.rows_passed);
  }
}

TEST_P(SharingOf, ConsumersOnSeveralThreadsAreSentTheSame) {
  const auto view_of_all = view();
  const auto shared = std::make_shared<SharedGroups>();
  const auto alone = reader(view_of_all, nullptr);
  std::vector<std::unique_ptr<Reader>> readers;
  for (int i = 0; i < 3; ++i) readers.push_back(reader(view_of_all, shared));
  {
    std::atomic<bool> over{false};
    std::vector<std::jthread> threads;
    for (const auto& each : readers) {
      threads.emplace_back([&over, reader = each.get()] {
        for (bool last = false; !last;) {
          last = over.load();
          reader->read_to_end();
          std::this_thread::yield();
        }
      });
    }
    for (int i = 0; i < 300; ++i) {
      commit();
      log_.sync();
    }
    over.store(true);
  }
  alone->read_to_end();
  for (const auto& each : readers) EXPECT_EQ(each->seen(), alone->seen());
}

INSTANTIATE_TEST_SUITE_P(Consumers, SharingOf,
                         testing::Values(SharedSetting{}, SharedSetting{Flavour::mysql, ChecksumAlgorithm::none, false},
                                         SharedSetting{Flavour::mysql, ChecksumAlgorithm::crc32, true},
                                         SharedSetting{Flavour::mariadb, ChecksumAlgorithm::crc32, false}),
                         [](const auto& info) {
                           return std::string(to_text(info.param.flavour)) + to_text(info.param.checksum) +
                                  (info.param.by_size ? "BySize" : "");
                         });

class GroupsAtTheEnd : public testing::Test {
 protected:
  std::shared_ptr<FilteredGroup> group(std::uint64_t begin, std::uint64_t end, std::size_t size = 100) {
    auto group = std::make_shared<FilteredGroup>();
    group->begin = {SegmentNumber{1}, begin};
    group->end = end;
    group->file = file_;
    group->rules = rules_;
    group->bytes.resize(size);
    return group;
  }
  std::shared_ptr<const FilteredGroup> find(std::uint64_t begin) {
    return groups_->find({SegmentNumber{1}, begin}, *file_, *rules_);
  }

  const std::shared_ptr<SharedGroups> groups_ = std::make_shared<SharedGroups>();
  const std::shared_ptr<SegmentBlocks> file_ =
      std::make_shared<SegmentBlocks>(1u << 20, 0, std::vector<std::uint32_t>());
  const std::shared_ptr<const RuleSet> rules_ =
      std::make_shared<const RuleSet>(std::vector<FilterRule>(), 0, DefaultMonitor::none);
};

TEST_F(GroupsAtTheEnd, AreKeptWhileTwoConsumersAreThere) {
  std::optional<SharedGroups::Member> first(groups_);
  EXPECT_FALSE(first->has_company());
  groups_->add(group(4, 100));
  EXPECT_EQ(find(4), nullptr);

  std::optional<SharedGroups::Member> second(groups_);
  EXPECT_TRUE(first->has_company());
  groups_->add(group(4, 100));
  groups_->add(group(100, 300));
  EXPECT_NE(find(4), nullptr);
  EXPECT_NE(find(100), nullptr);
  EXPECT_EQ(find(50), nullptr);

  first.reset();
  EXPECT_EQ(groups_->held_bytes(), 0u);
  EXPECT_EQ(find(4), nullptr);
}

TEST_F(GroupsAtTheEnd, AreOfTheSameRulesAndTheSameBytes) {
  const SharedGroups::Member first(groups_), second(groups_);
  groups_->add(group(4, 100));
  const RuleSet others({}, 0, DefaultMonitor::none);
  const SegmentBlocks anew(1u << 20, 0, {});
  EXPECT_EQ(groups_->find({SegmentNumber{1}, 4}, *file_, others), nullptr);
  EXPECT_EQ(groups_->find({SegmentNumber{1}, 4}, anew, *rules_), nullptr);
  EXPECT_EQ(groups_->find({SegmentNumber{2}, 4}, *file_, *rules_), nullptr);
}

TEST_F(GroupsAtTheEnd, OfALogThatWasCutAreForgotten) {
  const SharedGroups::Member first(groups_), second(groups_);
  groups_->add(group(4, 100));
  groups_->add(group(100, 300));
  const auto anew = std::make_shared<SegmentBlocks>(1u << 20, 0, std::vector<std::uint32_t>());
  auto written_again = group(100, 250);
  written_again->file = anew;
  groups_->add(written_again);
  EXPECT_EQ(groups_->find({SegmentNumber{1}, 100}, *anew, *rules_), written_again);
  EXPECT_EQ(find(4), nullptr);
}

TEST_F(GroupsAtTheEnd, AreFewAndSmall) {
  const SharedGroups::Member first(groups_), second(groups_);
  groups_->add(group(4, 100, SharedGroups::kLargestGroup + 1));
  EXPECT_EQ(find(4), nullptr);
  for (std::uint64_t i = 1; i <= 20; ++i) groups_->add(group(i * 100, i * 100 + 100, SharedGroups::kLargestGroup));
  EXPECT_LE(groups_->held_bytes(), SharedGroups::kMostBytes);
  EXPECT_NE(find(2000), nullptr);
  EXPECT_EQ(find(100), nullptr);
  groups_->add(group(1000, 1100));  // of one who is behind
  EXPECT_EQ(find(1000), nullptr);
}

}  // namespace
}  // namespace binrelay
