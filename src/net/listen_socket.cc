#include "net/listen_socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "net/port_owner.h"
#include "net/tcp_options.h"

namespace giliran::net {
namespace {

int set_on(int fd, int level, int name) {
  const int one = 1;
  return ::setsockopt(fd, level, name, &one, sizeof one);
}

// 0 or errno.
int get_option(int fd, int name, int& value) {
  socklen_t size = sizeof value;
  return ::getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? 0 : errno;
}

// What is wrong with a descriptor that is said to be a listening stream socket; empty: nothing.
std::string_view not_listening(int fd) {
  int type = 0;
  int listening = 0;
  if (const int error = get_option(fd, SO_TYPE, type); error != 0) {
    return error == EBADF ? "is not open" : "is not a socket";
  }
  if (type != SOCK_STREAM) return "is not a stream socket";
  if (get_option(fd, SO_ACCEPTCONN, listening) != 0 || listening == 0) {
    return "is a socket that does not listen";
  }
  return {};
}

int make_non_blocking(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) return errno;
  return ::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 ? errno : 0;
}

}  // namespace

std::string unix_file(const base::Address& address) {
  if (!address.is_unix()) return {};
  constexpr std::string_view prefix = "unix:";
  std::string path = address.text().substr(prefix.size());
  return path.starts_with('@') ? std::string() : path;  // '@': abstract, without a file
}

bool is_stale_unix_socket(const base::Address& address) {
  struct stat info{};
  const std::string path = unix_file(address);
  if (path.empty() || ::stat(path.c_str(), &info) != 0 || !S_ISSOCK(info.st_mode)) return false;
  const Descriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_storage name;
  const socklen_t size = address.to_sockaddr(name);
  return fd && ::connect(fd.get(), reinterpret_cast<sockaddr*>(&name), size) != 0 &&
         errno == ECONNREFUSED;
}

int bind_socket(const base::Address& address, bool reuse_port, Descriptor& out) {
  Descriptor fd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return errno;
  // Connections of an earlier run that linger in TIME_WAIT are no reason to refuse.
  if (!address.is_unix() && set_on(fd.get(), SOL_SOCKET, SO_REUSEADDR) != 0) return errno;
  if (!address.is_unix() && reuse_port && set_on(fd.get(), SOL_SOCKET, SO_REUSEPORT) != 0) {
    return errno;
  }
  // So that "0.0.0.0:80" and "[::]:80" can be listened on side by side.
  if (address.family() == AF_INET6 && set_on(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY) != 0) {
    return errno;
  }
  sockaddr_storage name;
  const socklen_t size = address.to_sockaddr(name);
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&name), size) != 0) return errno;
  out = std::move(fd);
  return 0;
}

base::Error listen_error(const base::Address& address, std::string_view flag, int error) {
  const std::string text = address.text();
  const std::string choose = flag.empty() ? "" : fmt::format("; choose another with {}", flag);
  std::string message;
  if (error == EADDRINUSE) {
    const std::string who = who_holds(address);
    message = fmt::format("{} is in use{}{}", text, who.empty() ? "" : " by " + who, choose);
  } else if (error == EACCES && address.port() != 0 && address.port() < 1024) {
    message = fmt::format("{}: ports below 1024 need root or CAP_NET_BIND_SERVICE{}", text, choose);
  } else if (error == EACCES) {
    message = fmt::format("{}: not allowed to listen there{}", text, choose);
  } else if (error == EADDRNOTAVAIL) {
    message = fmt::format("{} is not an address of this machine{}", text, choose);
  } else {
    message = fmt::format("cannot listen on {}: {}{}", text, std::strerror(error), choose);
  }
  return base::Error{.message = std::move(message), .code = error};
}

base::Result<ListenSocket> open_listen_socket(const base::Address& address,
                                              const ListenOptions& options) {
  ListenSocket result;
  int error = bind_socket(address, options.reuse_port, result.fd);
  if (error == EADDRINUSE && is_stale_unix_socket(address)) {
    ::unlink(unix_file(address).c_str());
    error = bind_socket(address, options.reuse_port, result.fd);
  }
  if (error == 0) {
    result.unix_path = unix_file(address);
    set_tcp_options(result.fd.get(), address.family(), options.tcp);
    if (::listen(result.fd.get(), options.backlog) != 0) error = errno;
  }
  if (error != 0) return std::unexpected(listen_error(address, {}, error));
  return result;
}

base::Address bound_address(const ListenSocket& socket) {
  sockaddr_storage name{};
  socklen_t size = sizeof name;
  if (::getsockname(socket.fd.get(), reinterpret_cast<sockaddr*>(&name), &size) != 0) return {};
  return base::Address::from_sockaddr(reinterpret_cast<const sockaddr*>(&name), size);
}

base::Result<AdoptedSocket> adopt_listen_socket(int fd, const TcpOptions& tcp) {
  AdoptedSocket result;
  const std::string_view wrong = not_listening(fd);
  if (wrong != "is not open") result.socket.fd = Descriptor(fd);
  if (!wrong.empty()) return base::fail(fmt::format("descriptor {} {}", fd, wrong));
  result.address = bound_address(result.socket);
  if (result.address.none()) {
    return base::fail(fmt::format("descriptor {} is neither a TCP nor a Unix socket", fd));
  }
  if (const int error = make_non_blocking(fd); error != 0) {
    return base::fail(fmt::format("cannot use descriptor {}: {}", fd, std::strerror(error)), error);
  }
  set_tcp_options(fd, result.address.family(), tcp);
  return result;
}

}  // namespace giliran::net
