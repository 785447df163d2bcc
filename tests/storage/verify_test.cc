#include <gmock/gmock.h>

#include <chrono>
#include <thread>

#include "storage/archive.h"
#include "storage/index/index_store.h"
#include "tests/storage/log_bench.h"

namespace binrelay {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Le;

auto finding(const std::string& file, const std::string& problem) {
  return AllOf(Field(&Finding::file, file), Field(&Finding::problem, HasSubstr(problem)));
}

class VerifyTest : public LogBench {
 protected:
  VerifyTest() {
    use_dying_disk();
    options.digest_block_bytes = 512;
    options.index_block_bytes = 500;
  }
  ~VerifyTest() override { log.reset(); }

  VerifyReport verify() { return Archive::verify(options.directory, nullptr); }

  // A sealed file, and an active one whose last group is open.
  void fill() {
    open();
    start_file("binlog.000001");
    append_transactions(3);
    rotate_to("binlog.000002");
    append_transactions(2);
    append_open_group();
    ASSERT_OK(log->sync());
  }
  void expect_every_flip_found(const std::filesystem::path& path, const std::string& name) {
    const ByteBuffer pristine = read_file(path);
    const auto file = Disk().open_for_writing(path);
    ASSERT_OK(file);
    for (std::size_t at = 0; at < pristine.size(); ++at) {
      for (int bit = 0; bit < 8; bit += kThinning) {
        const std::byte flipped = pristine[at] ^ static_cast<std::byte>(1 << bit);
        ASSERT_OK(file->write_at(at, Bytes(&flipped, 1)));
        const VerifyReport found = verify();
        ASSERT_THAT(found.findings, Contains(AllOf(Field(&Finding::file, name), Field(&Finding::offset, Le(at)))))
            << "byte " << at << " bit " << bit;
      }
      ASSERT_OK(file->write_at(at, Bytes(pristine).subspan(at, 1)));
    }
  }
};

TEST_F(VerifyTest, ASoundLogHasNoFindings) {
  for (const Flavour family : {Flavour::mysql, Flavour::mariadb}) {
    flavour = family;
    transactions = 0;
    options.directory = directory.path() / to_text(family);
    fill();
    EXPECT_THAT(verify().findings, IsEmpty());  // while it runs
    close();
    const VerifyReport stopped = verify();
    EXPECT_THAT(stopped.findings, IsEmpty()) << stopped.findings[0].problem;
    EXPECT_EQ(stopped.segments, 2u);
    EXPECT_EQ(stopped.transactions, 5u);
    EXPECT_EQ(stopped.bytes_without_checksum, 0u);
    EXPECT_TRUE(stopped.index_checked);
  }
}

TEST_F(VerifyTest, FindsEveryFlippedBitAfterACleanStop) {
  fill();
  close();
  std::filesystem::remove_all(options.directory / "index");  // another test's matter
  ASSERT_THAT(verify().findings, IsEmpty());
  expect_every_flip_found(segment_path("binlog.000001"), "segments/1/binlog.000001");
  expect_every_flip_found(segment_path("binlog.000002"), "segments/1/binlog.000002");
  expect_every_flip_found(journal_path(), "journal");
  expect_every_flip_found(options.directory / "FORMAT", "FORMAT");
}

TEST_F(VerifyTest, FindsEveryFlippedBitAfterACrash) {
  fill();
  crash();
  std::filesystem::remove_all(options.directory / "index");
  ASSERT_THAT(verify().findings, IsEmpty());
  expect_every_flip_found(segment_path("binlog.000002"), "segments/1/binlog.000002");
}

TEST_F(VerifyTest, DigestsCoverFilesWithoutChecksums) {
  checksum = ChecksumAlgorithm::none;
  fill();
  close();
  std::filesystem::remove_all(options.directory / "index");
  const VerifyReport sound = verify();
  EXPECT_THAT(sound.findings, IsEmpty());
  // The active file is covered up to its last boundary.
  EXPECT_GT(sound.bytes_without_checksum, 0u);
  EXPECT_LT(sound.bytes_without_checksum, sent.size());
  expect_every_flip_found(segment_path("binlog.000001"), "segments/1/binlog.000001");
}

TEST_F(VerifyTest, ATornTailIsAFindingOfAStoppedLogAndProgressOfARunningOne) {
  fill();
  close();
  std::filesystem::resize_file(segment_path("binlog.000002"), sent.size() - 1);
  EXPECT_FALSE(verify().findings.empty());
  std::filesystem::resize_file(segment_path("binlog.000002"), sent.size());
  write_file(segment_path("binlog.000002"), sent);

  open();
  ByteBuffer growing = sent;
  const ByteBuffer half = source.xid(1);
  const auto grow_to = [&](std::size_t bytes) {
    growing.resize(sent.size());
    growing.insert(growing.end(), half.begin(), half.begin() + static_cast<std::ptrdiff_t>(bytes));
    write_file(segment_path("binlog.000002"), growing);
  };
  for (const std::size_t later : {std::size_t{15}, half.size()}) {
    grow_to(11);
    std::jthread writer([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(300));
      grow_to(later);
    });
    EXPECT_THAT(verify().findings, IsEmpty()) << later;
  }
  grow_to(11);
  EXPECT_THAT(verify().findings, ElementsAre(finding("segments/1/binlog.000002", "cut off")));  // nobody goes on
  crash();
  EXPECT_THAT(verify().findings, ElementsAre(finding("segments/1/binlog.000002", "cut off")));
}

TEST_F(VerifyTest, RotInARunningLogIsFoundToo) {
  fill();
  ByteBuffer rotten = sent;
  rotten[sent.size() / 2] ^= std::byte{4};
  write_file(segment_path("binlog.000002"), rotten);
  EXPECT_THAT(verify().findings, ::testing::SizeIs(1));
}

