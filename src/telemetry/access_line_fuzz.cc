// Any text is an access line of one kind at most, or none, and as a record within its bounds.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "telemetry/access_line.h"
#include "telemetry/access_record.h"

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
  static giliran::telemetry::AccessRecordParser parser;
  giliran::telemetry::Line record;
  uint64_t dropped = 0;
  if (parser.parse(line, record, dropped) == giliran::telemetry::LineParser::What::kRecord) {
    GILIRAN_ASSERT(record.target.size() <= size && record.server.size() <= size);
    GILIRAN_ASSERT(record.data.count() >= -1 && record.total.count() >= -1);
  }
  return 0;
}
