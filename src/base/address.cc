#include "base/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <set>

#include "base/assert.h"
#include "base/decimal.h"
#include "base/parse.h"

namespace giliran::base {
namespace {

constexpr std::string_view kUnixPrefix = "unix:";
constexpr size_t kUnixPathMax = sizeof(sockaddr_un::sun_path) - 1;
constexpr std::string_view kForms = "expected 127.0.0.1:80, [::1]:80 or unix:/path";

std::unexpected<Error> refuse(std::string_view text, std::string_view why) {
  return fail(fmt::format("'{}': {}", text, why));
}

// Absent (null) where there are too many. A set does not move its elements.
const std::string* intern(std::string_view path) {
  static std::mutex mutex;
  static auto* const paths = new std::set<std::string, std::less<>>;
  const std::scoped_lock lock(mutex);
  if (const auto found = paths->find(path); found != paths->end()) return &*found;
  if (paths->size() >= Address::kUnixPathsMax) return nullptr;
  return &*paths->emplace(path).first;
}

char* put(std::string_view text, char* out) {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

char* put_ipv4(const in_addr& address, char* out) {
  unsigned char bytes[4];
  std::memcpy(bytes, &address, sizeof bytes);
  for (int i = 0; i < 4; ++i) {
    if (i != 0) *out++ = '.';
    out = put_decimal(out, bytes[i]);
  }
  return out;
}

char* put_ipv6(const in6_addr& address, uint32_t scope, char* out) {
  inet_ntop(AF_INET6, &address, out, INET6_ADDRSTRLEN);
  out += std::strlen(out);
  if (scope != 0) {
    *out++ = '%';
    out = put_decimal(out, scope);
  }
  return out;
}

// inet_pton() wants a terminated text.
bool numeric(int family, std::string_view host, void* out) {
  char text[INET6_ADDRSTRLEN];
  if (host.size() >= sizeof text || host.find('\0') != std::string_view::npos) return false;
  *put(host, text) = '\0';
  return inet_pton(family, text, out) == 1;
}

}  // namespace

Address Address::ipv4(uint32_t host_order, uint16_t port) {
  Address a;
  a.family_ = AF_INET;
  a.place_.v4.s_addr = htonl(host_order);
  a.port_ = port;
  return a;
}

Address Address::unix_path(const std::string* path) {
  Address a;
  a.family_ = AF_UNIX;
  a.place_.path = path;
  return a;
}

Address Address::from_sockaddr(const sockaddr* address, socklen_t size) {
  Address a;
  if (address == nullptr || size < sizeof(sa_family_t)) return a;
  if (address->sa_family == AF_INET && size >= sizeof(sockaddr_in)) {
    sockaddr_in v4;
    std::memcpy(&v4, address, sizeof v4);
    a.family_ = AF_INET;
    a.place_.v4 = v4.sin_addr;
    a.port_ = ntohs(v4.sin_port);
  } else if (address->sa_family == AF_INET6 && size >= sizeof(sockaddr_in6)) {
    sockaddr_in6 v6;
    std::memcpy(&v6, address, sizeof v6);
    a.family_ = AF_INET6;
    a.place_.v6 = v6.sin6_addr;
    a.scope_ = v6.sin6_scope_id;
    a.port_ = ntohs(v6.sin6_port);
  } else if (address->sa_family == AF_UNIX) {
    a = unix_path(nullptr);
    const char* path = reinterpret_cast<const char*>(address) + offsetof(sockaddr_un, sun_path);
    const size_t room = std::min(size - offsetof(sockaddr_un, sun_path), kUnixPathMax);
    if (size <= offsetof(sockaddr_un, sun_path)) return a;
    if (path[0] != '\0') {
      a.place_.path = intern({path, strnlen(path, room)});
    } else if (room > 1) {
      std::string name(path, room);
      name[0] = '@';
      a.place_.path = intern(name);
    }
  }
  return a;
}

Result<Address> Address::parse(std::string_view text) {
  Address a;
  if (text.starts_with(kUnixPrefix)) {
    const std::string_view path = text.substr(kUnixPrefix.size());
    if (path.empty() || path == "@") return refuse(text, "no path, expected unix:/path");
    if (path.find('\0') != std::string_view::npos) return refuse(text, "a zero byte in the path");
    if (path.size() > kUnixPathMax) {
      return refuse(text, fmt::format("the path has {} bytes, a Unix socket's has at most {}",
                                      path.size(), kUnixPathMax));
    }
    a = unix_path(intern(path));
    if (a.place_.path == nullptr) return refuse(text, "too many different Unix paths");
    return a;
  }
  const size_t colon = text.rfind(':');
  const bool bracketed = text.starts_with('[');
  const size_t bracket = text.rfind(']');
  if (bracketed && bracket == std::string_view::npos) return refuse(text, "']' is missing");
  if (colon == std::string_view::npos || (bracketed && colon < bracket)) {
    return refuse(text, fmt::format("no port, {}", kForms));
  }
  std::string_view host = text.substr(0, colon);
  if (!bracketed && host.find(':') != std::string_view::npos) {
    return refuse(text, "an IPv6 address needs brackets, such as [::1]:80");
  }
  const auto port = parse_port(text.substr(colon + 1));
  if (!port) return refuse(text, fmt::format("port {}", port.error().message));
  if (!bracketed) {
    a = ipv4(0, *port);
    if (numeric(AF_INET, host, &a.place_.v4)) return a;
    return refuse(text, fmt::format("'{}' is not a numeric address, {}", host, kForms));
  }
  if (colon != bracket + 1) return refuse(text, fmt::format("text after ']', {}", kForms));
  host = host.substr(1, host.size() - 2);
  a.family_ = AF_INET6;
  a.port_ = *port;
  if (const size_t percent = host.find('%'); percent != std::string_view::npos) {
    const auto scope = parse_uint(host.substr(percent + 1), UINT32_MAX);
    if (!scope || *scope == 0) return refuse(text, "the scope after '%' must be an index from 1");
    a.scope_ = static_cast<uint32_t>(*scope);
    host = host.substr(0, percent);
  }
  if (numeric(AF_INET6, host, &a.place_.v6)) return a;
  return refuse(text, fmt::format("'{}' is not an IPv6 address", host));
}

bool Address::is_any() const {
  if (family() == AF_INET) return place_.v4.s_addr == htonl(INADDR_ANY);
  return family() == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&place_.v6);
}

Address Address::with_port(uint16_t port) const {
  Address a = *this;
  if (family() == AF_INET || family() == AF_INET6) a.port_ = port;
  return a;
}

socklen_t Address::to_sockaddr(sockaddr_storage& out) const {
  out = {};
  if (family() == AF_INET) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port_);
    v4.sin_addr = place_.v4;
    std::memcpy(&out, &v4, sizeof v4);
    return sizeof v4;
  }
  if (family() == AF_INET6) {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port_);
    v6.sin6_addr = place_.v6;
    v6.sin6_scope_id = scope_;
    std::memcpy(&out, &v6, sizeof v6);
    return sizeof v6;
  }
  out.ss_family = family_;
  if (!is_unix() || place_.path == nullptr) return sizeof(sa_family_t);
  const std::string& name = *place_.path;
  char* path = reinterpret_cast<char*>(&out) + offsetof(sockaddr_un, sun_path);
  std::memcpy(path, name.data(), name.size());
  const bool abstract = path[0] == '@';
  if (abstract) path[0] = '\0';
  // An abstract name is as long as it is said to be; a path is ended by a zero.
  return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() + (abstract ? 0 : 1));
}

