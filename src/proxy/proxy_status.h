// The Proxy-Status field of our own answers (RFC 9209): what went wrong, who is to blame and in
// which phase, for programs. docs/formats/answers.md describes it.
#pragma once

#include <span>
#include <string_view>

#include "telemetry/record.h"

namespace giliran::proxy {

// The registered proxy error type (RFC 9209, 2.3), "connection_refused"; "" for kOk. `reason` is
// the record's.
std::string_view proxy_error_type(telemetry::End end, telemetry::Phase phase,
                                  std::string_view reason);

// Of `reason`; what is longer is cut.
constexpr size_t kProxyStatusDetailsMax = 128;
constexpr size_t kProxyStatusBytesMax = 512;

// "giliran; error=connection_refused; details="ECONNREFUSED"; end=connect-refused; by=server;
// phase=connect" in `out`, which holds kProxyStatusBytesMax. Parameters that say nothing are left
// out. Whatever the reason is, the value is a valid structured field of visible ASCII and spaces.
std::string_view format_proxy_status(telemetry::End end, telemetry::By by, telemetry::Phase phase,
                                     std::string_view reason,
                                     std::span<char, kProxyStatusBytesMax> out);

}  // namespace giliran::proxy
