// The form of "HOST:PORT", without asking anybody whether the host exists.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace giliran::config {

// HOST is a name, an IPv4 address, or an IPv6 address in brackets. Views of the text it came from.
struct HostPort {
  std::string_view host;  // without brackets; the whole text for "unix:/path"
  uint16_t port = 0;      // 0 for "unix:/path"
};

// Errors say what is wrong, without quoting the text (the caller has more of it to quote).
// "unix:/path" passes too. An empty host and "*" pass as hosts: who must have one refuses them.
base::Result<HostPort> split_host_port(std::string_view text);

// The same for every spelling of one address: lower-case host, port without leading zeros.
std::string canonical(const HostPort& address);

}  // namespace giliran::config
