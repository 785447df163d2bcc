#include "storage/damage_at_open.h"

#include <gmock/gmock.h>

#include "tests/storage/log_bench.h"

namespace binrelay {
namespace {

using ::testing::HasSubstr;

class DamageAtOpenTest : public LogBench {
 protected:
  ~DamageAtOpenTest() override { log.reset(); }

  // binlog.000001 as it was stored; the log is closed, in order or as a crash leaves it.
  void store(bool clean) {
    use_dying_disk();
    options.index_block_bytes = 0;
    open();
    start_file("binlog.000001");
    append_transactions(20);
    ASSERT_OK(log->sync());
    if (clean) {
      close();
    } else {
      crash();
    }
    stored_ = read_file(segment_path("binlog.000001"));
  }
  void damage(std::size_t at) {
    ByteBuffer bytes = stored_;
    bytes.at(at) ^= std::byte{4};
    write_file(segment_path("binlog.000001"), bytes);
  }
  Status restore_from(const ByteBuffer& source) {
    const auto found = find_damage_at_open(options);
    if (!found.ok()) return found.error();
    if (!found->tail) return Error{Errc::not_found, "there is no damaged tail"};
    return restore_tail(options, *found->tail,
                        Bytes(source).subspan(found->tail->from, found->tail->to - found->tail->from));
  }

  ByteBuffer stored_;
};

TEST_F(DamageAtOpenTest, ATailIsRestoredWhereverItIsDamaged) {
  for (const bool clean : {true, false}) {
    for (const ChecksumAlgorithm sums : {ChecksumAlgorithm::crc32, ChecksumAlgorithm::none}) {
      if (sums == ChecksumAlgorithm::none && !clean) continue;  // nothing tells of damage
      SCOPED_TRACE(std::string(clean ? "clean " : "crashed ") + to_text(sums));
      options.directory = directory.path() / (std::string(clean ? "clean" : "crashed") + to_text(sums));
      checksum = sums;
      transactions = 0;
      store(clean);
      for (std::size_t at = 1; at + 60 < stored_.size(); at += 41) {
        SCOPED_TRACE(at);
        damage(at);
        EXPECT_EQ(open_error().code, Errc::checksum);
        ASSERT_OK(restore_from(stored_));
        EXPECT_EQ(read_file(segment_path("binlog.000001")), stored_);
      }
      open();
      EXPECT_EQ(log->executed(), GtidState(samples::mysql_set(1, 20)));
      log.reset();
    }
  }
}

TEST_F(DamageAtOpenTest, AShortFileIsRestored) {
  store(true);
  for (std::size_t size = 200; size < stored_.size(); size += 97) {
    write_file(segment_path("binlog.000001"), Bytes(stored_).first(size));
    EXPECT_THAT(open_error().context, HasSubstr("at least"));
    ASSERT_OK(restore_from(stored_));
    EXPECT_EQ(read_file(segment_path("binlog.000001")), stored_);
  }
}

TEST_F(DamageAtOpenTest, AnotherFileIsNotTaken) {
  for (const bool clean : {true, false}) {
    options.directory = directory.path() / (clean ? "clean" : "crashed");
    transactions = 0;
    store(clean);
    ByteBuffer another = stored_;
    for (std::size_t at = stored_.size() / 4; at < another.size(); ++at) another[at] ^= std::byte{1};
    damage(stored_.size() / 3);
    const ByteBuffer damaged = read_file(segment_path("binlog.000001"));
    EXPECT_EQ(restore_from(another).error().code, Errc::conflict);
    EXPECT_EQ(read_file(segment_path("binlog.000001")), damaged);
  }
}

TEST_F(DamageAtOpenTest, ATornTailIsNotDamage) {
  store(false);
  write_file(segment_path("binlog.000001"), Bytes(stored_).first(stored_.size() - 5));
  EXPECT_EQ(restore_from(stored_).error().code, Errc::not_found);
  open();
}

}  // namespace
}  // namespace binrelay
