#include "net/tcp_options.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <climits>

namespace giliran::net {
namespace {

constexpr int kProbeIntervalSeconds = 15;
constexpr int kProbes = 4;
constexpr int64_t kIdleSecondsMax = 32767;  // MAX_TCP_KEEPIDLE of Linux

void set_option(int fd, int level, int name, int value) {
  ::setsockopt(fd, level, name, &value, sizeof value);
}

// Rounded up, so that a small positive value does not become "none".
template <typename Unit>
int whole(base::Duration d, int64_t most) {
  return static_cast<int>(std::min<int64_t>(std::chrono::ceil<Unit>(d).count(), most));
}

}  // namespace

void set_tcp_options(int fd, int family, const TcpOptions& options) {
  if (family != AF_INET && family != AF_INET6) return;
  if (options.no_delay) set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  if (options.keepalive_idle.count() > 0) {
    const int idle = whole<std::chrono::seconds>(options.keepalive_idle, kIdleSecondsMax);
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, idle);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, kProbeIntervalSeconds);
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, kProbes);
  }
  if (options.unacknowledged_timeout.count() > 0) {
    set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT,
               whole<std::chrono::milliseconds>(options.unacknowledged_timeout, INT_MAX));
  }
}

}  // namespace giliran::net
