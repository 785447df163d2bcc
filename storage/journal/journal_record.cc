#include "storage/journal/journal_record.h"

#include "protocol/limits.h"
#include "protocol/wire/byte_reader.h"
#include "protocol/wire/byte_writer.h"
#include "storage/gtid_state_bytes.h"

namespace binrelay {
namespace {

constexpr std::size_t kMaxSourceVariables = 4096;

void write_text(ByteWriter& out, std::string_view text) { out.u32(static_cast<std::uint32_t>(text.size())).text(text); }
std::string read_text(ByteReader& in) { return std::string(in.text(in.u32())); }
void write_uuid(ByteWriter& out, const Uuid& uuid) {
  for (const std::uint8_t byte : uuid.bytes) out.u8(byte);
}
Uuid read_uuid(ByteReader& in) {
  Uuid uuid;
  for (std::uint8_t& byte : uuid.bytes) byte = in.u8();
  return uuid;
}

void write_digests(ByteWriter& out, const DigestRun& run) {
  out.u64(run.first_block).u32(static_cast<std::uint32_t>(run.digests.size()));
  for (const std::uint32_t digest : run.digests) out.u32(digest);
}
DigestRun read_digests(ByteReader& in) {
  DigestRun run;
  run.first_block = in.u64();
  const std::uint32_t count = in.u32();
  if (count > in.remaining() / sizeof(std::uint32_t)) {
    in.fail();
    return run;
  }
  run.digests.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) run.digests.push_back(in.u32());
  return run;
}

// --- one write and one read per record ---

void write(ByteWriter& out, const LogCreated& record) {
  write_uuid(out, record.relay_uuid);
  out.u32(static_cast<std::uint32_t>(record.relay_server_id));
}
Status read(ByteReader& in, LogCreated& record) {
  record.relay_uuid = read_uuid(in);
  record.relay_server_id = ServerId{in.u32()};
  return Done{};
}

void write(ByteWriter& out, const SourceSeen& record) {
  const SourceIdentity& identity = record.identity;
  out.u8(static_cast<std::uint8_t>(identity.flavour));
  write_text(out, identity.version);
  write_uuid(out, identity.server_uuid);
  out.u32(static_cast<std::uint32_t>(identity.server_id));
  write_text(out, identity.gtid_mode);
  out.u8(identity.lower_case_table_names);
  write_text(out, identity.gtid_purged_at_start);
  out.u32(static_cast<std::uint32_t>(identity.variables.size()));
  for (const auto& [name, value] : identity.variables) {
    write_text(out, name);
    write_text(out, value);
  }
}
Status read(ByteReader& in, SourceSeen& record) {
  SourceIdentity& identity = record.identity;
  identity.flavour = static_cast<Flavour>(in.u8());
  if (identity.flavour != Flavour::mysql && identity.flavour != Flavour::mariadb) {
    return Error{Errc::malformed, "source record: flavour"};
  }
  identity.version = read_text(in);
  identity.server_uuid = read_uuid(in);
  identity.server_id = ServerId{in.u32()};
  identity.gtid_mode = read_text(in);
  identity.lower_case_table_names = in.u8();
  identity.gtid_purged_at_start = read_text(in);
  const std::uint32_t variables = in.u32();
  if (variables > kMaxSourceVariables) return Error{Errc::limit, "source record: variables"};
  for (std::uint32_t i = 0; i < variables && !in.failed(); ++i) {
    std::string name = read_text(in);
    identity.variables.insert_or_assign(std::move(name), read_text(in));
  }
  return Done{};
}

void write(ByteWriter& out, const HistoryBegun& record) {
  out.u32(record.number);
  write_text(out, record.reason);
}
Status read(ByteReader& in, HistoryBegun& record) {
  record.number = in.u32();
  record.reason = read_text(in);
  return Done{};
}

void write(ByteWriter& out, const GenerationBegun& record) {
  out.u32(record.number).u32(record.history);
  write_text(out, record.base_name);
  out.u64(static_cast<std::uint64_t>(record.number_offset));
  write_gtid_state(out, record.skip);
}
Status read(ByteReader& in, GenerationBegun& record) {
  record.number = in.u32();
  record.history = in.u32();
  record.base_name = read_text(in);
  record.number_offset = static_cast<std::int64_t>(in.u64());
  BINRELAY_ASSIGN(record.skip, read_gtid_state(in));
  return Done{};
}

void write(ByteWriter& out, const SegmentOpened& record) {
  out.u64(raw(record.number)).u32(record.generation);
  write_text(out, record.source_name);
  out.u64(record.digest_block_bytes);
  out.u8(record.sealed_before.has_value());
  if (!record.sealed_before) return;
  out.u64(record.sealed_before->size).u64(record.sealed_before->last_boundary);
  write_gtid_state(out, record.sealed_before->added);
  write_digests(out, record.sealed_before->digests);
}
Status read(ByteReader& in, SegmentOpened& record) {
  record.number = SegmentNumber{in.u64()};
  record.generation = in.u32();
  record.source_name = read_text(in);
  record.digest_block_bytes = in.u64();
  const std::uint8_t has_seal = in.u8();
  if (has_seal > 1) return Error{Errc::malformed, "segment record: seal"};
  if (has_seal == 0) return Done{};
  SegmentSeal& seal = record.sealed_before.emplace();
  seal.size = in.u64();
  seal.last_boundary = in.u64();
  BINRELAY_ASSIGN(seal.added, read_gtid_state(in));
  seal.digests = read_digests(in);
  return Done{};
}

void write(ByteWriter& out, const DurableMark& record) {
  out.u64(raw(record.segment)).u64(record.boundary).u64(record.group_begin);
  write_gtid_state(out, record.added);
  write_digests(out, record.digests);
  out.u32(record.rest_digest);
}
Status read(ByteReader& in, DurableMark& record) {
  record.segment = SegmentNumber{in.u64()};
  record.boundary = in.u64();
  record.group_begin = in.u64();
  BINRELAY_ASSIGN(record.added, read_gtid_state(in));
  record.digests = read_digests(in);
  record.rest_digest = in.u32();
  return Done{};
}

void write(ByteWriter& out, const CleanStop& record) { out.u64(raw(record.segment)).u64(record.end); }
Status read(ByteReader& in, CleanStop& record) {
  record.segment = SegmentNumber{in.u64()};
  record.end = in.u64();
  return Done{};
}

void write(ByteWriter&, const LogReopened&) {}
Status read(ByteReader&, LogReopened&) { return Done{}; }

void write(ByteWriter& out, const SegmentsPurged& record) {
  out.u64(raw(record.oldest));
  write_gtid_state(out, record.before);
}
Status read(ByteReader& in, SegmentsPurged& record) {
  record.oldest = SegmentNumber{in.u64()};
  BINRELAY_ASSIGN(record.before, read_gtid_state(in));
  return Done{};
}

void write(ByteWriter& out, const SeriesOpened& record) {
  out.u8(record.history.has_value());
  if (record.history) write(out, *record.history);
  write_gtid_state(out, record.abandoned);
  write(out, record.generation);
  write(out, record.source);
  write(out, record.segment);
}
Status read(ByteReader& in, SeriesOpened& record) {
  const std::uint8_t has_history = in.u8();
  if (has_history > 1) return Error{Errc::malformed, "series record: history"};
  if (has_history == 1) BINRELAY_TRY(read(in, record.history.emplace()));
  BINRELAY_ASSIGN(record.abandoned, read_gtid_state(in));
  BINRELAY_TRY(read(in, record.generation));
  BINRELAY_TRY(read(in, record.source));
  return read(in, record.segment);
}

constexpr std::uint8_t kRulesFormat = 1;  // of the body; a later one may add to it
enum RuleFlag : std::uint8_t { kMonitorInsert = 1, kMonitorUpdate = 2, kMonitorDelete = 4 };

void write_position(ByteWriter& out, LogPosition position) { out.u64(raw(position.segment)).u64(position.offset); }
LogPosition read_position(ByteReader& in) {
  const SegmentNumber segment{in.u64()};
  return {segment, in.u64()};
}

void write(ByteWriter& out, const RulesRecorded& record) {
  out.u8(kRulesFormat);
  write_position(out, record.at);
  write_position(out, record.scan_from);
  out.u8(record.complete);
  out.u32(static_cast<std::uint32_t>(record.rules.size()));
  for (const FilterRule& rule : record.rules) {
    out.u64(rule.id).u8(static_cast<std::uint8_t>((rule.monitor_insert ? kMonitorInsert : 0) |
                                                  (rule.monitor_update ? kMonitorUpdate : 0) |
                                                  (rule.monitor_delete ? kMonitorDelete : 0)));
    write_text(out, rule.db_name);
    write_text(out, rule.tb_name);
  }
  out.u32(static_cast<std::uint32_t>(record.removed.size()));
  for (const std::uint64_t id : record.removed) out.u64(id);
  out.u32(static_cast<std::uint32_t>(record.layout.size()));
  for (const RuleTableColumn& column : record.layout) {
    write_text(out, column.name);
    write_text(out, column.type);
    write_text(out, column.charset);
  }
  write_text(out, record.note);
}
Status read(ByteReader& in, RulesRecorded& record) {
  if (const std::uint8_t format = in.u8(); format != kRulesFormat && !in.failed())
    return Error{Errc::unsupported, "rules record of a newer format"};
  record.at = read_position(in);
  record.scan_from = read_position(in);
  record.complete = in.u8() != 0;
  for (std::uint32_t left = in.u32(); left > 0 && !in.failed(); --left) {
    FilterRule rule;
    rule.id = in.u64();
    const std::uint8_t flags = in.u8();
    rule.monitor_insert = (flags & kMonitorInsert) != 0;
    rule.monitor_update = (flags & kMonitorUpdate) != 0;
    rule.monitor_delete = (flags & kMonitorDelete) != 0;
    rule.db_name = read_text(in);
    rule.tb_name = read_text(in);
    record.rules.push_back(std::move(rule));
  }
  for (std::uint32_t left = in.u32(); left > 0 && !in.failed(); --left) record.removed.push_back(in.u64());
  for (std::uint32_t left = in.u32(); left > 0 && !in.failed(); --left) {
    std::string name = read_text(in), type = read_text(in);
    record.layout.push_back({std::move(name), std::move(type), read_text(in)});
  }
  record.note = read_text(in);
  return Done{};
}

template <std::size_t kIndex = 0>
Result<JournalRecord> decode_alternative(std::size_t index, ByteReader& in) {
  if constexpr (kIndex == std::variant_size_v<JournalRecord>) {
    return Error{Errc::unsupported, "journal record of an unknown type"};
  } else {
    if (index != kIndex) return decode_alternative<kIndex + 1>(index, in);
    std::variant_alternative_t<kIndex, JournalRecord> record;
    BINRELAY_TRY(read(in, record));
    if (in.failed()) return Error{Errc::short_input, "journal record"};
    if (!in.at_end()) return Error{Errc::malformed, "journal record: bytes left over"};
    return JournalRecord(std::move(record));
  }
}

}  // namespace

std::uint8_t record_type(const JournalRecord& record) { return static_cast<std::uint8_t>(record.index() + 1); }

ByteBuffer encode_record_body(const JournalRecord& record) {
  ByteWriter out;
  std::visit([&](const auto& alternative) { write(out, alternative); }, record);
  return std::move(out).take();
}

Result<JournalRecord> decode_record_body(std::uint8_t type, Bytes body) {
  ByteReader in(body);
  return decode_alternative(static_cast<std::size_t>(type) - 1, in);
}

}  // namespace binrelay
