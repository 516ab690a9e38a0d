// W3C trace context: the trace-id a client makes, the span-id each hop makes of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/rng.h"

namespace giliran::base {

struct TraceId {
  uint64_t high = 0;
  uint64_t low = 0;
  bool operator==(const TraceId&) const = default;
  bool none() const { return high == 0 && low == 0; }
  static TraceId make(Rng& rng);    // never none
  void format(char out[32]) const;  // lower-case hex
};

struct SpanId {
  uint64_t value = 0;
  bool operator==(const SpanId&) const = default;
  bool none() const { return value == 0; }
  static SpanId make(Rng& rng);  // never none
  void format(char out[16]) const;
};

// The `traceparent` header: "00-<trace>-<parent>-<flags>", 55 bytes.
struct TraceParent {
  static constexpr size_t kTextSize = 55;
  // sampled and random-trace-id; other bits are reserved and must not be passed on.
  static constexpr uint8_t kFlagsKnown = 0x03;
  TraceId trace;
  SpanId parent;
  uint8_t flags = 1;

  // Absent where the text is not a valid version-00 (or later, read as 00) traceparent. Unknown
  // flags are dropped.
  static std::optional<TraceParent> parse(std::string_view text);
  void format(char out[kTextSize]) const;
};

// Exactly 16 or 32 lower-case hex digits; absent otherwise.
std::optional<SpanId> parse_span_id(std::string_view hex);
std::optional<TraceId> parse_trace_id(std::string_view hex);

}  // namespace giliran::base
