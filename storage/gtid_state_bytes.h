#pragma once
// How journal and index write a GtidState: flavour u8, length u32, then MySQL's binary set, or MariaDB's list of
// {domain u32, server u32, sequence u64} in the order of a GTID_LIST event.
#include "protocol/gtid/gtid_state.h"
#include "protocol/result.h"
#include "protocol/wire/byte_reader.h"
#include "protocol/wire/byte_writer.h"

namespace binrelay {

void write_gtid_state(ByteWriter& out, const GtidState& state);
Result<GtidState> read_gtid_state(ByteReader& in);
void skip_gtid_state(ByteReader& in);  // fails as `in` does

// Adds what `added` holds to `state`; both of one flavour.
void add_all(GtidState& state, const GtidState& added);

}  // namespace binrelay
