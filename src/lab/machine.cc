#include "lab/machine.h"

#include <unistd.h>

#include <fstream>
#include <string>

#include "base/parse.h"

namespace giliran::lab {
namespace {

constexpr int kFields = 8;  // user nice system idle iowait irq softirq steal
constexpr int kIdle = 3;
constexpr int kWaiting = 4;

}  // namespace

std::optional<base::Duration> parse_busy_time(std::string_view text, int64_t ticks_per_second) {
  if (!text.starts_with("cpu ") || ticks_per_second <= 0) return std::nullopt;
  std::string_view rest = text.substr(4, text.find('\n') - 4);
  uint64_t ticks = 0;
  for (int field = 0; field < kFields; ++field) {
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    const std::string_view word = rest.substr(0, rest.find(' '));
    const auto value = base::parse_uint(word);
    if (!value) return std::nullopt;
    if (field != kIdle && field != kWaiting) ticks += *value;
    rest.remove_prefix(word.size());
  }
  return base::from_seconds(static_cast<double>(ticks) / static_cast<double>(ticks_per_second));
}

std::optional<base::Duration> machine_busy_time() {
  std::ifstream file("/proc/stat");
  std::string line;
  std::getline(file, line);
  return parse_busy_time(line, ::sysconf(_SC_CLK_TCK));
}

}  // namespace giliran::lab
