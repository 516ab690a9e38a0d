// Any text is a template or refused; what a template becomes is bounded, and the same every time.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "client/template.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using giliran::client::Template;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  uint64_t places = 0;
  const auto parsed = Template::parse(text, places);
  if (!parsed) {
    GILIRAN_ASSERT(!parsed.error().message.empty());
    return 0;
  }
  GILIRAN_ASSERT(parsed->constant() == (places == 0));
  std::string once;
  std::string again;
  parsed->append({.seed = size, .number = 1}, once);
  parsed->append({.seed = size, .number = 1}, again);
  GILIRAN_ASSERT(once == again);
  GILIRAN_ASSERT(once.size() <= parsed->size_max());
  return 0;
}
