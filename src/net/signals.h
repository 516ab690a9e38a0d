// Signals as events of a loop.
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>

#include "base/error.h"
#include "net/descriptor.h"
#include "net/io.h"

namespace giliran::net {

// Blocks the signals for the calling thread and every thread it starts from now on: call it before
// the first one. SIGPIPE is ignored as well.
void block_signals(std::initializer_list<int> signals);

// Calls back on the loop for each of the signals, which must be blocked. Stops when destroyed.
class SignalWatch final : private FdEvents {
 public:
  using Callback = std::function<void(int)>;
  static base::Result<std::unique_ptr<SignalWatch>> start(Io& io,
                                                          std::initializer_list<int> signals,
                                                          Callback callback);
  ~SignalWatch();

 private:
  SignalWatch(Io& io, Descriptor fd, Callback callback);
  void on_ready(int fd) override;

  Io& io_;
  Descriptor fd_;
  Callback callback_;
};

}  // namespace giliran::net
