// The sockets of the epoll engine.
#include <netinet/in.h>

#include <cerrno>
#include <cstring>
#include <span>

#include "base/assert.h"
#include "net/calls.h"
#include "net/epoll_io.h"
#include "net/tcp_options.h"

namespace giliran::net {
namespace {

constexpr uint32_t kSocketEvents = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
constexpr uint32_t kReceiveBytes = 16384;
// Twice and four times as much are no cheaper (HTTP, bodies of 1 MiB, CPU in relays: 1.13, 1.13 and
// 1.15).
constexpr uint32_t kReceiveLargeBytes = 65536;

bool tcp(const base::Address& address) {
  return address.family() == AF_INET || address.family() == AF_INET6;
}

// A send of several small slices is one of their copy: describing them to the kernel costs more.
constexpr size_t kGatherBytesMax = 2048;

ssize_t send_gathered(int fd, std::span<const iovec> parts) {
  char bytes[kGatherBytesMax];
  size_t size = 0;
  for (const iovec& part : parts) {
    std::memcpy(bytes + size, part.iov_base, part.iov_len);
    size += part.iov_len;
  }
  return call_send(fd, bytes, size);
}

void set_option(int fd, int level, int name, int value) {
  ::setsockopt(fd, level, name, &value, sizeof value);
}

}  // namespace

EpollIo::Socket* EpollIo::find_usable(SocketId id) {
  Socket* const socket = find(id);
  if (socket == nullptr || socket->life == Life::kClosing) return nullptr;
  GILIRAN_ASSERT(socket->life != Life::kFree);
  return socket;
}

SocketId EpollIo::adopt(int fd, Life life) {
  const uint32_t slot = sockets_.take();
  Socket& socket = sockets_.at(slot);
  socket.fd = fd;
  socket.life = life;
  return {slot, socket.generation};
}

void EpollIo::own(SocketId id, SocketEvents& events) {
  if (Socket* const socket = find_usable(id)) socket->events = &events;
}

int EpollIo::start_connect(const base::Address& to, const ConnectOptions& options, int& fd) {
  fd = ::socket(to.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  set_tcp_options(fd, to.family(), options.tcp);
  sockaddr_storage storage;
  if (!options.source.none()) {
    if (tcp(options.source) && options.source.port() == 0) {
      // The port is chosen by connect(), which may share one between different peers.
      set_option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    }
    const socklen_t size = options.source.to_sockaddr(storage);
    if (::bind(fd, reinterpret_cast<sockaddr*>(&storage), size) != 0) return errno;
  }
  const socklen_t size = to.to_sockaddr(storage);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&storage), size) == 0) return 0;
  return errno == EINTR ? EINPROGRESS : errno;
}

SocketId EpollIo::connect(const base::Address& to, const ConnectOptions& options,
                          SocketEvents& events) {
  ++counters_.connects;
  int fd = -1;
  int error = start_connect(to, options, fd);
  const bool connected = error == 0;
  const bool waiting = error == EINPROGRESS;
  const SocketId id = adopt(fd, waiting || connected ? Life::kConnecting : Life::kFailed);
  Socket& socket = sockets_.at(id.slot);
  socket.events = &events;
  if (waiting || connected) {
    error = add_to_epoll(fd, kSocketEvents, Kind::kSocket, id.slot, id.generation);
    if (error != 0) socket.life = Life::kFailed;
  }
  socket.connect_error = error;
  socket.writable = connected;
  if (connected || error != 0) queue(id, socket);
  return id;
}

void EpollIo::receive(SocketId id) {
  Socket* const socket = find_usable(id);
  if (socket == nullptr) return;
  GILIRAN_ASSERT(socket->life == Life::kOpen && !socket->receiving);
  GILIRAN_ASSERT(socket->splice_from == kNoSplice);
  socket->receiving = true;
  if (socket->readable) queue(id, *socket);
}

bool EpollIo::receiving(SocketId id) const {
  const Socket* const socket = const_cast<EpollIo*>(this)->find_usable(id);
  return socket != nullptr && socket->receiving;
}

void EpollIo::send(SocketId id, std::span<const base::Slice> slices) {
  Socket* const socket = find_usable(id);
  if (socket == nullptr) return;
  GILIRAN_ASSERT(socket->life == Life::kOpen && !socket->sending && !socket->send_shut);
  GILIRAN_ASSERT(socket->splice_to == kNoSplice);
  GILIRAN_ASSERT(!slices.empty() && slices.size() <= kSendSlicesMax);
  socket->sending = true;
  socket->slices = slices.data();
  socket->slice_count = static_cast<uint8_t>(slices.size());
  socket->slice_index = 0;
  socket->slice_offset = 0;
  socket->sent_bytes = 0;
  socket->send_progress = turn_started_;
  if (socket->writable) queue(id, *socket);
}

bool EpollIo::sending(SocketId id) const {
  const Socket* const socket = const_cast<EpollIo*>(this)->find_usable(id);
  return socket != nullptr && socket->sending;
}

