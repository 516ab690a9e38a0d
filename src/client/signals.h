// SIGINT and SIGTERM as events of a loop.
#pragma once

#include <csignal>
#include <functional>
#include <string>

#include "net/descriptor.h"
#include "net/io.h"

namespace giliran::client {

// The exit status of who was ended by a signal, as shells have it: 130 for SIGINT.
constexpr int exit_status_of(int signal) {
  return 128 + signal;
}
// "CUT by SIGINT"
std::string cut_by(int signal);

// While it lives the two signals are blocked in the thread that made it, and in threads started
// since; they arrive at the loop instead. Made before the threads and before the loop runs.
class Signals final : private net::FdEvents {
 public:
  Signals(net::Io& io, std::function<void(int signal)> on_signal);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

 private:
  void on_ready(int fd) override;

  net::Io& io_;
  std::function<void(int)> on_signal_;
  sigset_t before_{};
  net::Descriptor fd_;
};

}  // namespace giliran::client
