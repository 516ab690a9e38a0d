// A record in a ring: the struct's plain part as it is, then its texts. Never leaves the process.
#pragma once

#include <string_view>

#include "telemetry/record.h"
#include "telemetry/ring.h"

namespace giliran::telemetry {

// Copies the record into the ring with its texts bounded; false where there is no room.
// `dropped_before`: records dropped since the one before.
bool put_entry(const Record& record, uint64_t dropped_before, Ring& ring);

struct Entry {
  Record record;  // its texts borrow from the bytes it was read from
  uint64_t dropped_before = 0;
};
void read_entry(std::string_view bytes, Entry& out);

}  // namespace giliran::telemetry
