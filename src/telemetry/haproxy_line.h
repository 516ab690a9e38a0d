// Records as HAProxy's `option httplog` and `option tcplog` write them, with the prefix of classic
// syslog files. docs/formats/logs.md says which field is what.
#pragma once

#include <string>
#include <string_view>

#include "telemetry/local_clock.h"
#include "telemetry/record.h"

namespace giliran::telemetry {

// HAProxy's tune.http.logurilen: bytes of a request line and the byte that ends it.
constexpr size_t kRequestLineMax = 1023;

// Each appends one line, with its end. `prefix` is "host name[id]: ".
void append_httplog(const Record& record, std::string_view prefix, LocalClock& clock,
                    std::string& out);
void append_tcplog(const Record& record, std::string_view prefix, LocalClock& clock,
                   std::string& out);
// A message of the process and not of a request, as HAProxy's own "Proxy web started." is one.
void append_syslog_message(std::string_view prefix, std::string_view message, base::WallTime now,
                           LocalClock& clock, std::string& out);

}  // namespace giliran::telemetry
