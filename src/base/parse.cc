#include "base/parse.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "base/text.h"

namespace giliran::base {
namespace {

struct Unit {
  std::string_view suffix;
  uint64_t factor;
};

constexpr Unit kCountUnits[] = {
    {"", 1}, {"k", 1000}, {"K", 1000}, {"m", 1'000'000}, {"M", 1'000'000}};
constexpr Unit kByteUnits[] = {{"", 1},
                               {"B", 1},
                               {"KiB", uint64_t{1} << 10},
                               {"MiB", uint64_t{1} << 20},
                               {"GiB", uint64_t{1} << 30},
                               {"TiB", uint64_t{1} << 40}};
constexpr Unit kTimeUnits[] = {{"ns", 1},
                               {"us", 1000},
                               {"ms", 1'000'000},
                               {"s", 1'000'000'000},
                               {"m", 60'000'000'000},
                               {"h", 3'600'000'000'000}};

// A unit as people write it, in lower case, and as it is written here.
struct UnitWord {
  std::string_view word;
  std::string_view unit;
};

constexpr UnitWord kByteWords[] = {{"b", "B"},     {"byte", "B"},  {"bytes", "B"}, {"k", "KiB"},
                                   {"kb", "KiB"},  {"kib", "KiB"}, {"m", "MiB"},   {"mb", "MiB"},
                                   {"mib", "MiB"}, {"g", "GiB"},   {"gb", "GiB"},  {"gib", "GiB"},
                                   {"t", "TiB"},   {"tb", "TiB"},  {"tib", "TiB"}};
constexpr UnitWord kTimeWords[] = {
    {"", "s"},        {"s", "s"},     {"sec", "s"},     {"secs", "s"}, {"second", "s"},
    {"seconds", "s"}, {"m", "m"},     {"min", "m"},     {"mins", "m"}, {"minute", "m"},
    {"minutes", "m"}, {"h", "h"},     {"hr", "h"},      {"hour", "h"}, {"hours", "h"},
    {"ms", "ms"},     {"msec", "ms"}, {"millis", "ms"}, {"us", "us"},  {"usec", "us"},
    {"micros", "us"}, {"ns", "ns"},   {"nsec", "ns"}};

constexpr std::string_view kCountForms = "expected a count such as 1000, 20k, 3m";
constexpr std::string_view kByteForms = "expected a size such as 512, 16KiB, 100MiB, 1GiB";
constexpr std::string_view kTimeForms = "expected a duration such as 250us, 5ms, 10s, 2m";
constexpr std::string_view kRateForms = "expected a rate per second such as 500, 20k, 50/1s, 120/m";

std::unexpected<Error> refuse(std::string_view text, std::string_view why) {
  return fail(fmt::format("'{}': {}", text, why));
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

const Unit* find_unit(std::span<const Unit> units, std::string_view suffix) {
  const auto found = std::ranges::find(units, suffix, &Unit::suffix);
  return found == units.end() ? nullptr : &*found;
}

// A decimal number in front of a unit: all its digits as one integer, and how many of them stand
// behind the point.
struct Decimal {
  uint64_t digits = 0;
  int behind_point = 0;
  std::string_view rest;
  bool valid = false;
  bool overflow = false;
};

Decimal split_decimal(std::string_view text) {
  Decimal d;
  size_t at = 0;
  bool before = false;
  bool point = false;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '.' && before && !point && at + 1 < text.size() && is_digit(text[at + 1])) {
      point = true;
      continue;
    }
    if (!is_digit(c)) break;
    before = true;
    if (__builtin_mul_overflow(d.digits, 10U, &d.digits) ||
        __builtin_add_overflow(d.digits, static_cast<unsigned>(c - '0'), &d.digits)) {
      d.overflow = true;
    }
    if (point) ++d.behind_point;
  }
  d.valid = before;
  d.rest = text.substr(at);
  return d;
}

// "; did you mean 10s?" for "10", "10 sec" or "10S": `front` and the unit that `word` is.
std::string meant_unit(std::string_view front, std::string_view word,
                       std::span<const UnitWord> words) {
  std::string lower;
  for (const char c : trim(word)) lower += to_lower(c);
  const auto found = std::ranges::find(words, lower, &UnitWord::word);
  return found == words.end() ? std::string()
                              : fmt::format("; did you mean {}{}?", front, found->unit);
}

// Exact: 1.5ms is 1500000, and what is no whole number of the smallest unit is an error.
Result<uint64_t> parse_scaled(std::string_view text, std::span<const Unit> units,
                              std::span<const UnitWord> words, std::string_view forms,
                              uint64_t max) {
  const Decimal number = split_decimal(text);
  const Unit* unit = number.valid ? find_unit(units, number.rest) : nullptr;
  if (unit == nullptr && number.valid) {
    const std::string_view digits = text.substr(0, text.size() - number.rest.size());
    return refuse(text, fmt::format("{}{}", forms, meant_unit(digits, number.rest, words)));
  }
  if (unit == nullptr) return refuse(text, forms);
  unsigned __int128 value = number.digits;
  value *= unit->factor;
  if (number.overflow) {
    return refuse(text, number.behind_point == 0 ? "too large" : "too many digits");
  }
  for (int i = 0; i < number.behind_point; ++i) {
    if (value % 10 != 0) return refuse(text, "finer than the smallest unit");
    value /= 10;
  }
  if (value > max) return refuse(text, "too large");
  return static_cast<uint64_t>(value);
}

size_t edit_distance(std::string_view a, std::string_view b) {
  // Optimal string alignment: insert, delete, replace, or swap two neighbours.
  const size_t width = b.size() + 1;
  std::vector<size_t> before_last(width), last(width), row(width);
  for (size_t j = 0; j < width; ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j < width; ++j) {
      const size_t cost = to_lower(a[i - 1]) == to_lower(b[j - 1]) ? 0 : 1;
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + cost});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before_last[j - 2] + 1);
      }
    }
    std::swap(before_last, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

// "1.5" for 1500000 in units of 1000000; exact.
std::string exact_quotient(uint64_t value, uint64_t unit) {
  std::string text = fmt::format("{}", value / unit);
  uint64_t rest = value % unit;
  if (rest == 0) return text;
  text += '.';
  while (rest != 0) {
    rest *= 10;
    text += static_cast<char>('0' + rest / unit);
    rest %= unit;
  }
  return text;
}

}  // namespace

