// Reads lines of access logs that others write: HAProxy's httplog, and the combined and common
// formats of NGINX and Apache. What a replay needs of them. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/time.h"

namespace giliran::telemetry {

struct AccessLine {
  // httplog: when the first byte of the request came, by the clock on that machine's wall read as
  // UTC, to the millisecond. combined: when the answer was over, to the second.
  base::WallTime when;
  std::string method;
  std::string target;  // as it was sent, escapes undone
  std::string proto;   // "HTTP/1.1"
  uint16_t status = 0;
  uint64_t bytes_out = 0;
};

// With or without a syslog prefix, captured headers, a TLS mark or the times of `option logasap`.
// False where it is no such line, or its request was not read (<BADREQ>) or was cut; `out` is then
// unspecified.
bool parse_httplog(std::string_view line, AccessLine& out);
// What stands behind the status and the size is ignored.
bool parse_combined(std::string_view line, AccessLine& out);

}  // namespace giliran::telemetry
