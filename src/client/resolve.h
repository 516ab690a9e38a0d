// From the URL's host to the addresses that are connected to.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/error.h"

namespace giliran::client {

// --resolve HOST:PORT:ADDRESS[,ADDRESS]..., as in curl: what a name is taken to be.
struct Resolve {
  std::string host{};  // "*": any
  uint16_t port = 0;
  std::vector<base::Address> addresses{};  // with the port
};

// Addresses are numeric, IPv6 with or without brackets; a '+' in front is ignored, as there is
// nothing here that expires.
base::Result<Resolve> parse_resolve(std::string_view text);

// The addresses of "HOST:PORT", at least one: of the first of `given` that is for it, or what the
// system says (which may block). IPv4 first, those of a family side by side. An error where there
// are some given and none is for it.
base::Result<std::vector<base::Address>> resolve(std::string_view host_port,
                                                 std::span<const Resolve> given);

}  // namespace giliran::client
