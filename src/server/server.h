// A server in one process: its threads, loops and log. What run_server() and tests are made of.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "net/io.h"
#include "server/loop.h"
#include "server/options.h"
#include "server/service_pool.h"
#include "server/site.h"
#include "telemetry/log.h"

namespace giliran::server {

class Server {
 public:
  // Checks everything that could go wrong, opens listeners and log, starts the threads. An error is
  // one line that names the flag that mends it.
  static base::Result<std::unique_ptr<Server>> start(const ServerOptions& options);
  ~Server();  // shuts what still runs

  const std::string& name() const { return site_->name; }
  // "http://127.0.0.1:9001" with the real port, in the order of --listen.
  const std::vector<std::string>& urls() const { return urls_; }
  // Lines for a person: what was derived from the options.
  std::vector<std::string> plan() const;

  // Accepts no more, answers what is under way; on_drained is called on some thread once that is
  // done. Call once. Thread-safe.
  void drain(std::function<void()> on_drained);
  // Cuts what is left. After drain(). Thread-safe.
  void shut();
  void reopen_log();
  // Reads the file of the options again. Where it is not good, nothing changes. By one thread.
  base::Result<void> reload();
  const Character& character() const { return character_; }
  // Blocks until drained; ends the threads. The log is then written out; `finished` is called on
  // some thread once that is done, which shut() hurries.
  void finish(std::function<void()> finished);
  // Blocks until drained; ends the threads and closes the log.
  void join();

  Totals totals() const;  // after join()
  telemetry::Log::Counts log_counts() const;

 private:
  struct Worker {
    std::unique_ptr<net::Io> io;
    std::unique_ptr<Loop> loop;
    std::thread thread;
  };
  explicit Server(const ServerOptions& options) : options_(options) {}
  base::Result<void> prepare();
  base::Result<void> open_listeners(const config::ListenSpec& spec);
  void run_threads();

  ServerOptions options_;
  base::SystemClock clock_;
  std::unique_ptr<telemetry::Log> log_;
  std::unique_ptr<Site> site_;
  Character character_;  // the last one that the loops were given
  std::vector<Worker> workers_;
  // After the loops: its threads post to them until it is gone.
  std::unique_ptr<ServicePool> pool_;
  std::vector<std::string> urls_;
  std::atomic<size_t> loops_draining_ = 0;
  std::function<void()> on_drained_;
};

}  // namespace giliran::server
