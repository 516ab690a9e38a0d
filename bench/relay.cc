// The floor: a bare relay of bytes, one thread, level-triggered epoll, one read and one write for
// what arrives. No parsing, no log, no time-outs: what a proxy costs above this is its own. It
// loses no byte: what a side does not take yet waits, and the other side is not read meanwhile; an
// end is passed on as an end. Usage: relay LISTEN_PORT SERVER_ADDRESS:PORT...    (servers in turn)
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr size_t kBufferBytes = 65536;
constexpr size_t kSidesMax = 65536;

/// One socket of a pair, found by its descriptor.
struct Side {
  int other = -1;
  bool ended = false;   // its peer sends no more
  std::string waiting;  // to be sent to its peer
};

sockaddr_in address(std::string_view host, std::string_view port) {
  sockaddr_in a{};
  a.sin_family = AF_INET;
  uint16_t number = 0;
  std::from_chars(port.data(), port.data() + port.size(), number);
  a.sin_port = htons(number);
  inet_pton(AF_INET, std::string(host).c_str(), &a.sin_addr);
  return a;
}

class Relay {
 public:
  Relay(int listener, std::vector<sockaddr_in> servers)
      : listener_(listener), servers_(std::move(servers)) {
    add(listener);
  }

  void run() {
    epoll_event events[512];
    for (;;) {
      const int count = epoll_wait(epoll_, events, 512, -1);
      for (int i = 0; i < count; ++i) handle(events[i].data.fd, events[i].events);
    }
  }

 private:
  Side& side(int fd) { return sides_[static_cast<size_t>(fd)]; }

  void handle(int fd, uint32_t events) {
    if (fd == listener_) return open_pair();
    if (side(fd).other < 0) return;  // closed by an earlier event of this turn
    if ((events & EPOLLERR) != 0) return close_pair(fd);
    if ((events & EPOLLOUT) != 0) flush(fd);
    if ((events & (EPOLLIN | EPOLLHUP)) != 0 && side(fd).other >= 0) pass_on(fd);
  }

  void open_pair() {
    const int down = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK);
    if (down < 0) return;
    const int up = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    const sockaddr_in& there = servers_[turn_++ % servers_.size()];
    if (connect(up, reinterpret_cast<const sockaddr*>(&there), sizeof there) != 0 &&
        errno != EINPROGRESS) {
      close(down);
      close(up);
      return;
    }
    side(down).other = up;
    side(up).other = down;
    for (const int fd : {down, up}) {
      const int on = 1;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      add(fd);
    }
  }

  void pass_on(int fd) {
    const int to = side(fd).other;
    if (side(fd).ended || !side(to).waiting.empty()) return;
    const ssize_t got = read(fd, buffer_.data(), buffer_.size());
    if (got < 0) return errno == EAGAIN ? void() : close_pair(fd);
    if (got == 0) return end(fd);
    const ssize_t sent = write(to, buffer_.data(), static_cast<size_t>(got));
    if (sent == got) return;
    if (sent < 0 && errno != EAGAIN) return close_pair(fd);
    const size_t done = sent < 0 ? 0 : static_cast<size_t>(sent);
    side(to).waiting.assign(buffer_.data() + done, static_cast<size_t>(got) - done);
    watch(fd);
    watch(to);
  }

  void flush(int fd) {
    std::string& waiting = side(fd).waiting;
    const ssize_t sent = write(fd, waiting.data(), waiting.size());
    if (sent < 0) return errno == EAGAIN ? void() : close_pair(fd);
    waiting.erase(0, static_cast<size_t>(sent));
    if (!waiting.empty()) return;
    std::string().swap(waiting);
    const int from = side(fd).other;
    if (side(from).ended && side(fd).ended) return close_pair(fd);
    watch(fd);
    watch(from);
  }

  void end(int fd) {
    const int to = side(fd).other;
    side(fd).ended = true;
    if (side(to).ended && side(fd).waiting.empty()) return close_pair(fd);
    shutdown(to, SHUT_WR);
    watch(fd);
  }

  void close_pair(int fd) {
    const int other = side(fd).other;
    for (const int one : {fd, other}) {
      side(one) = Side{};
      close(one);
    }
  }

  void add(int fd) { control(EPOLL_CTL_ADD, fd, EPOLLIN); }

  void watch(int fd) {
    const bool reads = !side(fd).ended && side(side(fd).other).waiting.empty();
    const bool writes = !side(fd).waiting.empty();
    control(EPOLL_CTL_MOD, fd, (reads ? EPOLLIN : 0u) | (writes ? EPOLLOUT : 0u));
  }

  void control(int operation, int fd, uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    epoll_ctl(epoll_, operation, fd, &event);
  }

  const int listener_;
  const std::vector<sockaddr_in> servers_;
  const int epoll_ = epoll_create1(0);
  size_t turn_ = 0;
  std::vector<Side> sides_ = std::vector<Side>(kSidesMax);
  std::vector<char> buffer_ = std::vector<char>(kBufferBytes);
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  std::signal(SIGPIPE, SIG_IGN);
  std::vector<sockaddr_in> servers;
  for (int i = 2; i < argc; ++i) {
    const std::string_view text = argv[i];
    const size_t colon = text.find(':');
    servers.push_back(address(text.substr(0, colon), text.substr(colon + 1)));
  }
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in here = address("127.0.0.1", argv[1]);
  if (bind(listener, reinterpret_cast<const sockaddr*>(&here), sizeof here) != 0 ||
      listen(listener, 4096) != 0) {
    std::perror("relay");
    return 1;
  }
  Relay(listener, servers).run();
}