size_t Address::format(char* out) const {
  char* end = out;
  if (family() == AF_INET6) {
    *end++ = '[';
    end = put_ipv6(place_.v6, scope_, end);
    *end++ = ']';
  } else {
    end += format_host(end);
  }
  if (family() == AF_INET || family() == AF_INET6) {
    *end++ = ':';
    end = put_decimal(end, port());
  }
  return static_cast<size_t>(end - out);
}

size_t Address::format_host(char* out) const {
  char* end = out;
  if (family() == AF_INET) {
    end = put_ipv4(place_.v4, end);
  } else if (family() == AF_INET6) {
    end = put_ipv6(place_.v6, scope_, end);
  } else if (is_unix()) {
    end = put(kUnixPrefix, end);
    if (place_.path != nullptr) end = put(*place_.path, end);
  } else {
    *end++ = '-';
  }
  return static_cast<size_t>(end - out);
}

std::string Address::text() const {
  char out[kTextMax];
  return std::string(out, format(out));
}

std::string Address::host_text() const {
  char out[kTextMax];
  return std::string(out, format_host(out));
}

bool Address::operator==(const Address& other) const {
  if (family_ != other.family_ || port_ != other.port_) return false;
  if (family_ == AF_INET) return place_.v4.s_addr == other.place_.v4.s_addr;
  if (family_ == AF_UNIX) return place_.path == other.place_.path;
  return scope_ == other.scope_ && std::memcmp(&place_.v6, &other.place_.v6, sizeof place_.v6) == 0;
}

}  // namespace giliran::base