Result<uint64_t> parse_uint(std::string_view text, uint64_t max) {
  uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error == std::errc::invalid_argument || at != end) {
    return refuse(text, "expected a whole number");
  }
  if (error == std::errc::result_out_of_range || value > max) {
    return refuse(text, fmt::format("too large, at most {}", max));
  }
  return value;
}

Result<double> parse_double(std::string_view text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error == std::errc::invalid_argument || at != end) {
    return refuse(text, "expected a number such as 2 or 0.5");
  }
  if (error == std::errc::result_out_of_range) return refuse(text, "out of range");
  if (!std::isfinite(value)) return refuse(text, "expected a finite number");
  return value;
}

Result<uint64_t> parse_count(std::string_view text) {
  return parse_scaled(text, kCountUnits, {}, kCountForms, UINT64_MAX);
}

Result<uint64_t> parse_bytes(std::string_view text) {
  return parse_scaled(text, kByteUnits, kByteWords, kByteForms, UINT64_MAX);
}

Result<Duration> parse_duration(std::string_view text) {
  if (text == "0") return Duration(0);
  const uint64_t ns =
      GILIRAN_TRY(parse_scaled(text, kTimeUnits, kTimeWords, kTimeForms, INT64_MAX));
  return Duration(static_cast<int64_t>(ns));
}

Result<double> parse_fraction(std::string_view text) {
  const bool percent = text.ends_with('%');
  const auto number = parse_double(percent ? text.substr(0, text.size() - 1) : text);
  if (!number) return refuse(text, "expected a part such as 1%, 0.5% or 0.01");
  const double value = percent ? *number / 100 : *number;
  if (!(value >= 0 && value <= 1)) {
    const bool meant_percent = !percent && value > 1 && value <= 100;
    return refuse(text, fmt::format("expected a part between 0 and 1, or 0% and 100%{}",
                                    meant_percent ? fmt::format("; did you mean {}%?", text) : ""));
  }
  return value;
}

Result<double> parse_rate(std::string_view text) {
  const size_t slash = text.find('/');
  std::string_view count = text.substr(0, slash);
  const size_t suffix_at = count.find_first_of("kKmM");
  const Unit* unit = suffix_at == std::string_view::npos
                         ? &kCountUnits[0]
                         : find_unit(kCountUnits, count.substr(suffix_at));
  if (unit == nullptr) return refuse(text, kRateForms);
  const auto number = parse_double(count.substr(0, suffix_at));
  if (!number || !(*number >= 0)) return refuse(text, kRateForms);
  double seconds = 1;
  if (slash != std::string_view::npos) {
    const std::string_view per = text.substr(slash + 1);
    const bool counted = per.empty() || is_digit(per[0]);
    const auto duration = parse_duration(fmt::format("{}{}", counted ? "" : "1", per));
    if (!duration) {
      const std::string meant =
          counted ? "" : meant_unit(text.substr(0, slash + 1), per, kTimeWords);
      return refuse(text, fmt::format("{}{}", kRateForms, meant));
    }
    if (duration->count() == 0) return refuse(text, "per no time at all");
    seconds = to_seconds(*duration);
  }
  const double rate = *number * static_cast<double>(unit->factor) / seconds;
  if (!std::isfinite(rate)) return refuse(text, "too large");
  return rate;
}

Result<uint16_t> parse_port(std::string_view text) {
  uint16_t port = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, port);
  if (text.empty() || error != std::errc() || at != end) {
    return refuse(text, "expected a port, 0 to 65535");
  }
  return port;
}

std::string format_duration(Duration d) {
  if (d.count() == 0) return "0s";
  const bool negative = d.count() < 0;
  const uint64_t ns =
      negative ? -static_cast<uint64_t>(d.count()) : static_cast<uint64_t>(d.count());
  // The largest unit that gives one or more; minutes and hours only where they are whole.
  const Unit* best = &kTimeUnits[0];
  for (const Unit& unit : kTimeUnits) {
    const bool decimal = unit.factor <= 1'000'000'000;
    if (ns >= unit.factor && (decimal || ns % unit.factor == 0)) best = &unit;
  }
  return fmt::format("{}{}{}", negative ? "-" : "", exact_quotient(ns, best->factor), best->suffix);
}

std::string format_bytes(uint64_t bytes) {
  constexpr std::array<std::string_view, 7> kNames = {"B",   "KiB", "MiB", "GiB",
                                                      "TiB", "PiB", "EiB"};
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  // 1023.95 and above would be shown as 1024.
  while (unit + 1 < kNames.size() && value >= (unit == 0 ? 1024 : 1023.95)) {
    value /= 1024;
    ++unit;
  }
  std::string text = fmt::format("{:.1f}", value);
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  return text + std::string(kNames[unit]);
}

std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates) {
  std::string_view best;
  size_t best_distance = SIZE_MAX;
  for (const std::string_view candidate : candidates) {
    const size_t distance = edit_distance(word, candidate);
    if (distance * 3 > std::max(word.size(), candidate.size())) continue;
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace giliran::base
