#include "net/epoll_io.h"

#include <fmt/format.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>

#include <cerrno>
#include <cstring>
#include <ctime>

#include "base/assert.h"
#include "net/calls.h"
#include "net/engine.h"

namespace giliran::net {
namespace {

constexpr uint32_t kSlotMask = (uint32_t{1} << 30) - 1;
constexpr int kRoundsMax = 4;  // recv, send, what on_sent submits, and one to spare
constexpr unsigned long kTimerSlackNs = 1000;

}  // namespace

base::Result<std::unique_ptr<Io>> make_epoll_io(base::Clock& clock, const EpollOptions& options) {
  Descriptor epoll_fd(::epoll_create1(EPOLL_CLOEXEC));
  Descriptor wake_fd(epoll_fd ? ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) : -1);
  if (!wake_fd) {
    const int error = errno;
    return base::fail(fmt::format("cannot make an event loop: {}", std::strerror(error)), error);
  }
  return std::make_unique<EpollIo>(clock, options, std::move(epoll_fd), std::move(wake_fd));
}

EpollIo::EpollIo(base::Clock& clock, const EpollOptions& options, Descriptor epoll_fd,
                 Descriptor wake_fd)
    : clock_(clock),
      epoll_fd_(std::move(epoll_fd)),
      mailbox_(std::move(wake_fd)),
      turn_started_(clock.now()),
      timers_(turn_started_),
      pipes_(options.pipes_max) {
  GILIRAN_ASSERT(add_to_epoll(mailbox_.wake_fd(), EPOLLIN, Kind::kWake, 0, 0) == 0);
}

EpollIo::~EpollIo() {
  for (uint32_t slot = 0; slot < sockets_.size(); ++slot) {
    const Socket& socket = sockets_.at(slot);
    if (socket.fd >= 0) ::close(socket.fd);
  }
  for (const std::unique_ptr<Listener>& listener : listeners_) {
    if (listener == nullptr) continue;
    if (!listener->shared) ::close(listener->fd);
    if (!listener->unix_path.empty()) ::unlink(listener->unix_path.c_str());
  }
}

int EpollIo::add_to_epoll(int fd, uint32_t events, Kind kind, uint32_t slot, uint32_t generation) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = uint64_t{static_cast<uint32_t>(kind) << 30 | slot} << 32 | generation;
  return ::epoll_ctl(epoll_fd_.get(), EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : errno;
}

void EpollIo::run() {
  // Timers of the kernel are 50 us late by default; only sleeps of this thread are concerned.
  ::prctl(PR_SET_TIMERSLACK, kTimerSlackNs);
  do {
    turn();
  } while (!mailbox_.take_stop());
  while (const size_t tasks = mailbox_.run_tasks()) counters_.posts += tasks;
}

void EpollIo::turn() {
  ++counters_.turns;
  wait();
  run_rounds();
  timers_.advance(turn_started_);
  counters_.posts += mailbox_.run_tasks();
  accepting_.swap(ready_);
  for (const ListenerId id : accepting_) {
    if (Listener* listener = find_listener(id)) accept_some(*listener);
  }
  accepting_.clear();
  run_rounds();
  run_closings();
  if (socket_closed_) resume_paused();
}

void EpollIo::wait() {
  base::Duration timeout{0};
  const base::Instant next = timers_.next();
  const bool forever = next == base::kNoDeadline;
  if (!work_left() && !forever) timeout = std::max(timeout, next - clock_.now());
  int count = -1;
  ++counters_.waits;
  if (wait_has_ns_) {
    const timespec ts{.tv_sec = timeout.count() / 1'000'000'000,
                      .tv_nsec = timeout.count() % 1'000'000'000};
    count =
        call_wait(epoll_fd_.get(), events_, kEventsMax, forever && !work_left() ? nullptr : &ts);
    if (count < 0 && errno == ENOSYS) wait_has_ns_ = false;
  }
  if (!wait_has_ns_) {
    const int64_t ms = std::min<int64_t>((timeout.count() + 999'999) / 1'000'000, 1 << 30);
    count = ::epoll_wait(epoll_fd_.get(), events_, kEventsMax,
                         forever && !work_left() ? -1 : static_cast<int>(ms));
  }
  GILIRAN_ASSERT(count >= 0 || errno == EINTR || errno == ENOSYS);
  turn_started_ = clock_.now();
  told_all_before_ = told_all_;
  if (count < kEventsMax) told_all_ = counters_.turns;
  for (int i = 0; i < count; ++i) handle(events_[i]);
}

void EpollIo::handle(const epoll_event& event) {
  const uint32_t high = static_cast<uint32_t>(event.data.u64 >> 32);
  const uint32_t generation = static_cast<uint32_t>(event.data.u64);
  const uint32_t slot = high & kSlotMask;
  switch (static_cast<Kind>(high >> 30)) {
    case Kind::kSocket:
      socket_ready({slot, generation}, event.events);
      break;
    case Kind::kListener:
      if (Listener* listener = find_listener({slot, generation})) accept_some(*listener);
      break;
    case Kind::kWatch:
      watch_ready(slot, generation);
      break;
    case Kind::kWake:
      mailbox_.acknowledge();
      break;
  }
}

void EpollIo::run_rounds() {
  for (int round = 0; round < kRoundsMax && !run_list_.empty(); ++round) {
    round_.swap(run_list_);
    for (const SocketId id : round_) run_socket(id);
    round_.clear();
  }
}

void EpollIo::run_closings() {
  while (!closing_.empty()) {
    closing_now_.swap(closing_);
    for (const SocketId id : closing_now_) {
      SocketEvents* const events = sockets_.at(id.slot).events;
      ++counters_.closes;
      socket_closed_ = true;
      if (events != nullptr) events->on_closed(id);
      sockets_.give_back(id.slot);
    }
    closing_now_.clear();
  }
}

void EpollIo::watch_fd(int fd, FdEvents& events) {
  uint32_t slot = 0;
  while (slot < watches_.size() && watches_[slot].events != nullptr) ++slot;
  if (slot == watches_.size()) watches_.emplace_back();
  watches_[slot] = {.fd = fd, .generation = ++watch_generation_, .events = &events};
  const int error = add_to_epoll(fd, EPOLLIN, Kind::kWatch, slot, watches_[slot].generation);
  GILIRAN_ASSERT(error == 0);
}

void EpollIo::unwatch_fd(int fd) {
  for (Watch& watch : watches_) {
    if (watch.events == nullptr || watch.fd != fd) continue;
    ::epoll_ctl(epoll_fd_.get(), EPOLL_CTL_DEL, fd, nullptr);
    watch = {};
    return;
  }
}

void EpollIo::watch_ready(uint32_t slot, uint32_t generation) {
  const Watch watch = watches_[slot];
  if (watch.events != nullptr && watch.generation == generation) watch.events->on_ready(watch.fd);
}

}  // namespace giliran::net
