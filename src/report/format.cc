#include "report/format.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace giliran::report {

std::string format_count(uint64_t n) {
  std::string digits = fmt::to_string(n);
  for (size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, 1, ',');
  return digits;
}

std::string format_latency(base::Duration d) {
  return format_latency_us(base::to_us(d));
}

std::string format_latency_us(double us) {
  if (us < 0) return "-" + format_latency_us(-us);
  const auto three_digits = [](double x, const char* unit) {
    return fmt::format("{:.{}f} {}", x, x < 9.995 ? 2 : x < 99.95 ? 1 : 0, unit);
  };
  if (us < 0.0005) return "0";
  if (us < 0.9995) return fmt::format("{:.0f} ns", us * 1e3);
  if (us < 999.5) return three_digits(us, "µs");
  if (us < 999.5e3) return three_digits(us / 1e3, "ms");
  return three_digits(us / 1e6, "s");
}

std::string format_rate(double per_second) {
  if (per_second < 10) return fmt::format("{:.2f}/s", per_second);
  if (per_second < 100) return fmt::format("{:.1f}/s", per_second);
  return format_count(static_cast<uint64_t>(std::llround(per_second))) + "/s";
}

std::string format_size(uint64_t bytes) {
  static constexpr std::array kUnits = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return fmt::format("{} B", bytes);
  auto x = static_cast<double>(bytes);
  size_t unit = 0;
  while (x >= 1023.95 && unit + 1 < kUnits.size()) {
    x /= 1024;
    ++unit;
  }
  return fmt::format("{:.1f} {}", x, kUnits[unit]);
}

std::string format_share(uint64_t part, uint64_t whole) {
  if (whole == 0) return "-";
  return fmt::format("{:.1f}%", 100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

std::string sparkline(std::span<const uint64_t> values) {
  static constexpr std::array kBars = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const uint64_t top = values.empty() ? 0 : *std::max_element(values.begin(), values.end());
  std::string out;
  for (const uint64_t v : values) {
    if (v == 0) {
      out += ' ';
      continue;
    }
    const double part = static_cast<double>(v) / static_cast<double>(top);
    out += kBars[static_cast<size_t>(std::ceil(part * 8)) - 1];
  }
  return out;
}

}  // namespace giliran::report
