#include "telemetry/access_line.h"

#include <array>
#include <chrono>
#include <optional>

#include "base/parse.h"

namespace giliran::telemetry {
namespace {

constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr int64_t kNsPerSecond = 1'000'000'000;
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

// Undoes `mark` and two hexadecimal digits; any other mark stands for itself.
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

// "GET /a b HTTP/1.1": what is between the first space and the last is the target.
bool split_request(std::string_view request, std::string_view mark, AccessLine& out) {
  const size_t first = request.find(' ');
  const size_t last = request.rfind(' ');
  if (first == std::string_view::npos || last <= first + 1 || first == 0) return false;
  if (!request.substr(last + 1).starts_with("HTTP/")) return false;
  out.method = request.substr(0, first);
  out.proto = request.substr(last + 1);
  unescape(request.substr(first + 1, last - first - 1), mark, out.target);
  return true;
}

// "10/0/30/69/109", the last perhaps with a '+', any -1.
bool is_five_timers(std::string_view text) {
  for (int i = 0; i < 5; ++i) {
    const size_t slash = text.find('/');
    std::string_view one = text.substr(0, slash);
    if (one.starts_with('+') || one.starts_with('-')) one.remove_prefix(1);
    if (!number(one)) return false;
    if (slash == std::string_view::npos) return i == 4;
    text.remove_prefix(slash + 1);
  }
  return false;
}

}  // namespace

// ... ip:port [21/Nov/2026:23:00:01.123] frontend backend/server TR/Tw/Tc/Tr/Ta status bytes ...
// "request"
bool parse_httplog(std::string_view line, AccessLine& out) {
  const size_t bracket = line.find(" [");
  if (bracket == std::string_view::npos) return false;
  std::string_view rest = line.substr(bracket + 2);
  const auto date = take_until(rest, ']');
  if (!date || date->size() != 24 || (*date)[20] != '.' || !rest.starts_with(' ')) return false;
  const auto seconds = calendar_seconds(date->substr(0, 20));
  const auto ms = number(date->substr(21), 999);
  if (!seconds || !ms) return false;
  rest.remove_prefix(1);
  const auto frontend = take_until(rest, ' ');
  const auto backend = take_until(rest, ' ');
  const auto timers = take_until(rest, ' ');
  const auto status = take_until(rest, ' ');
  auto bytes = take_until(rest, ' ');
  if (!frontend || !backend || !timers || !status || !bytes) return false;
  if (backend->find('/') == std::string_view::npos || !is_five_timers(*timers)) return false;
  if (bytes->starts_with('+')) bytes->remove_prefix(1);
  const auto code = *status == "-1" ? std::optional<uint64_t>(0) : number(*status, 999);
  const auto size = number(*bytes);
  const size_t quote = rest.find(" \"");
  if (!code || !size || quote == std::string_view::npos || !rest.ends_with('"')) return false;
  const std::string_view request = rest.substr(quote + 2);
  if (request.empty()) return false;
  out.when = {*seconds * kNsPerSecond + static_cast<int64_t>(*ms) * 1'000'000};
  out.status = static_cast<uint16_t>(*code);
  out.bytes_out = *size;
  return split_request(request.substr(0, request.size() - 1), "#", out);
}

// client - user [21/Nov/2026:23:00:01 +0000] "request" status bytes ...
bool parse_combined(std::string_view line, AccessLine& out) {
  const size_t bracket = line.find(" [");
  if (bracket == std::string_view::npos) return false;
  std::string_view rest = line.substr(bracket + 2);
  const auto date = take_until(rest, ']');
  if (!date || date->size() != 26 || (*date)[20] != ' ' || !rest.starts_with(" \"")) return false;
  const auto seconds = calendar_seconds(date->substr(0, 20));
  const auto east = offset_minutes(date->substr(21));
  if (!seconds || !east) return false;
  rest.remove_prefix(2);
  // A quote within the request is escaped: \x22 by NGINX, \" by Apache.
  size_t end = 0;
  while (end < rest.size() && rest[end] != '"') end += rest[end] == '\\' ? 2 : 1;
  if (end + 1 >= rest.size() || rest[end + 1] != ' ') return false;
  const std::string_view request = rest.substr(0, end);
  rest.remove_prefix(end + 2);
  const size_t space = rest.find(' ');
  if (space == std::string_view::npos) return false;
  const auto code = number(rest.substr(0, space), 999);
  const std::string_view bytes = rest.substr(space + 1, rest.find(' ', space + 1) - space - 1);
  const auto size = bytes == "-" ? std::optional<uint64_t>(0) : number(bytes);
  if (!code || !size) return false;
  out.when = {(*seconds - *east * 60) * kNsPerSecond};
  out.status = static_cast<uint16_t>(*code);
  out.bytes_out = *size;
  return split_request(request, "\\x", out);
}

}  // namespace giliran::telemetry
