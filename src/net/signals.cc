#include "net/signals.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/signalfd.h>

#include <cerrno>
#include <cstring>

namespace giliran::net {
namespace {

sigset_t set_of(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals) sigaddset(&set, signal);
  return set;
}

}  // namespace

void block_signals(std::initializer_list<int> signals) {
  const sigset_t set = set_of(signals);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
}

base::Result<std::unique_ptr<SignalWatch>> SignalWatch::start(Io& io,
                                                              std::initializer_list<int> signals,
                                                              Callback callback) {
  const sigset_t set = set_of(signals);
  Descriptor fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) {
    const int error = errno;
    return base::fail(fmt::format("cannot watch signals: {}", std::strerror(error)), error);
  }
  return std::unique_ptr<SignalWatch>(new SignalWatch(io, std::move(fd), std::move(callback)));
}

SignalWatch::SignalWatch(Io& io, Descriptor fd, Callback callback)
    : io_(io), fd_(std::move(fd)), callback_(std::move(callback)) {
  io_.watch_fd(fd_.get(), *this);
}

SignalWatch::~SignalWatch() {
  io_.unwatch_fd(fd_.get());
}

// One a turn: the callback may destroy what it likes but this, and the descriptor stays readable.
void SignalWatch::on_ready(int fd) {
  signalfd_siginfo info{};
  if (::read(fd, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    callback_(static_cast<int>(info.ssi_signo));
  }
}

}  // namespace giliran::net
