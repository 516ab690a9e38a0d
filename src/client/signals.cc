#include "client/signals.h"

#include <fmt/format.h>
#include <sys/signalfd.h>

#include <cstring>

namespace giliran::client {

std::string cut_by(int signal) {
  return fmt::format("CUT by SIG{}", ::sigabbrev_np(signal));
}

Signals::Signals(net::Io& io, std::function<void(int)> on_signal)
    : io_(io), on_signal_(std::move(on_signal)) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &set, &before_);
  fd_ = net::Descriptor(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (fd_) io_.watch_fd(fd_.get(), *this);
}

Signals::~Signals() {
  if (fd_) io_.unwatch_fd(fd_.get());
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void Signals::on_ready(int fd) {
  signalfd_siginfo info;
  while (::read(fd, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    on_signal_(static_cast<int>(info.ssi_signo));
  }
}

}  // namespace giliran::client
