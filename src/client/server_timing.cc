#include "client/server_timing.h"

#include "base/text.h"

namespace giliran::client {
namespace {

constexpr uint64_t kDayMs = 24ull * 3600 * 1000;
constexpr uint64_t kNsPerMs = 1'000'000;

bool is_space(char c) {
  return c == ' ' || c == '\t';
}

const char* skip_space(const char* at, const char* end) {
  while (at != end && is_space(*at)) ++at;
  return at;
}

// To the next ';' or ',' outside of quotes.
const char* skip_text(const char* at, const char* end) {
  bool quoted = false;
  for (; at != end; ++at) {
    if (*at == '"') {
      quoted = !quoted;
    } else if (quoted) {
      if (*at == '\\' && at + 1 != end) ++at;
    } else if (*at == ';' || *at == ',') {
      break;
    }
  }
  return at;
}

bool is_dur(std::string_view key) {
  return key.size() == 3 && (key[0] | 0x20) == 'd' && (key[1] | 0x20) == 'u' &&
         (key[2] | 0x20) == 'r';
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

// One pass: it is read for every answer.
std::optional<ServerMetric> ServerTimingReader::next() {
  const char* at = rest_.data();
  const char* const end = at + rest_.size();
  while (at != end) {
    const char* const name = at = skip_space(at, end);
    while (at != end && !is_space(*at) && *at != ';' && *at != ',' && *at != '"' && *at != '=') {
      ++at;
    }
    ServerMetric found{.name = {name, at}, .took_ns = std::nullopt};
    at = skip_space(at, end);
    const bool named = !found.name.empty() && (at == end || *at == ';' || *at == ',');
    bool seen = false;  // the first one counts
    if (!named) at = skip_text(at, end);
    while (at != end && *at == ';') {
      const char* const key = at = skip_space(at + 1, end);
      while (at != end && !is_space(*at) && *at != '=' && *at != ';' && *at != ',') ++at;
      const bool dur = !seen && is_dur({key, at});
      const char* const value = at = skip_space(at, end);
      at = skip_text(at, end);
      if (!dur) continue;
      seen = true;
      if (value != at && *value == '=') found.took_ns = parse_ms(base::trim({value + 1, at}));
    }
    if (at != end) ++at;  // the comma
    rest_ = {at, end};
    if (named) return found;
  }
  rest_ = {};
  return std::nullopt;
}

}  // namespace giliran::client