bool EpollIo::extend_send(SocketId id, size_t count) {
  Socket* const socket = find_usable(id);
  if (socket == nullptr || !socket->sending || socket->splice_to != kNoSplice) return false;
  if (socket->slice_index == socket->slice_count) return false;  // all is said (send_now)
  if (socket->slice_count + count > kSendSlicesMax) return false;
  socket->slice_count = static_cast<uint8_t>(socket->slice_count + count);
  return true;
}

size_t EpollIo::sent_so_far(SocketId id) const {
  const Socket* const socket = const_cast<EpollIo*>(this)->find_usable(id);
  return socket != nullptr && socket->sending ? socket->sent_bytes : 0;
}

void EpollIo::send_now(SocketId id) {
  Socket* const socket = find_usable(id);
  if (socket == nullptr || !socket->sending || socket->splice_to != kNoSplice) return;
  // Its turn comes in any case: it tells of the end, or meets an error again.
  if (socket->writable) push_slices(*socket);
}

bool EpollIo::unsend(SocketId id) {
  Socket* const socket = find_usable(id);
  if (socket == nullptr || !socket->sending) return false;
  if (socket->splice_to != kNoSplice || socket->sent_bytes != 0) return false;
  socket->sending = false;
  return true;
}

base::Instant EpollIo::send_progress(SocketId id) const {
  const Socket* const socket = const_cast<EpollIo*>(this)->find_usable(id);
  return socket == nullptr ? base::Instant{} : socket->send_progress;
}

void EpollIo::shutdown_send(SocketId id) {
  Socket* const socket = find_usable(id);
  if (socket == nullptr) return;
  GILIRAN_ASSERT(socket->life == Life::kOpen && !socket->sending);
  GILIRAN_ASSERT(socket->splice_to == kNoSplice);
  if (!socket->send_shut) ::shutdown(socket->fd, SHUT_WR);
  socket->send_shut = true;
}

void EpollIo::watch_hangup(SocketId id) {
  Socket* const socket = find_usable(id);
  if (socket == nullptr) return;
  socket->watching_hangup = true;
  if (socket->hangup_seen) queue(id, *socket);
}

void EpollIo::watch_end(SocketId id) {
  Socket* const socket = find_usable(id);
  if (socket == nullptr) return;
  socket->watching_end = true;
  if (socket->end_seen) queue(id, *socket);
}

void EpollIo::close(SocketId id, CloseMode mode) {
  Socket* const socket = find_usable(id);
  if (socket == nullptr) return;
  if (socket->splice_from != kNoSplice) drop_splice(socket->splice_from);
  if (socket->splice_to != kNoSplice) drop_splice(socket->splice_to);
  if (socket->fd >= 0) {
    const linger now{.l_onoff = 1, .l_linger = 0};
    if (mode == CloseMode::kReset) {
      ::setsockopt(socket->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    }
    ::close(socket->fd);
    socket->fd = -1;
  }
  socket->life = Life::kClosing;
  closing_.push_back(id);
}

base::Address EpollIo::local_address(SocketId id) {
  const Socket* const socket = find_usable(id);
  if (socket != nullptr && socket->bound != 0) return bound_[socket->bound - 1u];
  sockaddr_storage storage;
  socklen_t size = sizeof storage;
  sockaddr* const any = reinterpret_cast<sockaddr*>(&storage);
  if (socket == nullptr || socket->fd < 0 || ::getsockname(socket->fd, any, &size) != 0) return {};
  return base::Address::from_sockaddr(any, size);
}

base::Address EpollIo::peer_address(SocketId id) {
  const Socket* const socket = find_usable(id);
  sockaddr_storage storage;
  socklen_t size = sizeof storage;
  sockaddr* const any = reinterpret_cast<sockaddr*>(&storage);
  if (socket == nullptr || socket->fd < 0 || ::getpeername(socket->fd, any, &size) != 0) return {};
  return base::Address::from_sockaddr(any, size);
}

void EpollIo::socket_ready(SocketId id, uint32_t events) {
  Socket* const socket = find_usable(id);
  if (socket == nullptr) return;
  const bool broken = (events & EPOLLERR) != 0;
  // HUP after a half-close of ours is only the peer's own orderly end, with data yet to be read.
  if (broken || ((events & EPOLLHUP) != 0 && !socket->send_shut)) socket->hangup_seen = true;
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) socket->end_seen = true;
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) socket->readable = true;
  if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) socket->writable = true;
  const bool useful = (socket->life == Life::kConnecting && socket->writable) ||
                      (socket->receiving && socket->readable) ||
                      (socket->sending && socket->writable) ||
                      (socket->watching_hangup && socket->hangup_seen) ||
                      (socket->watching_end && socket->end_seen);
  if (useful) queue(id, *socket);
}

void EpollIo::queue(SocketId id, Socket& socket) {
  if (socket.queued) return;
  socket.queued = true;
  run_list_.push_back(id);
}

