// The listeners of the epoll engine.
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/assert.h"
#include "net/epoll_io.h"
#include "net/listen_socket.h"

namespace giliran::net {
namespace {

constexpr int kAcceptsPerTurnMax = 64;
constexpr int kPatienceMax = 16;
constexpr base::Duration kAcceptRetry = std::chrono::milliseconds(50);
constexpr uint32_t kConnectionEvents = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;

// Errors accept(2) passes on that concern one connection, which is no more; the next may be good.
bool concerns_one_connection(int error) {
  for (const int known : {ECONNABORTED, EINTR, EPROTO, EPERM, ENETDOWN, ENOPROTOOPT, EHOSTDOWN,
                          ENONET, EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH, ETIMEDOUT}) {
    if (error == known) return true;
  }
  return false;
}

}  // namespace

base::Result<ListenerId> EpollIo::listen(const base::Address& address, const ListenOptions& options,
                                         AcceptEvents& events) {
  ListenSocket socket = GILIRAN_TRY(open_listen_socket(address, options));
  return add_listener(std::move(socket.fd), false, std::move(socket.unix_path), events);
}

base::Result<ListenerId> EpollIo::listen_on(int fd, bool shared, AcceptEvents& events) {
  // What accepted sockets inherit. All else is for who opened it to say.
  const int one = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);  // refused by Unix sockets
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) {
    const int error = errno;
    return base::fail(fmt::format("cannot listen on descriptor {}: {}", fd, std::strerror(error)),
                      error);
  }
  return add_listener(Descriptor(fd), shared, {}, events);
}

ListenerId EpollIo::add_listener(Descriptor fd, bool shared, std::string unix_path,
                                 AcceptEvents& events) {
  uint32_t slot = 0;
  while (slot < listeners_.size() && listeners_[slot] != nullptr) ++slot;
  if (slot == listeners_.size()) listeners_.emplace_back();
  const ListenerId id{slot, ++listener_generation_};
  listeners_[slot] = std::make_unique<Listener>(*this, id);
  Listener& listener = *listeners_[slot];
  listener.fd = fd.release();
  listener.shared = shared;
  listener.unix_path = std::move(unix_path);
  listener.events = &events;
  sockaddr_storage name;
  socklen_t size = sizeof name;
  ::getsockname(listener.fd, reinterpret_cast<sockaddr*>(&name), &size);
  listener.family = name.ss_family;
  listener.bound = find_bound(listener);
  // Where epoll is out of memory the first accept finds out and tries again.
  accept_later(listener);
  return id;
}

uint16_t EpollIo::find_bound(const Listener& listener) {
  const base::Address address = listener_address(listener.id);
  if (address.none() || address.is_unix() || address.is_any()) return 0;
  const auto known = std::ranges::find(bound_, address);
  if (known != bound_.end()) return static_cast<uint16_t>(known - bound_.begin() + 1);
  if (bound_.size() == UINT16_MAX) return 0;
  bound_.push_back(address);
  return static_cast<uint16_t>(bound_.size());
}

EpollIo::Listener* EpollIo::find_listener(ListenerId id) {
  if (id.slot >= listeners_.size() || listeners_[id.slot] == nullptr) return nullptr;
  Listener& listener = *listeners_[id.slot];
  return listener.id == id ? &listener : nullptr;
}

base::Address EpollIo::listener_address(ListenerId id) {
  const Listener* const listener = find_listener(id);
  sockaddr_storage name;
  socklen_t size = sizeof name;
  sockaddr* const any = reinterpret_cast<sockaddr*>(&name);
  if (listener == nullptr || ::getsockname(listener->fd, any, &size) != 0) return {};
  return base::Address::from_sockaddr(any, size);
}

void EpollIo::stop_listening(ListenerId id) {
  Listener* const listener = find_listener(id);
  if (listener == nullptr || listener->stopping) return;
  listener->stopping = true;
  accept_later(*listener);
}

void EpollIo::accept_later(Listener& listener) {
  ready_.push_back(listener.id);
}

int EpollIo::register_listener(Listener& listener) {
  // Level-triggered; of the loops that share a socket one is woken for a connection, not all.
  const uint32_t events = EPOLLIN | (listener.shared ? uint32_t{EPOLLEXCLUSIVE} : 0u);
  const int error =
      add_to_epoll(listener.fd, events, Kind::kListener, listener.id.slot, listener.id.generation);
  listener.registered = error == 0;
  return error;
}

