#include "tools/source_comparison.h"

#include <random>

#include "relay/upstream/mysql_source.h"
#include "relay/upstream/source_error.h"
#include "relay/upstream/start_search.h"
#include "tools/stream_directory.h"

namespace binrelay {
namespace {

Result<AnyGtid> parse_gtid(Flavour flavour, const std::string& text) {
  if (flavour == Flavour::mysql) {
    BINRELAY_ASSIGN(MysqlGtid gtid, parse_mysql_gtid(text));
    return AnyGtid(std::move(gtid));
  }
  BINRELAY_ASSIGN(const MariadbGtid gtid, parse_mariadb_gtid(text));
  return AnyGtid(gtid);
}

// Of the same origin as `gtid`, but not behind it.
GtidState lost_before(const GtidState& missing, const AnyGtid& gtid) {
  const auto* mysql = std::get_if<MysqlGtid>(&gtid);
  if (!mysql) return MariadbBinlogState{};  // a server's GTIDs are lost from some number on
  MysqlGtidSet before;
  before.add(mysql->source, NumberInterval{1, mysql->number + 1});
  const auto& lost = std::get<MysqlGtidSet>(missing);
  return difference(lost, difference(lost, before));
}

struct ChosenStream {
  StreamConfig stream;
  std::filesystem::path directory;
};

Result<ChosenStream> choose_stream(const SourceChangeOptions& options) {
  RelayConfig config;
  const std::vector<ConfigProblem> problems = load_config(options.config, &config);
  if (!problems.empty()) return first_of(problems, options.config);
  BINRELAY_ASSIGN(const StreamConfig stream, find_stream(config, options.config, options.stream));
  return ChosenStream{stream, config.data_dir / stream.name};
}

}  // namespace

Result<SourceComparison> compare_source(const SourceChangeOptions& options) {
  constexpr std::uint16_t kSourcePort = 3306;
  BINRELAY_ASSIGN(ChosenStream chosen, choose_stream(options));
  BINRELAY_ASSIGN(Archive opened, Archive::open(chosen.directory));
  SourceComparison compared{std::move(opened), std::move(chosen.stream), std::move(chosen.directory)};
  const Archive& archive = compared.archive;
  compared.address = addresses_of(compared.stream.source).front();
  if (!options.source.empty()) {
    BINRELAY_ASSIGN(compared.address, parse_endpoint(options.source, kSourcePort));
  }
  const auto recorded = archive.source();
  if (!recorded || !archive.catalog().newest())
    return Error{Errc::refused, "the stream holds nothing yet: it follows any source"};
  compared.recorded = *recorded;
  MysqlSource source(compared.stream.source, [&] { return compared.address; });
  BINRELAY_TRY(source.connect());
  BINRELAY_ASSIGN(compared.facts, read_source_facts(source));
  source.close();
  if (compared.facts.identity.flavour != recorded->flavour) {
    return Error{Errc::refused, to_text(compared.address) + " is a " + to_text(compared.facts.identity.flavour) +
                                    " server, the stream's data came from a " + to_text(recorded->flavour) +
                                    " server: a stream never changes its family"};
  }
  BINRELAY_ASSIGN(compared.held, archive.executed());
  compared.relation = relation_of(compared.held, compared.facts.executed);
  compared.missing = lacking(compared.held, compared.facts.executed);
  return compared;
}

Result<bool> sends_what_follows(const SourceComparison& compared) {
  constexpr std::uint32_t kFirstServerId = 1u << 30;  // a server ends the dump of a replica that has the same
  const SourceIdentity& identity = compared.facts.identity;
  if (identity.flavour == Flavour::mysql && identity.gtid_mode != "ON") return false;
  GtidState held = compared.held;
  if (auto* set = std::get_if<MysqlGtidSet>(&held)) {
    BINRELAY_ASSIGN(const MysqlGtidSet purged, MysqlGtidSet::parse(compared.recorded.gtid_purged_at_start));
    set->add(purged);
  }
  MysqlSource source(compared.stream.source, [&] { return compared.address; });
  BINRELAY_TRY(source.connect());
  BINRELAY_TRY(prepare_dump_session(source, identity.flavour, Uuid{}, compared.stream.source.heartbeat_ms));
  const ServerId server_id{kFirstServerId + static_cast<std::uint32_t>(std::random_device()()) % kFirstServerId};
  const auto file = find_file_by_gtid(source, identity.flavour, position_text(held), server_id);
  if (file) return true;
  if (trouble_of(source.server_error(), file.error().context) == SourceTrouble::place_gone) return false;
  return file.error();
}

std::optional<std::string> judge_accepted_loss(const SourceComparison& compared, const std::string& accepted) {
  const auto gtid = parse_gtid(compared.recorded.flavour, accepted);
  if (!gtid) return "--accept-loss-after " + accepted + ": " + gtid.error().context;
  if (!contains(compared.held, *gtid)) return "the relay does not hold " + accepted;
  if (!contains(compared.facts.executed, *gtid)) return "the source does not have " + accepted + " itself";
  const GtidState before = lost_before(compared.missing, *gtid);
  if (!is_empty(before)) return "the source also lacks " + to_text(before) + ", which come before " + accepted;
  return std::nullopt;
}

}  // namespace binrelay
