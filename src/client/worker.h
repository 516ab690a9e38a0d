// The sessions of one loop.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "client/http_session.h"
#include "client/open_loop.h"
#include "client/session.h"

namespace giliran::client {

struct WorkerOptions {
  uint32_t sessions = 1;
  uint32_t thread = 0;                    // its number, from 0
  telemetry::RecordSink* sink = nullptr;  // null: no log
  uint64_t seed = 0;
  bool live = false;  // take_live() will be called
};

// Everything on the loop's thread but the constructor, which may be called before there is one.
class Worker {
 public:
  // run and io outlive it. on_done: every session is over and every connection closed; the worker
  // may be destroyed after the event it comes from.
  Worker(Run& run, net::Io& io, const WorkerOptions& options, std::function<void()> on_done);
  ~Worker();

  void start();
  // After the stop rule was told to stop: sessions that only wait end now.
  void stop();
  const Recorder& recorder() const { return station_.recorder; }
  Live take_live() { return station_.recorder.take_live(); }
  // After the warm-up and while requests were issued; all, where it was not stopped.
  uint64_t answered_until_stop() const { return answered_until_stop_; }
  base::Instant last_answer() const { return station_.last_answer; }

  // Of this thread while it issued requests.
  struct Load {
    base::Duration time{};
    base::Duration cpu{};
    base::Duration all_busy{};  // no session was idle; open loop
  };
  const Load& load() const { return load_; }

 private:
  void finish();
  void end_issuing();

  Station station_;
  std::unique_ptr<HttpStation> http_;    // null for tcp
  std::unique_ptr<OpenLoop> open_loop_;  // null for a closed loop
  std::vector<std::unique_ptr<Session>> sessions_;
  std::function<void()> on_done_;
  uint64_t answered_until_stop_ = 0;
  base::Instant began_{};
  base::Duration cpu_before_{};
  Load load_;
  bool stopped_ = false;
};

}  // namespace giliran::client
