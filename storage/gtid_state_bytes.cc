#include "storage/gtid_state_bytes.h"

#include "protocol/check.h"

namespace binrelay {
namespace {

constexpr std::size_t kMariadbEntrySize = 16;

ByteBuffer encode_list(const std::vector<MariadbGtid>& list) {
  ByteWriter out;
  for (const MariadbGtid& gtid : list) out.u32(gtid.domain).u32(gtid.server).u64(gtid.sequence);
  return std::move(out).take();
}

Result<GtidState> decode_list(Bytes bytes) {
  if (bytes.size() % kMariadbEntrySize != 0) return Error{Errc::malformed, "stored GTID list: size"};
  std::vector<MariadbGtid> list;
  list.reserve(bytes.size() / kMariadbEntrySize);
  for (ByteReader in(bytes); !in.at_end();) {
    MariadbGtid gtid;
    gtid.domain = in.u32();
    gtid.server = in.u32();
    gtid.sequence = in.u64();
    list.push_back(gtid);
  }
  return GtidState(MariadbBinlogState::from_list(list));
}

}  // namespace

void write_gtid_state(ByteWriter& out, const GtidState& state) {
  const auto* mysql = std::get_if<MysqlGtidSet>(&state);
  const ByteBuffer body = mysql ? mysql->encode() : encode_list(std::get<MariadbBinlogState>(state).to_list());
  out.u8(static_cast<std::uint8_t>(mysql ? Flavour::mysql : Flavour::mariadb));
  out.u32(static_cast<std::uint32_t>(body.size())).bytes(body);
}

Result<GtidState> read_gtid_state(ByteReader& in) {
  const auto flavour = static_cast<Flavour>(in.u8());
  const Bytes body = in.take(in.u32());
  if (in.failed()) return Error{Errc::short_input, "stored GTID state"};
  if (flavour == Flavour::mariadb) return decode_list(body);
  if (flavour != Flavour::mysql) return Error{Errc::malformed, "stored GTID state: flavour"};
  BINRELAY_ASSIGN(MysqlGtidSet set, MysqlGtidSet::decode(body));
  return GtidState(std::move(set));
}

void skip_gtid_state(ByteReader& in) {
  in.u8();
  in.take(in.u32());
}

void add_all(GtidState& state, const GtidState& added) {
  BINRELAY_CHECK(state.index() == added.index(), "GTID states of one flavour are joined");
  if (auto* mysql = std::get_if<MysqlGtidSet>(&state)) {
    mysql->add(std::get<MysqlGtidSet>(added));
    return;
  }
  auto& mariadb = std::get<MariadbBinlogState>(state);
  for (const MariadbGtid& gtid : std::get<MariadbBinlogState>(added).to_list()) mariadb.add(gtid);
}

}  // namespace binrelay
