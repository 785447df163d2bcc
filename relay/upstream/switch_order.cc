#include "relay/upstream/switch_order.h"

#include "storage/file/disk.h"
#include "storage/file/file_names.h"
#include "storage/gtid_state_bytes.h"

namespace binrelay {
namespace {

constexpr std::uint64_t kMaxOrder = 64u << 20;
constexpr std::size_t kMaxServerName = 64;
constexpr std::string_view kMagic = "binrelay switch 1\n";

}  // namespace

std::string server_name(const SourceIdentity& identity) {
  return identity.flavour == Flavour::mysql ? to_text(identity.server_uuid)
                                            : std::to_string(static_cast<std::uint32_t>(identity.server_id));
}

Status write_switch_order(const std::filesystem::path& directory, const SwitchOrder& order) {
  ByteWriter out;
  out.text(kMagic).u64(order.segment).u8(static_cast<std::uint8_t>(order.server.size())).text(order.server);
  write_gtid_state(out, order.lost);
  const Disk disk;
  const std::filesystem::path path = StreamFiles{directory}.switch_order();
  if (Disk::exists(path)) BINRELAY_TRY(disk.remove(path));
  return disk.create_whole(path, out.view());
}

Result<std::optional<SwitchOrder>> read_switch_order(const std::filesystem::path& directory) {
  const std::filesystem::path path = StreamFiles{directory}.switch_order();
  if (!Disk::exists(path)) return std::optional<SwitchOrder>();
  BINRELAY_ASSIGN(const ByteBuffer content, Disk().read_whole(path, kMaxOrder));
  ByteReader in(content);
  SwitchOrder order;
  const bool ours = in.text(kMagic.size()) == kMagic;
  order.segment = in.u64();
  order.server = std::string(in.text(in.u8()));
  if (!ours || in.failed() || order.server.size() > kMaxServerName)
    return Error{Errc::malformed, path.string() + " is not an order of `binrelay switch-source`: remove it"};
  BINRELAY_ASSIGN(order.lost, read_gtid_state(in));
  return std::optional(std::move(order));
}

Status remove_switch_order(const std::filesystem::path& directory) {
  const std::filesystem::path path = StreamFiles{directory}.switch_order();
  if (!Disk::exists(path)) return Done{};
  return Disk().remove(path);
}

}  // namespace binrelay
