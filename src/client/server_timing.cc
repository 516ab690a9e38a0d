#include "client/server_timing.h"

#include <algorithm>

#include "base/text.h"

namespace giliran::client {
namespace {

constexpr uint64_t kDayMs = 24ull * 3600 * 1000;
constexpr uint64_t kNsPerMs = 1'000'000;

// Cuts off what is before the first `separator` outside of quotes, and the separator.
std::string_view cut(std::string_view& text, char separator) {
  bool quoted = false;
  size_t at = 0;
  for (; at < text.size() && (quoted || text[at] != separator); ++at) {
    if (text[at] == '"') quoted = !quoted;
    if (quoted && text[at] == '\\') ++at;
  }
  at = std::min(at, text.size());
  const std::string_view piece = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return piece;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// "12", "12.5", ".5"; digits behind the nanoseconds are dropped.
std::optional<uint64_t> parse_ms(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
    text = text.substr(1, text.size() - 2);
  }
  uint64_t ms = 0;
  size_t i = 0;
  for (; i < text.size() && is_digit(text[i]); ++i) {
    ms = ms * 10 + static_cast<uint64_t>(text[i] - '0');
    if (ms > kDayMs) return std::nullopt;
  }
  const size_t whole_digits = i;
  uint64_t ns = ms * kNsPerMs;
  const size_t point = i;
  if (i < text.size() && text[i] == '.') {
    uint64_t unit = kNsPerMs / 10;
    for (++i; i < text.size() && is_digit(text[i]); ++i, unit /= 10) {
      ns += static_cast<uint64_t>(text[i] - '0') * unit;
    }
  }
  const bool digits = whole_digits != 0 || i > point + 1;
  return digits && i == text.size() ? std::optional(ns) : std::nullopt;
}

}  // namespace

std::optional<ServerMetric> ServerTimingReader::next() {
  while (!rest_.empty()) {
    std::string_view metric = cut(rest_, ',');
    ServerMetric found{.name = base::trim(cut(metric, ';')), .took_ns = std::nullopt};
    if (found.name.empty() || found.name.find_first_of(" \t\"=") != std::string_view::npos) {
      continue;
    }
    bool seen = false;  // the first one counts
    while (!metric.empty() && !seen) {
      std::string_view parameter = cut(metric, ';');
      seen = base::equals_ignoring_case(base::trim(cut(parameter, '=')), "dur");
      if (seen) found.took_ns = parse_ms(base::trim(parameter));
    }
    return found;
  }
  return std::nullopt;
}

}  // namespace giliran::client
