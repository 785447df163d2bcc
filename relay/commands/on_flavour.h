#pragma once
// Which servers have a row of a table: some variables and functions are only one family's.
#include <cstdint>

#include "protocol/ids.h"

namespace binrelay {

enum class OnFlavour : std::uint8_t { both, mysql, mariadb };

constexpr bool is_on(OnFlavour flavours, Flavour flavour) {
  return flavours == OnFlavour::both || (flavours == OnFlavour::mysql) == (flavour == Flavour::mysql);
}

}  // namespace binrelay
