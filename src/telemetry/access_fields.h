// A line of HAProxy's httplog or tcplog, or of the combined and common formats of NGINX and Apache,
// in its fields as they stand there. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/time.h"

namespace giliran::telemetry {

// The texts borrow from the line; escapes are not undone.
struct HaproxyFields {
  bool http = true;     // false: a flow's line, with three timers and without status and request
  base::WallTime when;  // of `date`: the wall clock of that machine read as UTC, to the millisecond
  std::string_view date, client, frontend, backend, server;
  // TR, Tw, Tc, Tr and Ta (a flow's: -1, Tw, Tc, -1, Tt) in milliseconds; -1: not reached.
  std::array<int64_t, 5> timers{};
  uint16_t status = 0;  // 0: none was sent
  uint64_t bytes_out = 0;
  std::string_view state;  // of termination: "SC--", "SD"; empty where the line ends before
  uint16_t retries = 0;
  bool redispatched = false;  // an attempt went to another server
  std::string_view request;
};

struct CombinedFields {
  base::WallTime when;  // of `date`: when the answer was over, to the second
  std::string_view date, client, request;
  uint16_t status = 0;
  uint64_t bytes_out = 0;
  std::string_view referer, user_agent;  // empty where there is none
};

// With or without a syslog prefix, captured headers, a TLS mark or the times of `option logasap`.
// False where it is no such line, or was cut; `out` is then unspecified.
bool split_haproxy(std::string_view line, HaproxyFields& out);
// What stands behind the size need not be there.
bool split_combined(std::string_view line, CombinedFields& out);

// "GET /a b HTTP/1.1": what is between the first space and the last is the target. False where it
// is no request line.
struct RequestFields {
  std::string_view method, target, proto;
};
bool split_request(std::string_view request, RequestFields& out);

// How a line's writer escapes a byte: this and two hexadecimal digits.
constexpr std::string_view kHaproxyMark = "#";
constexpr std::string_view kNginxMark = "\\x";
// Undoes that into `out`; any other mark stands for itself.
void unescape(std::string_view text, std::string_view mark, std::string& out);

}  // namespace giliran::telemetry
