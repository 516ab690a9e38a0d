// Any bytes in a Server-Timing header: read to the end, within bounds, always the same.
#include <cstdint>

#include "base/assert.h"
#include "client/recorder.h"
#include "client/server_timing.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view value(reinterpret_cast<const char*>(data), size);
  giliran::client::TierTimes times;
  giliran::client::ServerTimingReader reader(value);
  size_t metrics = 0;
  while (const auto metric = reader.next()) {
    GILIRAN_ASSERT(!metric->name.empty() && metric->name.data() >= value.data() &&
                   metric->name.data() + metric->name.size() <= value.data() + size);
    GILIRAN_ASSERT(!metric->took_ns || *metric->took_ns <= 86'400'000'999'999);
    ++metrics;
    if (metric->took_ns) times.add(static_cast<uint32_t>(metrics % 20), *metric->took_ns);
  }
  GILIRAN_ASSERT(metrics <= size + 1);
  times.each([](size_t tier, uint64_t) { GILIRAN_ASSERT(tier < giliran::client::kTiersMax); });
  return 0;
}
