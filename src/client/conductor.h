// Runs a plan: starts the threads, ends the run, adds up what they measured.
#pragma once

#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "client/progress.h"
#include "client/run_result.h"
#include "client/worker.h"

namespace giliran::client {

struct ConductorOptions {
  telemetry::Log* log = nullptr;  // null: none; has a sink per thread
  base::Duration look_every{};    // 0: no looks
  // On the calling thread, after each look and once at the end.
  std::function<void(const ProgressMeter&)> on_look;
};

class Conductor {
 public:
  Conductor(const Plan& plan, base::Clock& clock, ConductorOptions options);
  ~Conductor();

  // Makes the loops. An error names what the system has too little of.
  base::Result<void> prepare();
  // The loop of the calling thread: for signals.
  net::Io& io() { return *io_; }
  // Blocks until every request has ended. Once.
  RunResult run();
  // Ends the issuing of requests early, because of that signal. On the calling thread's loop.
  void interrupt(int signal);

 private:
  struct Lane {
    std::unique_ptr<net::Io> io;
    std::unique_ptr<Worker> worker;
    std::thread thread;
  };

  void add_lane(size_t index, base::Rng& rng);
  void stop_issuing();
  void on_warm() { run_.rule.begin_measuring(); }
  void on_deadline() { stop_issuing(); }
  void on_look_timer();
  void on_live(const Live& live);
  void look(Live live);
  void end_where_all_done();
  RunResult result() const;
  void add_load(RunResult& result) const;
  bool answering_at_end(const Recorder& totals) const;

  const Plan& plan_;
  base::Clock& clock_;
  ConductorOptions options_;
  Run run_;
  std::unique_ptr<net::Io> io_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  size_t running_ = 0;
  size_t looks_due_ = 0;  // threads that have not answered the last look
  Live looking_;
  ProgressMeter meter_{plan_};
  base::WallTime started_wall_;
  base::Instant started_{};  // requests may be due from here on
  base::Instant stopped_{};  // zero: not
  base::Duration cpu_before_{};
  int interrupted_by_ = 0;
  net::MemberTimer<Conductor, &Conductor::on_warm> warm_timer_{*this};
  net::MemberTimer<Conductor, &Conductor::on_deadline> deadline_timer_{*this};
  net::MemberTimer<Conductor, &Conductor::on_look_timer> look_timer_{*this};
};

}  // namespace giliran::client
