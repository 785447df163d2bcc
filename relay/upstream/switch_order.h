#pragma once
// SwitchOrder: the operator's word that a stream shall follow a source its log does not continue. `binrelay
// switch-source` writes it into the stream's directory; the upstream side carries it out at its next attempt and takes
// it away. It names the server and what is lost, so it can mean nothing else by the time it is read.
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "protocol/gtid/gtid_state.h"
#include "protocol/result.h"
#include "storage/source_identity.h"

namespace binrelay {

struct SwitchOrder {
  std::uint64_t segment = 0;  // the log's newest when the order was given: carried out once
  std::string server;         // server_name() of the source
  GtidState lost;             // what the log holds and that source does not
};

// What tells one server from another: MySQL's server_uuid, MariaDB's server_id.
std::string server_name(const SourceIdentity& identity);

// `directory`: the stream's.
Status write_switch_order(const std::filesystem::path& directory, const SwitchOrder& order);
Result<std::optional<SwitchOrder>> read_switch_order(const std::filesystem::path& directory);  // nullopt: none
Status remove_switch_order(const std::filesystem::path& directory);

}  // namespace binrelay
