// Any text is an access line of one kind at most, or none.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "telemetry/access_line.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  giliran::telemetry::AccessLine out;
  const bool httplog = giliran::telemetry::parse_httplog(line, out);
  if (httplog) {
    GILIRAN_ASSERT(!out.method.empty() && !out.target.empty());
    GILIRAN_ASSERT(out.target.size() <= size && out.status <= 999);
  }
  if (giliran::telemetry::parse_combined(line, out)) {
    GILIRAN_ASSERT(!httplog);
    GILIRAN_ASSERT(!out.method.empty() && !out.target.empty());
    GILIRAN_ASSERT(out.target.size() <= size && out.status <= 999);
  }
  return 0;
}
