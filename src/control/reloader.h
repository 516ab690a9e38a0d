// Reads and resolves a configuration off the control thread, which a slow name server must not
// hold up. One at a time; what is asked for meanwhile is done once, after it.
#pragma once

#include <functional>
#include <thread>

#include "base/error.h"
#include "control/plan.h"
#include "net/io.h"

namespace giliran::control {

class Reloader {
 public:
  using Read = std::function<base::Result<Plan>()>;      // on a thread of its own
  using Done = std::function<void(base::Result<Plan>)>;  // on the loop

  Reloader(net::Io& io, Read read, Done done)
      : io_(io), read_(std::move(read)), done_(std::move(done)) {}
  // Waits for what is being read. The loop must not run any more.
  ~Reloader();

  void ask();
  bool busy() const { return thread_.joinable(); }

 private:
  void start();
  void finished(base::Result<Plan> plan);

  net::Io& io_;
  Read read_;
  Done done_;
  std::thread thread_;
  bool again_ = false;
};

}  // namespace giliran::control
