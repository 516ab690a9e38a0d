// Finding out before the start what would go wrong at the start.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/error.h"

namespace giliran::net {

// Binds without SO_REUSEPORT and closes again: an error where the address is in use (also by
// another process of this user that shares the port), not ours, or not allowed. The message names
// `flag`, the flag that changes the address.
base::Result<void> probe_listen(const base::Address& address, std::string_view flag);

// "HOST:PORT" to its addresses, numeric or by name (getaddrinfo; blocks, before the start only). A
// name may have several. Also "unix:/path". "HOST" may be empty or "*": every IPv4 address.
base::Result<std::vector<base::Address>> resolve(std::string_view host_port);

// Raises the descriptor limit to the hard one; returns the limit in force.
size_t raise_descriptor_limit();

// A free TCP port of 127.0.0.1 (bound and released: for tests and the lab).
base::Result<uint16_t> free_port();

}  // namespace giliran::net
