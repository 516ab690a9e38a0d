// What an answer that is passed on tells of our own time: the Server-Timing field (W3C).
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "base/time.h"

namespace giliran::proxy {

// The phases that are over when the head of the answer goes out; as in the record
// (docs/formats/record.md).
struct PhasesSoFar {
  base::Duration queue{};    // request head complete -> attempt
  base::Duration connect{};  // all attempts; 0 on an idle connection
  base::Duration wait{};     // request handed over -> response head complete
};

constexpr size_t kServerTimingBytesMax = 128;

// "gl-queue;dur=0.012, gl-connect;dur=0.000, gl-wait;dur=3.456": milliseconds, to the microsecond.
std::string_view format_server_timing(const PhasesSoFar& phases,
                                      std::span<char, kServerTimingBytesMax> out);

}  // namespace giliran::proxy
