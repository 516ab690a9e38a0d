#include "net/supervisor.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "base/parse.h"
#include "net/descriptor.h"

namespace giliran::net {
namespace {

constexpr int kFirst = 3;
constexpr uint64_t kSocketsMax = 4096;

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

// The next of the names between colons.
std::string next_name(std::string_view& names) {
  const size_t colon = names.find(':');
  const std::string name(names.substr(0, colon));
  names.remove_prefix(colon == std::string_view::npos ? names.size() : colon + 1);
  return name.empty() ? "unknown" : name;
}

struct Passed {
  std::string pid = variable("LISTEN_PID");
  std::string count = variable("LISTEN_FDS");
  std::string names = variable("LISTEN_FDNAMES");
};

Passed take_passed() {
  Passed passed;
  for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) ::unsetenv(name);
  return passed;
}

}  // namespace

base::Result<std::vector<InheritedSocket>> inherited_listen_sockets() {
  const Passed passed = take_passed();
  std::vector<InheritedSocket> sockets;
  if (passed.pid.empty() || passed.count.empty()) return sockets;
  const auto pid = base::parse_uint(passed.pid);
  const auto count = base::parse_uint(passed.count, kSocketsMax);
  if (!pid) return base::fail(fmt::format("LISTEN_PID '{}' is not a number", passed.pid));
  if (!count) {
    return base::fail(
        fmt::format("LISTEN_FDS '{}' is not a number up to {}", passed.count, kSocketsMax));
  }
  if (*pid != static_cast<uint64_t>(::getpid())) return sockets;
  std::string_view names = passed.names;
  for (int fd = kFirst; fd < kFirst + static_cast<int>(*count); ++fd) {
    const int flags = ::fcntl(fd, F_GETFD);
    if (flags < 0 || ::fcntl(fd, F_SETFD, flags | FD_CLOEXEC) != 0) {
      const int error = errno;
      return base::fail(
          fmt::format("LISTEN_FDS says {} descriptors were passed, but descriptor {} is not open",
                      *count, fd),
          error);
    }
    sockets.push_back({.fd = fd, .name = next_name(names)});
  }
  return sockets;
}

base::Result<void> notify_supervisor(std::string_view state) {
  const std::string path = variable("NOTIFY_SOCKET");
  if (path.empty()) return {};
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if ((path[0] != '/' && path[0] != '@') || path.size() >= sizeof name.sun_path) {
    return base::fail(fmt::format("NOTIFY_SOCKET '{}' is not the path of a Unix socket", path));
  }
  std::memcpy(name.sun_path, path.data(), path.size());
  if (path[0] == '@') name.sun_path[0] = '\0';  // abstract: without a file
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() +
                                           (path[0] == '@' ? 0 : 1));
  const Descriptor fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const ssize_t sent = !fd ? -1
                           : ::sendto(fd.get(), state.data(), state.size(), MSG_NOSIGNAL,
                                      reinterpret_cast<const sockaddr*>(&name), size);
  if (sent == static_cast<ssize_t>(state.size())) return {};
  const int error = errno;
  return base::fail(fmt::format("cannot tell the supervisor at {}: {}", path, std::strerror(error)),
                    error);
}

std::string reloading_state(base::Instant now) {
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch());
  return fmt::format("RELOADING=1\nMONOTONIC_USEC={}", us.count());
}

}  // namespace giliran::net
