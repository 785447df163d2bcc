#pragma once
// What a source's error packets mean for the relay.
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/ids.h"
#include "protocol/result.h"

namespace binrelay {

enum class SourceTrouble : std::uint8_t {
  passing,          // reconnect and resume
  operator_needed,  // the same answer will come until somebody changes something: retry slowly
  place_gone,       // the same: it cannot begin behind the transactions it was told of
  file_cut_short,   // the file ends inside an event, as MariaDB leaves it after a crash
};

// `number` and `text` of an ERR packet; number 0 is passing.
SourceTrouble trouble_of(std::uint32_t number, std::string_view text);

// The error with a remedy added where the number calls for one; its code becomes Errc::refused when the operator is
// needed.
Error explained(Error error, std::uint32_t number, Flavour flavour);

}  // namespace binrelay
