#include "net/listen.h"

#include <fmt/format.h>
#include <netdb.h>
#include <sys/resource.h>

#include <algorithm>
#include <memory>
#include <string>

#include "base/parse.h"
#include "net/listen_socket.h"

namespace giliran::net {

base::Result<void> probe_listen(const base::Address& address, std::string_view flag) {
  Descriptor fd;
  const std::string file = unix_file(address);
  int error = bind_socket(address, false, fd);
  if (error == 0 && !file.empty()) ::unlink(file.c_str());
  if (error == EADDRINUSE && is_stale_unix_socket(address)) error = 0;
  if (error != 0) return std::unexpected(listen_error(address, flag, error));
  return {};
}

base::Result<std::vector<base::Address>> resolve(std::string_view host_port) {
  if (auto numeric = base::Address::parse(host_port)) return std::vector{*numeric};
  const size_t colon = host_port.rfind(':');
  if (host_port.starts_with("unix:") || host_port.starts_with('[') ||
      colon == std::string_view::npos || host_port.find(':') != colon) {
    return std::unexpected(base::Address::parse(host_port).error());
  }
  const std::string host(host_port.substr(0, colon));
  const auto port = base::parse_port(host_port.substr(colon + 1));
  if (!port) return base::fail(fmt::format("'{}': {}", host_port, port.error().message));
  if (host.empty() || host == "*") return std::vector{base::Address::ipv4(0, *port)};

  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (error != 0) {
    return base::fail(fmt::format("cannot find host '{}': {}", host, ::gai_strerror(error)));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, ::freeaddrinfo);
  std::vector<base::Address> addresses;
  for (const addrinfo* i = found; i != nullptr; i = i->ai_next) {
    const base::Address address =
        base::Address::from_sockaddr(i->ai_addr, i->ai_addrlen).with_port(*port);
    const bool known = std::find(addresses.begin(), addresses.end(), address) != addresses.end();
    if (!address.none() && !known) addresses.push_back(address);
  }
  if (addresses.empty()) return base::fail(fmt::format("host '{}' has no address", host));
  return addresses;
}

size_t raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  const rlimit raised{.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
  if (::setrlimit(RLIMIT_NOFILE, &raised) != 0) return static_cast<size_t>(limit.rlim_cur);
  return static_cast<size_t>(raised.rlim_cur);
}

base::Result<uint16_t> free_port() {
  Descriptor fd;
  int error = bind_socket(base::Address::loopback(0), false, fd);
  sockaddr_storage name;
  socklen_t size = sizeof name;
  sockaddr* const any = reinterpret_cast<sockaddr*>(&name);
  if (error == 0 && ::getsockname(fd.get(), any, &size) != 0) error = errno;
  if (error != 0) return std::unexpected(listen_error(base::Address::loopback(0), {}, error));
  return base::Address::from_sockaddr(any, size).port();
}

}  // namespace giliran::net
