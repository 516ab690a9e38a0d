// By hand, a field at a time from the left: a regular expression for each line would take most of
// the time of a report.
#include "telemetry/access_fields.h"

#include <algorithm>
#include <chrono>
#include <optional>

#include "base/parse.h"

namespace giliran::telemetry {
namespace {

constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr int64_t kNsPerSecond = 1'000'000'000;
constexpr uint64_t kNumberMax = 9'000'000'000'000;  // milliseconds that nanoseconds reach
constexpr uint64_t kYearMin = 1970;
constexpr uint64_t kYearMax = 2261;  // the last whole one that nanoseconds reach

// Takes what stands before `end` off the front, and `end` with it.
std::optional<std::string_view> take_until(std::string_view& text, char end) {
  const size_t at = text.find(end);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(at + 1);
  return taken;
}

std::optional<uint64_t> number(std::string_view text, uint64_t max = UINT64_MAX) {
  const auto parsed = base::parse_uint(text, max);
  return parsed ? std::optional(*parsed) : std::nullopt;
}

// "21/Nov/2026:23:00:01": seconds since 1970, as if it were UTC.
std::optional<int64_t> calendar_seconds(std::string_view text) {
  if (text.size() != 20 || text[2] != '/' || text[6] != '/' || text[11] != ':' || text[14] != ':' ||
      text[17] != ':') {
    return std::nullopt;
  }
  unsigned month = 0;
  while (month < kMonths.size() && kMonths[month] != text.substr(3, 3)) ++month;
  const auto day = number(text.substr(0, 2), 31);
  const auto year = number(text.substr(7, 4), kYearMax);
  const auto hour = number(text.substr(12, 2), 23);
  const auto minute = number(text.substr(15, 2), 59);
  const auto second = number(text.substr(18, 2), 60);
  if (month == kMonths.size() || !day || !year || *year < kYearMin || !hour || !minute || !second)
    return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(month + 1),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  const int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return days * 86'400 + static_cast<int64_t>(*hour * 3600 + *minute * 60 + *second);
}

// "+0100": minutes east of UTC.
std::optional<int64_t> offset_minutes(std::string_view text) {
  if (text.size() != 5 || (text[0] != '+' && text[0] != '-')) return std::nullopt;
  const auto hours = number(text.substr(1, 2), 23);
  const auto minutes = number(text.substr(3, 2), 59);
  if (!hours || !minutes) return std::nullopt;
  const auto east = static_cast<int64_t>(*hours * 60 + *minutes);
  return text[0] == '-' ? -east : east;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The next word, up to a space or the end.
std::string_view take_word(std::string_view& text) {
  const size_t end = std::min(text.find(' '), text.size());
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return word;
}

// Numbers between slashes, each perhaps with a sign; how many, 0 where one is no number or there
// are more than `max`.
size_t take_numbers(std::string_view text, int64_t* out, size_t max) {
  for (size_t i = 0; i < max; ++i) {
    const size_t slash = text.find('/');
    std::string_view one = text.substr(0, slash);
    const bool negative = one.starts_with('-');
    if (negative || one.starts_with('+')) one.remove_prefix(1);
    const auto value = number(one, kNumberMax);
    if (!value) return 0;
    out[i] = negative ? -1 : static_cast<int64_t>(*value);
    if (slash == std::string_view::npos) return i + 1;
    text.remove_prefix(slash + 1);
  }
  return 0;
}

bool take_timers(std::string_view text, HaproxyFields& out) {
  const size_t count = take_numbers(text, out.timers.data(), out.timers.size());
  out.http = count == 5;
  if (count == 3) out.timers = {-1, out.timers[0], out.timers[1], -1, out.timers[2]};
  return count == 3 || count == 5;
}

// "1/1/1/1/+2"
bool take_counters(std::string_view text, HaproxyFields& out) {
  std::array<int64_t, 5> counters{};
  if (take_numbers(text, counters.data(), counters.size()) != 5) return false;
  out.retries = static_cast<uint16_t>(std::min<int64_t>(std::max<int64_t>(counters[4], 0), 9999));
  out.redispatched = text.find("/+") != std::string_view::npos;
  return true;
}

// From the status on, behind the timers: of a flow, from the size on.
bool take_rest(std::string_view rest, HaproxyFields& out) {
  if (out.http) {
    const std::string_view status = take_word(rest);
    const auto code = status == "-1" ? std::optional<uint64_t>(0) : number(status, 999);
    if (!code) return false;
    out.status = static_cast<uint16_t>(*code);
  }
  std::string_view bytes = take_word(rest);
  if (bytes.starts_with('+')) bytes.remove_prefix(1);
  const auto size = number(bytes);
  if (!size) return false;
  out.bytes_out = *size;
  const size_t quote = out.http ? rest.find(" \"") : rest.size();
  if (quote == std::string_view::npos) return false;
  std::string_view middle = rest.substr(0, quote);
  if (out.http) {
    out.request = rest.substr(quote + 2);
    if (!out.request.ends_with('"')) return false;
    out.request.remove_suffix(1);
    take_word(middle);  // captured cookies
    take_word(middle);
  }
  out.state = take_word(middle);
  out.retries = 0;
  out.redispatched = false;
  return take_counters(take_word(middle), out) || out.http;
}

// A field in quotes, with the space before it; a quote within is escaped: \x22 by NGINX, \" by
// Apache.
std::optional<std::string_view> take_quoted(std::string_view& text) {
  if (!text.starts_with(" \"")) return std::nullopt;
  size_t end = 2;
  while (end < text.size() && text[end] != '"') end += text[end] == '\\' ? 2 : 1;
  if (end >= text.size()) return std::nullopt;
  const std::string_view taken = text.substr(2, end - 2);
  text.remove_prefix(end + 1);
  return taken;
}

std::string_view or_none(std::optional<std::string_view> text) {
  return !text || *text == "-" ? std::string_view() : *text;
}

}  // namespace

// ... ip:port [21/Nov/2026:23:00:01.123] frontend backend/server TR/Tw/Tc/Tr/Ta status bytes ...
// "request"
bool split_haproxy(std::string_view line, HaproxyFields& out) {
  const size_t bracket = line.find(" [");
  if (bracket == std::string_view::npos) return false;
  const std::string_view before = line.substr(0, bracket);
  out.client = before.substr(before.rfind(' ') + 1);
  std::string_view rest = line.substr(bracket + 2);
  const auto date = take_until(rest, ']');
  if (!date || date->size() != 24 || (*date)[20] != '.' || !rest.starts_with(' ')) return false;
  const auto seconds = calendar_seconds(date->substr(0, 20));
  const auto ms = number(date->substr(21), 999);
  if (!seconds || !ms) return false;
  out.date = *date;
  out.when = {*seconds * kNsPerSecond + static_cast<int64_t>(*ms) * 1'000'000};
  rest.remove_prefix(1);
  out.frontend = take_word(rest);
  std::string_view both = take_word(rest);
  const auto backend = take_until(both, '/');
  if (!backend) return false;
  out.backend = *backend;
  out.server = both;
  return take_timers(take_word(rest), out) && take_rest(rest, out);
}

// client - user [21/Nov/2026:23:00:01 +0000] "request" status bytes "referer" "user agent"
bool split_combined(std::string_view line, CombinedFields& out) {
  const size_t bracket = line.find(" [");
  if (bracket == std::string_view::npos) return false;
  out.client = line.substr(0, line.find(' '));
  std::string_view rest = line.substr(bracket + 2);
  const auto date = take_until(rest, ']');
  if (!date || date->size() != 26 || (*date)[20] != ' ') return false;
  const auto seconds = calendar_seconds(date->substr(0, 20));
  const auto east = offset_minutes(date->substr(21));
  const auto request = take_quoted(rest);
  if (!seconds || !east || !request || !rest.starts_with(' ')) return false;
  out.date = *date;
  out.when = {(*seconds - *east * 60) * kNsPerSecond};
  out.request = *request;
  rest.remove_prefix(1);
  const size_t space = rest.find(' ');
  if (space == std::string_view::npos) return false;
  const auto code = number(rest.substr(0, space), 999);
  rest.remove_prefix(space + 1);
  const std::string_view bytes = rest.substr(0, rest.find(' '));
  const auto size = bytes == "-" ? std::optional<uint64_t>(0) : number(bytes);
  if (!code || !size) return false;
  out.status = static_cast<uint16_t>(*code);
  out.bytes_out = *size;
  rest.remove_prefix(bytes.size());
  out.referer = or_none(take_quoted(rest));
  out.user_agent = or_none(take_quoted(rest));
  return true;
}

bool split_request(std::string_view request, RequestFields& out) {
  const size_t first = request.find(' ');
  const size_t last = request.rfind(' ');
  if (first == std::string_view::npos || last <= first + 1 || first == 0) return false;
  if (!request.substr(last + 1).starts_with("HTTP/")) return false;
  out.method = request.substr(0, first);
  out.target = request.substr(first + 1, last - first - 1);
  out.proto = request.substr(last + 1);
  return true;
}

void unescape(std::string_view text, std::string_view mark, std::string& out) {
  out.clear();
  for (size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i).starts_with(mark) && i + mark.size() + 1 < text.size()) {
      const int high = hex_digit(text[i + mark.size()]);
      const int low = hex_digit(text[i + mark.size() + 1]);
      if (high >= 0 && low >= 0) {
        out += static_cast<char>(high * 16 + low);
        i += mark.size() + 1;
        continue;
      }
    }
    out += text[i];
  }
}

}  // namespace giliran::telemetry
