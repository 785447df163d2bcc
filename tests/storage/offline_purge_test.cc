#include "storage/offline_purge.h"

#include <gmock/gmock.h>

#include "tests/storage/log_bench.h"

namespace binrelay {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class OfflinePurgeTest : public LogBench {
 protected:
  // binlog.000001 to 000003, ten transactions in each; the log is closed.
  OfflinePurgeTest() {
    open();
    start_file("binlog.000001");
    append_transactions(10);
    for (const char* name : {"binlog.000002", "binlog.000003"}) {
      rotate_to(name);
      append_transactions(10);
    }
    EXPECT_TRUE(log->sync().ok());
    close();
  }
  ~OfflinePurgeTest() override { log.reset(); }
};

TEST_F(OfflinePurgeTest, ALogOpensAgainWithoutTheFileThatIsDamagedForGood) {
  const auto path = segment_path("binlog.000001");
  ByteBuffer bytes = read_file(path);
  bytes.at(30) ^= std::byte{4};
  write_file(path, bytes);
  ASSERT_EQ(open_error().code, Errc::checksum);

  const auto purged = purge_offline(options.directory, "binlog.000002");
  ASSERT_OK(purged);
  EXPECT_THAT(purged->files, ElementsAre("binlog.000001"));
  EXPECT_EQ(purged->bytes, bytes.size());
  EXPECT_FALSE(std::filesystem::exists(path));
  open();
  EXPECT_EQ(log->catalog()->oldest()->served_name, "binlog.000002");
  EXPECT_EQ(log->catalog()->oldest()->previous, GtidState(samples::mysql_set(1, 10)));
  EXPECT_EQ(log->executed(), GtidState(samples::mysql_set(1, 30)));
}

TEST_F(OfflinePurgeTest, AMissingFileGoesToo) {
  std::filesystem::remove(segment_path("binlog.000002"));
  const auto purged = purge_offline(options.directory, "binlog.000003");
  ASSERT_OK(purged);
  EXPECT_THAT(purged->files, ElementsAre("binlog.000001", "binlog.000002"));
  open();
  EXPECT_EQ(log->executed(), GtidState(samples::mysql_set(1, 30)));
}

TEST_F(OfflinePurgeTest, NothingIsBeforeTheOldest) {
  const auto purged = purge_offline(options.directory, "binlog.000001");
  ASSERT_OK(purged);
  EXPECT_THAT(purged->files, IsEmpty());
}

TEST_F(OfflinePurgeTest, UnknownFilesAndRunningRelaysAreRefused) {
  const auto unknown = purge_offline(options.directory, "binlog.000009");
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().code, Errc::not_found);
  EXPECT_THAT(unknown.error().context, HasSubstr("there are binlog.000001 to binlog.000003"));
  open();
  const auto busy = purge_offline(options.directory, "binlog.000002");
  ASSERT_FALSE(busy.ok());
  EXPECT_EQ(busy.error().code, Errc::conflict);
}

}  // namespace
}  // namespace binrelay