// Every event may close the socket; its slot stays until run_closings().
void EpollIo::run_socket(SocketId id) {
  Socket* const socket = find_usable(id);
  if (socket == nullptr) return;
  socket->queued = false;
  switch (socket->life) {
    case Life::kFree:
    case Life::kClosing:
      return;
    case Life::kConnecting:
    case Life::kFailed:
      finish_connect(id, *socket);
      return;
    case Life::kOpen:
      break;
  }
  if (socket->sending && socket->writable) {
    socket->splice_to == kNoSplice ? try_send(id, *socket) : try_give(*socket);
  }
  if (socket->life == Life::kOpen && socket->receiving && socket->readable) {
    socket->splice_from == kNoSplice ? try_receive(id, *socket) : try_take(*socket);
  }
  if (socket->life == Life::kOpen && socket->watching_hangup && socket->hangup_seen) {
    socket->watching_hangup = socket->watching_end = false;  // once
    socket->events->on_hangup(id);
  }
  if (socket->life == Life::kOpen && socket->watching_end && socket->end_seen) {
    socket->watching_end = false;
    if (!socket->hangup_seen) socket->events->on_peer_ended(id);
  }
}

void EpollIo::finish_connect(SocketId id, Socket& socket) {
  int error = socket.connect_error;
  if (socket.life == Life::kFailed && error == 0) return;  // told already
  if (error == 0 && socket.hangup_seen) {                  // epoll tells of every error
    socklen_t size = sizeof error;
    if (::getsockopt(socket.fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  }
  socket.connect_error = 0;
  socket.life = error == 0 ? Life::kOpen : Life::kFailed;
  socket.events->on_connected(id, error);
}

void EpollIo::try_send(SocketId id, Socket& socket) {
  const int error = push_slices(socket);
  if (error == 0 && socket.slice_index != socket.slice_count) return;
  socket.sending = false;
  socket.events->on_sent(id, socket.sent_bytes, error);
}

// What is left of the outstanding send, as far as the kernel takes it. Returns errno, or 0.
int EpollIo::push_slices(Socket& socket) {
  if (socket.slice_index == socket.slice_count) return 0;  // send_now() was enough
  iovec parts[kSendSlicesMax];
  size_t count = 0;
  size_t wanted = 0;
  for (size_t i = socket.slice_index; i < socket.slice_count; ++i) {
    const uint32_t skip = i == socket.slice_index ? socket.slice_offset : 0;
    const base::Slice& slice = socket.slices[i];
    parts[count] = {const_cast<char*>(slice.data()) + skip, slice.size() - skip};
    wanted += parts[count++].iov_len;
  }
  ++counters_.sends;
  ssize_t n = 0;
  do {
    n = count == 1                  ? call_send(socket.fd, parts[0].iov_base, wanted)
        : wanted <= kGatherBytesMax ? send_gathered(socket.fd, {parts, count})
                                    : call_send_parts(socket.fd, parts, count);
  } while (n < 0 && errno == EINTR);
  if (n < 0 && errno != EAGAIN) return errno;
  const size_t taken = n < 0 ? 0 : static_cast<size_t>(n);
  socket.sent_bytes += static_cast<uint32_t>(taken);
  if (taken != 0) socket.send_progress = turn_started_;
  if (taken == wanted) {
    socket.slice_index = socket.slice_count;
    socket.slice_offset = 0;
    return 0;
  }
  // The kernel's buffer is full (epoll(7): a short write says so too): wait for the edge.
  ++counters_.partial_sends;
  socket.writable = false;
  size_t left = taken;
  for (size_t i = 0; i < count && left >= parts[i].iov_len; ++i) {
    left -= parts[i].iov_len;
    ++socket.slice_index;
    socket.slice_offset = 0;
  }
  socket.slice_offset += static_cast<uint32_t>(left);
  return 0;
}

void EpollIo::try_receive(SocketId id, Socket& socket) {
  base::Buffer buffer = buffers_.take(socket.large_buffer ? kReceiveLargeBytes : kReceiveBytes);
  ++counters_.receives;
  ssize_t n = 0;
  do {
    n = call_receive(socket.fd, buffer.data(), buffer.capacity());
  } while (n < 0 && errno == EINTR);
  if (n < 0 && errno == EAGAIN) {
    ++counters_.empty_receives;
    socket.readable = false;
    return;
  }
  Received received;
  socket.receiving = false;
  if (n < 0) {
    received.kind = Received::Kind::kError;
    received.error = errno;
  } else if (n == 0) {
    received.kind = Received::Kind::kEnd;
  } else {
    const bool filled = static_cast<size_t>(n) == buffer.capacity();
    // Down again where a small buffer would have done.
    socket.large_buffer = filled || (socket.large_buffer && n > ssize_t{kReceiveBytes});
    if (!filled && !socket.end_seen) socket.readable = false;
    buffer.add_size(static_cast<uint32_t>(n));
    received.data = buffer.take();
  }
  buffer.reset();
  socket.events->on_received(id, std::move(received));
}

}  // namespace giliran::net
