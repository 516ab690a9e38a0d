// Any text is a configuration or a list of problems; what is a configuration prints as an equal
// one.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "config/coordinator_toml.h"

namespace giliran::config {
namespace {

base::Result<Coordinator> parse_any(std::string_view text) {
  std::vector<std::string> warnings;
  const auto read_file = [](const std::string& path, size_t) -> base::Result<std::string> {
    if (path.size() < 3) return base::fail("there is no such file");
    return path + "\xc3\xa9\n";
  };
  return parse_coordinator(text, "f", {.read_file = read_file, .warnings = &warnings});
}

void fuzz(std::string_view text) {
  const auto config = parse_any(text);
  if (!config) {
    GILIRAN_ASSERT(!config.error().message.empty());
    return;
  }
  const std::string printed = print_coordinator(*config);
  const auto again = parse_any(printed);
  GILIRAN_ASSERT(again.has_value());
  GILIRAN_ASSERT(*again == *config);
  GILIRAN_ASSERT(print_coordinator(*again) == printed);
}

}  // namespace
}  // namespace giliran::config

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  giliran::config::fuzz({reinterpret_cast<const char*>(data), size});
  return 0;
}
