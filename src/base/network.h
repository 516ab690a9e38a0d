// A range of addresses, "10.0.0.0/8" or "fd00::/8": who is trusted, who may say who it is.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/address.h"
#include "base/error.h"

namespace giliran::base {

class Network {
 public:
  // "10.0.0.0/8", "192.0.2.1" (that address alone), "fd00::/8", "unix" (every Unix socket). An
  // error says what is wrong with the text; bits set behind the prefix are one.
  static Result<Network> parse(std::string_view text);

  // An IPv4 address written as IPv6 (::ffff:10.0.0.1) is in the IPv4 network.
  bool contains(const Address& address) const;
  std::string text() const;

  bool operator==(const Network&) const = default;

 private:
  int family_ = 0;  // AF_INET, AF_INET6 or AF_UNIX
  uint32_t prefix_ = 0;
  std::array<uint8_t, 16> bytes_{};
};

inline bool any_contains(std::span<const Network> networks, const Address& address) {
  for (const Network& network : networks) {
    if (network.contains(address)) return true;
  }
  return false;
}

}  // namespace giliran::base