TEST_F(VerifyTest, RotInTheLastEventOfARunningLogIsFoundToo) {
  fill();
  for (const std::size_t from_end : {std::size_t{1}, std::size_t{40}}) {
    ByteBuffer rotten = sent;
    rotten[sent.size() - from_end] ^= std::byte{4};
    write_file(segment_path("binlog.000002"), rotten);
    EXPECT_THAT(verify().findings, ElementsAre(finding("segments/1/binlog.000002", "checksum")));
  }
}

TEST_F(VerifyTest, NamesWhatIsMissingAndWhatIsTooMuch) {
  fill();
  close();
  const ByteBuffer first = read_file(segment_path("binlog.000001"));
  std::filesystem::remove(segment_path("binlog.000001"));
  EXPECT_THAT(verify().findings, ElementsAre(finding("segments/1/binlog.000001", "cannot open")));
  ByteBuffer longer = first;
  longer.push_back(std::byte{0});
  write_file(segment_path("binlog.000001"), longer);
  EXPECT_THAT(verify().findings, ElementsAre(finding("segments/1/binlog.000001", "bytes, the journal says")));
  write_file(segment_path("binlog.000001"), first);
  write_file(segment_path("stray"), first);
  EXPECT_THAT(verify().findings, ElementsAre(finding("segments/1/stray", "no segment of this name")));
  std::filesystem::remove(segment_path("stray"));
  std::filesystem::remove(journal_path());
  EXPECT_THAT(verify().findings, ElementsAre(finding("journal", "cannot open")));
}

TEST_F(VerifyTest, FindsAGapBetweenFiles) {
  open();
  start_file("binlog.000001");
  append_transactions(3);
  const ByteBuffer list = source.previous_gtids(samples::mysql_set(1, 5));
  start_file("binlog.000002");
  close();
  // A list of the same size that claims more, as if a file between the two had been left out.
  source = samples::SampleBinlog();
  ByteBuffer forged = sent;
  const std::uint64_t at = source.format_description().size() + 4;
  const ByteBuffer claims = source.previous_gtids(samples::mysql_set(1, 5));
  std::copy(claims.begin(), claims.end(), forged.begin() + static_cast<std::ptrdiff_t>(at));
  write_file(segment_path("binlog.000002"), forged);
  const VerifyReport report = verify();
  EXPECT_THAT(report.findings, Contains(finding("segments/1/binlog.000002", ":4-5")));
}

TEST_F(VerifyTest, TheIndexMayLagButNotLie) {
  fill();
  while (log->counters().indexed_segment < 2) std::this_thread::yield();
  const Uuid uuid = log->relay_uuid();
  close();
  const std::filesystem::path index_path = options.directory / "index";
  ASSERT_TRUE(verify().index_checked);
  ASSERT_THAT(verify().findings, IsEmpty());

  std::vector<BlockRecord> records;
  {
    auto index = IndexStore::open(index_path, uuid);
    ASSERT_OK(index);
    records = *(*index)->of_segment(SegmentNumber{1});
  }
  ASSERT_GE(records.size(), 2u);
  const auto with_record = [&](const BlockRecord& record) {
    auto index = IndexStore::open(index_path, uuid);
    EXPECT_OK((*index)->put(record));
  };
  const auto lies = [&](BlockRecord record, const char* problem) {
    with_record(record);
    EXPECT_THAT(verify().findings, Contains(finding("index", problem)));
  };
  BlockRecord changed = records[0];
  changed.transactions += 1;
  lies(changed, "does not agree");
  changed = records[0];
  changed.tables[0].bytes += 1;
  lies(changed, "does not agree");
  changed = records[0];
  changed.end += 1;
  lies(changed, "does not end where a group ends");
  // The sum of a file that was made when its blocks were older.
  const auto sum_up_file = [&] {
    auto index = IndexStore::open(index_path, uuid);
    ASSERT_OK((*index)->finish_file(SegmentNumber{1}, 0, 0));
  };
  for (BlockRecord record : records) {
    record.last_timestamp = 1;
    with_record(record);
  }
  sum_up_file();
  for (const BlockRecord& record : records) with_record(record);
  EXPECT_THAT(verify().findings, ElementsAre(finding("index", "of the whole file does not agree")));
  sum_up_file();
  EXPECT_THAT(verify().findings, IsEmpty());
  changed = records[0];
  changed.segment = SegmentNumber{7};
  lies(changed, "which the journal does not know");
}

// Damage of every kind, nothing but findings.
TEST_F(VerifyTest, SurvivesAnythingInTheFiles) {
  fill();
  close();
  std::filesystem::remove_all(options.directory / "index");
  const ByteBuffer pristine = read_file(segment_path("binlog.000001"));
  const ByteBuffer journal = read_file(journal_path());
  std::uint32_t seed = 7;
  const auto random = [&] { return seed = seed * 1664525 + 1013904223; };
  for (int round = 0; round < 300; ++round) {
    ByteBuffer damaged = pristine, damaged_journal = journal;
    for (int i = 0; i < 5; ++i) damaged[random() % damaged.size()] = static_cast<std::byte>(random() >> 24);
    damaged.resize(random() % (damaged.size() + 1));
    write_file(segment_path("binlog.000001"), damaged);
    EXPECT_FALSE(verify().findings.empty());
    for (int i = 0; i < 3; ++i)
      damaged_journal[random() % damaged_journal.size()] = static_cast<std::byte>(random() >> 24);
    write_file(journal_path(), damaged_journal);
    EXPECT_FALSE(verify().findings.empty());
    write_file(journal_path(), journal);
  }
}

}  // namespace
}  // namespace binrelay
