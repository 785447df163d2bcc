#include "storage/index/index_store.h"

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/options.h>

#include <cstdarg>

#include "storage/file/disk.h"

namespace binrelay {
namespace {

// Sorts behind every other key: those of blocks begin with the zero bytes of a segment number.
constexpr char kVersionKey[] = "version";
constexpr char kVersion[] = "binrelay index 1 ";

// RocksDB's own log would be written even by a read-only open.
class NoLog : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

// Who only reads has nothing to do behind its back: no threads are made.
class NoThreads : public rocksdb::EnvWrapper {
 public:
  NoThreads() : EnvWrapper(Env::Default()) {}
  const char* Name() const override { return "binrelay.NoThreads"; }
  void IncBackgroundThreadsIfNeeded(int, Priority) override {}
};

rocksdb::Options small_options() {
  rocksdb::Options options;
  options.write_buffer_size = 64u << 10;  // whoever opens the index reads so much of its log first
  options.max_open_files = 64;
  options.max_background_jobs = 2;
  options.max_file_opening_threads = 1;  // its 16 are started at each opening, for a few small files
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.info_log = std::make_shared<NoLog>();
  options.paranoid_checks = true;
  return options;
}

rocksdb::Slice slice(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
Bytes bytes_of(const rocksdb::Slice& slice) { return as_bytes({slice.data(), slice.size()}); }

Error index_error(const rocksdb::Status& status) {
  const Errc code = status.IsNoSpace() ? Errc::no_space : status.IsCorruption() ? Errc::checksum : Errc::io;
  return Error{code, "index: " + status.ToString()};
}

// Of the keys from `from` on that sort before `behind`, until `visit` returns false.
Status for_each_key(rocksdb::DB& db, Bytes from, std::string_view behind,
                    const std::function<Result<bool>(Bytes key, Bytes value)>& visit) {
  const rocksdb::Slice bound(behind.data(), behind.size());
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = &bound;
  const std::unique_ptr<rocksdb::Iterator> at(db.NewIterator(options));
  for (at->Seek(slice(from)); at->Valid(); at->Next()) {
    BINRELAY_ASSIGN(const bool go_on, visit(bytes_of(at->key()), bytes_of(at->value())));
    if (!go_on) return Done{};
  }
  if (!at->status().ok()) return index_error(at->status());
  return Done{};
}

}  // namespace

struct IndexStore::Database {
  std::unique_ptr<rocksdb::DB> db;
};

IndexStore::IndexStore(std::unique_ptr<Database> database) : database_(std::move(database)) {}
// What is still in RocksDB's own log would be read by every tool that opens the index. Nothing is lost if this fails.
IndexStore::~IndexStore() { database_->db->Flush(rocksdb::FlushOptions()).PermitUncheckedError(); }

Result<std::unique_ptr<IndexStore>> IndexStore::open(const std::filesystem::path& directory, const Uuid& log) {
  rocksdb::Options options = small_options();
  options.create_if_missing = true;
  rocksdb::DB* opened = nullptr;
  if (auto status = rocksdb::DB::Open(options, directory.string(), &opened); !status.ok()) return index_error(status);
  auto database = std::make_unique<Database>(Database{std::unique_ptr<rocksdb::DB>(opened)});

  const std::string wanted = kVersion + to_text(log);
  std::string found;
  auto status = database->db->Get(rocksdb::ReadOptions(), kVersionKey, &found);
  if (status.IsNotFound()) {
    std::unique_ptr<rocksdb::Iterator> any(database->db->NewIterator(rocksdb::ReadOptions()));
    any->SeekToFirst();
    if (any->Valid()) return Error{Errc::unsupported, "index: it has no version"};
    status = database->db->Put(rocksdb::WriteOptions(), kVersionKey, wanted);
    found = wanted;
  }
  if (!status.ok()) return index_error(status);
  if (found != wanted) return Error{Errc::unsupported, "index: it is of another version or another log"};
  return std::unique_ptr<IndexStore>(new IndexStore(std::move(database)));
}

Result<std::unique_ptr<IndexStore>> IndexStore::open_for_reading(const std::filesystem::path& directory,
                                                                 const Uuid& log) {
  if (!Disk::exists(directory / "CURRENT")) return Error{Errc::not_found, "there is no index"};
  static NoThreads environment;
  rocksdb::Options options = small_options();
  options.env = &environment;
  rocksdb::DB* opened = nullptr;
  if (auto status = rocksdb::DB::OpenForReadOnly(options, directory.string(), &opened); !status.ok()) {
    return index_error(status);
  }
  auto database = std::make_unique<Database>(Database{std::unique_ptr<rocksdb::DB>(opened)});
  std::string found;
  auto status = database->db->Get(rocksdb::ReadOptions(), kVersionKey, &found);
  if (status.IsNotFound()) return Error{Errc::not_found, "the index is being made"};
  if (!status.ok()) return index_error(status);
  if (found != kVersion + to_text(log))
    return Error{Errc::unsupported, "index: it is of another version or another log"};
  return std::unique_ptr<IndexStore>(new IndexStore(std::move(database)));
}

// Not synced: after a power cut the index lags, and catches up.
Status IndexStore::write(Bytes key, Bytes value) {
  auto status = database_->db->Put(rocksdb::WriteOptions(), slice(key), slice(value));
  if (!status.ok()) return index_error(status);
  return Done{};
}

Status IndexStore::put(const BlockRecord& record) {
  return write(encode_block_key(record.segment, record.begin), encode_block_value(record));
}

Status IndexStore::finish_file(SegmentNumber segment, std::uint32_t created, std::uint32_t youngest_end) {
  BINRELAY_ASSIGN(const std::vector<BlockSpan> blocks, spans_of_segment(segment));
  // Nothing can be said of what is missing.
  if (blocks.empty() || !tiles(blocks, blocks.back().end)) return Done{};
  return write(encode_file_key(segment), encode_file_value(sum_up(blocks, created, youngest_end)));
}

Status IndexStore::remove_before(SegmentNumber segment) {
  const std::pair<ByteBuffer, ByteBuffer> ranges[] = {
      {encode_block_key(SegmentNumber{}, 0), encode_block_key(segment, 0)},
      {encode_file_key(SegmentNumber{}), encode_file_key(segment)}};
  for (const auto& [first, behind] : ranges) {
    auto status = database_->db->DeleteRange(rocksdb::WriteOptions(), database_->db->DefaultColumnFamily(),
                                             slice(first), slice(behind));
    if (!status.ok()) return index_error(status);
  }
  return Done{};
}

Result<std::optional<BlockRecord>> IndexStore::last() const {
  const rocksdb::Slice behind_blocks(kFileKeyPrefix.data(), kFileKeyPrefix.size());
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = &behind_blocks;
  const std::unique_ptr<rocksdb::Iterator> at(database_->db->NewIterator(options));
  at->SeekToLast();
  if (!at->status().ok()) return index_error(at->status());
  if (!at->Valid()) return std::optional<BlockRecord>();
  BINRELAY_ASSIGN(BlockRecord record, decode_block(bytes_of(at->key()), bytes_of(at->value())));
  return std::optional<BlockRecord>(std::move(record));
}

Status IndexStore::for_each(SegmentNumber from, const std::function<bool(const BlockRecord&)>& visit) const {
  return for_each_key(*database_->db, encode_block_key(from, 0), kFileKeyPrefix,
                      [&](Bytes key, Bytes value) -> Result<bool> {
                        BINRELAY_ASSIGN(const BlockRecord record, decode_block(key, value));
                        return visit(record);
                      });
}

Result<std::vector<BlockRecord>> IndexStore::of_segment(SegmentNumber segment) const {
  std::vector<BlockRecord> records;
  BINRELAY_TRY(for_each(segment, [&](const BlockRecord& record) {
    if (record.segment != segment) return false;
    records.push_back(record);
    return true;
  }));
  return records;
}

Result<std::vector<BlockSpan>> IndexStore::spans_of_segment(SegmentNumber segment) const {
  std::vector<BlockSpan> spans;
  BINRELAY_TRY(for_each_key(*database_->db, encode_block_key(segment, 0), kFileKeyPrefix,
                            [&](Bytes key, Bytes value) -> Result<bool> {
                              BINRELAY_ASSIGN(const BlockSpan span, decode_block_span(key, value));
                              if (span.segment != segment) return false;
                              spans.push_back(span);
                              return true;
                            }));
  return spans;
}

Result<std::vector<FileSpan>> IndexStore::file_spans() const {
  std::vector<FileSpan> files;
  BINRELAY_TRY(for_each_key(*database_->db, encode_file_key(SegmentNumber{}), kVersionKey,
                            [&](Bytes key, Bytes value) -> Result<bool> {
                              BINRELAY_ASSIGN(const FileSpan file, decode_file_span(key, value));
                              files.push_back(file);
                              return true;
                            }));
  return files;
}

}  // namespace binrelay
