// An address of a socket as a value: IPv4, IPv6 or a Unix path. No I/O: names are resolved in net.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace giliran::base {

class Address {
 public:
  // At most 15 + 1 + 5 (IPv4), 2 + 45 + 1 + 5 (IPv6) or 5 + 107 (Unix) bytes.
  static constexpr size_t kTextMax = 112;
  static constexpr size_t kUnixPathsMax = 4096;

  Address() = default;  // "none"
  static Address ipv4(uint32_t host_order, uint16_t port);
  static Address loopback(uint16_t port) { return ipv4(0x7f000001, port); }
  // None where the family is not one of the three. A Unix socket without a name is "unix:".
  static Address from_sockaddr(const sockaddr* address, socklen_t size);

  // Numeric "127.0.0.1:80", "[::1]:80", "[fe80::1%2]:80" (scope by number), "unix:/path" or, in the
  // abstract namespace, "unix:@name". An error says what is wrong with the text.
  static Result<Address> parse(std::string_view text);

  bool none() const { return family() == AF_UNSPEC; }
  int family() const { return family_; }
  bool is_unix() const { return family() == AF_UNIX; }
  bool is_any() const;                     // 0.0.0.0 or [::]: every address of the machine
  uint16_t port() const { return port_; }  // 0 for Unix
  Address with_port(uint16_t port) const;
  // Fills what bind() and connect() take; returns its size.
  socklen_t to_sockaddr(sockaddr_storage& out) const;

  // "127.0.0.1:80", "[::1]:80", "unix:/path", or "-" for none.
  std::string text() const;
  // The same without the port and brackets. A scope ("%2") stays.
  std::string host_text() const;
  // Writes text() into `out` (at least kTextMax bytes), without allocation; returns its length.
  size_t format(char* out) const;
  size_t format_host(char* out) const;

  bool operator==(const Address& other) const;

 private:
  static Address unix_path(const std::string* path);  // interned

  // 24 bytes, because every connection and every record holds several: a Unix path is interned for
  // the life of the process (they come from the configuration, so there are few; past kUnixPathsMax
  // parse() refuses another one and a peer's counts as without a name).
  union Place {
    in_addr v4;
    in6_addr v6;
    const std::string* path;  // of a Unix socket; null: without a name
  } place_{.v6 = {}};
  uint32_t scope_ = 0;  // of IPv6
  uint16_t port_ = 0;
  sa_family_t family_ = AF_UNSPEC;
};

static_assert(sizeof(Address) == 24);

}  // namespace giliran::base