// As many as came lately in a turn, so that no accept finds the queue empty; what is left, the next
// wait tells. More are tried where there were as many turn after turn, the less often the more
// often that was in vain.
void EpollIo::accept_some(Listener& listener) {
  const ListenerId id = listener.id;
  const bool all = listener.stopping || !listener.registered;
  const int count = all ? kAcceptsPerTurnMax : listener.batch;
  for (int i = 0; i < count; ++i) {
    if (!accept_one(listener)) {
      if (find_listener(id) == nullptr) return;
      listener.batch = std::max(i, 1);
      listener.patience = std::min(2 * listener.patience, kPatienceMax);
      return;
    }
    GILIRAN_ASSERT(find_listener(id) == &listener);
  }
  if (all) return accept_later(listener);
  if (listener.batch > 1) listener.patience = 1;  // there were as many as was hoped
  // A wait that had room for it and did not tell of it says that there was none to accept.
  listener.filled = told_all_before_ <= listener.filled_in_turn ? listener.filled + 1 : 0;
  listener.filled_in_turn = counters_.turns;
  if (listener.filled >= listener.patience) {
    listener.batch = std::min(2 * listener.batch, kAcceptsPerTurnMax);
    listener.filled = 0;
  }
}

// Returns whether there may be more to accept now. The listener may be gone where it returns false.
bool EpollIo::accept_one(Listener& listener) {
  sockaddr_storage name;
  socklen_t size = sizeof name;
  sockaddr* const any = reinterpret_cast<sockaddr*>(&name);
  const int fd = ::accept4(listener.fd, any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) {
    if (concerns_one_connection(errno)) return true;
    if (errno == EAGAIN) {
      ++counters_.empty_accepts;
      queue_is_empty(listener);
    } else {
      pause(listener, errno);
    }
    return false;
  }
  end_pause(listener);
  // A Unix peer has no name, or one of its own choice that is not worth keeping.
  const base::Address peer = base::Address::from_sockaddr(
      any, listener.family == AF_UNIX ? static_cast<socklen_t>(sizeof(sa_family_t)) : size);
  const SocketId id = adopt(fd, Life::kOpen);
  sockets_.at(id.slot).writable = true;
  sockets_.at(id.slot).bound = listener.bound;
  if (add_to_epoll(fd, kConnectionEvents, Kind::kSocket, id.slot, id.generation) != 0) {
    close(id, CloseMode::kReset);
    return true;
  }
  ++counters_.accepts;
  listener.events->on_accepted(listener.id, id, peer);
  const Socket& socket = sockets_.at(id.slot);
  GILIRAN_ASSERT(socket.life == Life::kClosing || socket.events != nullptr);
  return true;
}

void EpollIo::queue_is_empty(Listener& listener) {
  end_pause(listener);
  if (listener.stopping) {
    close_listener(listener);
  } else if (!listener.registered) {
    if (const int error = register_listener(listener); error != 0) pause(listener, error);
  }
}

void EpollIo::pause(Listener& listener, int error) {
  if (listener.registered) ::epoll_ctl(epoll_fd_.get(), EPOLL_CTL_DEL, listener.fd, nullptr);
  listener.registered = false;
  timers_.arm(listener, turn_started_ + kAcceptRetry);
  if (listener.paused) return;
  listener.paused = true;
  ++paused_;
  ++counters_.accept_pauses;
  listener.events->on_accept_paused(listener.id, error);
}

void EpollIo::end_pause(Listener& listener) {
  if (!listener.paused) return;
  listener.paused = false;
  --paused_;
  timers_.disarm(listener);
}

void EpollIo::resume_paused() {
  socket_closed_ = false;
  if (paused_ == 0) return;
  for (const std::unique_ptr<Listener>& listener : listeners_) {
    if (listener != nullptr && listener->paused) accept_later(*listener);
  }
}

void EpollIo::close_listener(Listener& listener) {
  const ListenerId id = listener.id;
  AcceptEvents* const events = listener.events;
  if (listener.registered) ::epoll_ctl(epoll_fd_.get(), EPOLL_CTL_DEL, listener.fd, nullptr);
  if (!listener.shared) ::close(listener.fd);
  if (!listener.unix_path.empty()) ::unlink(listener.unix_path.c_str());
  listeners_[id.slot].reset();
  events->on_listener_closed(id);
}

}  // namespace giliran::net
