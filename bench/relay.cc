// The floor: a bare relay of bytes, one thread, level-triggered epoll, one read and one write for what
// arrives. No parsing, no log, no time-outs, no half-close: what a proxy costs above this is its own.
// Usage: relay LISTEN_PORT SERVER_PORT
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <vector>

namespace {

int parse_port(const char* text) {
  int port = 0;
  std::from_chars(text, text + std::strlen(text), port);
  return port;
}

sockaddr_in loopback(int port) {
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_port = htons(static_cast<uint16_t>(port));
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return a;
}

void add(int epoll, int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in here = loopback(parse_port(argv[1]));
  const sockaddr_in there = loopback(parse_port(argv[2]));
  if (bind(listener, reinterpret_cast<const sockaddr*>(&here), sizeof here) != 0 ||
      listen(listener, 4096) != 0) {
    std::perror("relay");
    return 1;
  }
  const int epoll = epoll_create1(0);
  add(epoll, listener);
  std::vector<int> peer(65536, -1);
  std::vector<char> buffer(65536);
  epoll_event events[512];
  for (;;) {
    const int count = epoll_wait(epoll, events, 512, -1);
    for (int i = 0; i < count; ++i) {
      const int fd = events[i].data.fd;
      if (fd == listener) {
        const int down = accept(listener, nullptr, nullptr);
        const int up = socket(AF_INET, SOCK_STREAM, 0);
        if (down < 0 || connect(up, reinterpret_cast<const sockaddr*>(&there), sizeof there) != 0) {
          close(down);
          close(up);
          continue;
        }
        peer[static_cast<size_t>(down)] = up;
        peer[static_cast<size_t>(up)] = down;
        add(epoll, down);
        add(epoll, up);
        continue;
      }
      const int other = peer[static_cast<size_t>(fd)];
      if (other < 0) continue;
      const ssize_t n = read(fd, buffer.data(), buffer.size());
      if (n > 0 && write(other, buffer.data(), static_cast<size_t>(n)) == n) continue;
      peer[static_cast<size_t>(fd)] = peer[static_cast<size_t>(other)] = -1;
      close(fd);
      close(other);
    }
  }
}
