// The journal: any bytes are read to an end without a crash; records that are accepted say what they said when written
// again. Two halves of it, taken as a journal and its copy, mend into one that is as long as the first at least.
#include <cstdlib>

#include "storage/journal/journal_copy.h"
#include "storage/journal/journal_format.h"
#include "storage/journal/log_state.h"

using namespace binrelay;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes input(reinterpret_cast<const std::byte*>(data), size);
  // The first byte chooses a record type: a CRC that fits is seldom found by chance.
  if (!input.empty()) {
    const auto record = decode_record_body(static_cast<std::uint8_t>(data[0]), input.subspan(1));
    if (record.ok()) {
      const auto again = decode_record_body(record_type(*record), encode_record_body(*record));
      if (!again.ok() || !(*again == *record)) std::abort();
      LogState log;
      static_cast<void>(log.apply(LogCreated{}).ok());
      static_cast<void>(log.apply(*record).ok());
    }
  }
  const Bytes half = input.first(size / 2);
  const JournalBytes mended = mend_journal(ByteBuffer(half.begin(), half.end()), input.subspan(size / 2));
  if (mended.content.size() < half.size()) std::abort();
  if (!check_journal_header(input).ok() && input.size() < kJournalHeaderSize) return 0;
  LogState log;
  const JournalScan scan =
      scan_journal(input, [&](std::uint64_t, const JournalRecord& record) { return log.apply(record); });
  if (scan.end > input.size()) std::abort();
  return 0;
}
