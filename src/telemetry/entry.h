// A record in a ring: the struct's plain part as it is, then its texts. Never leaves the process.
#pragma once

#include <string_view>

#include "telemetry/record.h"
#include "telemetry/ring.h"

namespace giliran::telemetry {

// Copies the record into the ring with its texts bounded; false where there is no room.
// `dropped`: records that never came into the ring, in all.
bool put_entry(const Record& record, uint64_t dropped, Ring& ring);

struct Entry {
  Record record;  // its texts borrow from the bytes it was read from
  uint64_t dropped = 0;
};
void read_entry(std::string_view bytes, Entry& out);

}  // namespace giliran::telemetry
