#include "control/coordinator.h"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <thread>

#include "base/parse.h"
#include "control/plan.h"
#include "net/engine.h"
#include "net/listen_socket.h"
#include "net/signals.h"
#include "proxy/worker.h"
#include "telemetry/log.h"

namespace giliran::control {
namespace {

// The process: workers on threads of their own, signals and notices on the calling thread's loop.
class Coordinator final : private proxy::Notices {
 public:
  explicit Coordinator(const CoordinatorOptions& options)
      : options_(options.config), reload_(options.reload) {}

  base::Result<void> prepare();
  int run();

 private:
  struct WorkerThread {
    std::unique_ptr<net::Io> io;
    std::unique_ptr<proxy::Worker> worker;
    std::thread thread;
  };
  enum class Stop : uint8_t { kNo, kDraining, kCutting };

  base::Result<void> open_listener(size_t index);
  void on_signal(int number);
  void drain(bool bounded);
  void cut();
  void report_drain();
  void worker_done();
  void summary();

  void accept_paused(int error) override;
  void server_down(const cluster::Endpoint& endpoint, base::Duration left_out, int error) override;
  void server_up(const cluster::Endpoint& endpoint) override;

  const config::Coordinator& options_;
  const std::function<base::Result<config::Coordinator>()>& reload_;
  base::SystemClock clock_;
  Plan plan_;
  std::shared_ptr<const cluster::Snapshot> snapshot_;
  std::unique_ptr<telemetry::Log> log_;
  std::unique_ptr<net::Io> io_;
  std::vector<WorkerThread> workers_;
  std::vector<std::vector<net::ListenSocket>> sockets_;  // of each listener; one where it is shared
  std::unique_ptr<net::SignalWatch> signals_;
  net::MemberTimer<Coordinator, &Coordinator::cut> cut_timer_{*this};
  net::MemberTimer<Coordinator, &Coordinator::report_drain> report_timer_{*this};
  base::Instant started_{};
  base::Instant pause_told_{};
  Stop stop_ = Stop::kNo;
  size_t running_ = 0;
};

base::Result<void> Coordinator::prepare() {
  plan_ = GILIRAN_TRY(make_plan(options_));
  const bool wait = options_.log.full == config::LogFull::kWait;
  log_ = GILIRAN_TRY(
      telemetry::Log::open({.path = options_.log.path,
                            .workers = plan_.workers,
                            .full = wait ? telemetry::LogFull::kWait : telemetry::LogFull::kDrop,
                            .tier = telemetry::Tier::kCoordinator},
                           clock_));
  io_ = GILIRAN_TRY(net::make_epoll_io(clock_));
  for (size_t i = 0; i < plan_.bound.size(); ++i) GILIRAN_TRY_VOID(open_listener(i));
  snapshot_ = GILIRAN_TRY(cluster::make_snapshot(plan_.config, plan_.members, plan_.bound));
  base::Rng random(options_.seed == 0 ? base::random_seed() : options_.seed);
  for (uint32_t i = 0; i < plan_.workers; ++i) {
    WorkerThread w;
    w.io = GILIRAN_TRY(net::make_epoll_io(clock_));
    w.worker = std::make_unique<proxy::Worker>(
        proxy::Worker::Setup{.io = *w.io,
                             .options = proxy::Options::of(plan_.config),
                             .snapshot = snapshot_,
                             .sink = log_->sink(i),
                             .random = random.split(i),
                             .index = i,
                             .workers = plan_.workers,
                             .notices = *this});
    for (size_t l = 0; l < sockets_.size(); ++l) {
      std::vector<net::ListenSocket>& sockets = sockets_[l];
      const bool shared = sockets.size() == 1 && plan_.workers > 1;
      const int fd = shared ? sockets[0].fd.get() : sockets[i].fd.release();
      GILIRAN_TRY_VOID(w.worker->listen_on(l, fd, shared));
    }
    workers_.push_back(std::move(w));
  }
  return {};
}

// A listener of each worker's own on the same port; a Unix socket is one, shared by all.
base::Result<void> Coordinator::open_listener(size_t index) {
  base::Address& address = plan_.bound[index].address;
  const size_t count = address.is_unix() ? 1 : plan_.workers;
  std::vector<net::ListenSocket>& sockets = sockets_.emplace_back();
  for (size_t i = 0; i < count; ++i) {
    auto socket = net::open_listen_socket(address, {.reuse_port = count > 1});
    if (!socket)
      return std::unexpected(net::listen_error(address, "--listen", socket.error().code));
    address = net::bound_address(*socket);  // the port that was free, where 0 was asked
    sockets.push_back(std::move(*socket));
  }
  return {};
}

int Coordinator::run() {
  auto signals = net::SignalWatch::start(*io_, {SIGTERM, SIGINT, SIGQUIT, SIGUSR1, SIGHUP},
                                         [this](int number) { on_signal(number); });
  if (!signals) {
    spdlog::error("{}", signals.error().message);
    return 1;
  }
  signals_ = std::move(*signals);
  started_ = clock_.now();
  if (!options_.quiet) fmt::print(stderr, "{}", describe(plan_));
  running_ = workers_.size();
  for (WorkerThread& w : workers_) {
    w.thread = std::thread([&io = *w.io] { io.run(); });
  }
  for (const cluster::Bound& bound : plan_.bound) {
    fmt::print(stderr, "listening on {}://{}\n", config::name(bound.listener->listen.scheme),
               bound.address.text());
  }
  std::fflush(stderr);
  io_->run();
  for (WorkerThread& w : workers_) {
    w.io->stop();
    w.thread.join();
  }
  log_->close();
  summary();
  for (WorkerThread& w : workers_) w.worker.reset();
  for (const auto& sockets : sockets_) {
    const std::string& path = sockets.front().unix_path;
    if (!path.empty()) std::remove(path.c_str());
  }
  signals_.reset();
  return log_->counts().write_errors == 0 ? 0 : 1;
}

// --- stopping ---

void Coordinator::on_signal(int number) {
  switch (number) {
    case SIGUSR1:
      log_->reopen();
      break;
    case SIGHUP:
      spdlog::warn(reload_ ? "reload is not built yet"
                           : "nothing to reload: this coordinator was configured by flags");
      break;
    case SIGQUIT:
      drain(false);
      break;
    default:
      drain(true);
      break;
  }
}

void Coordinator::drain(bool bounded) {
  switch (stop_) {
    case Stop::kNo:
      stop_ = Stop::kDraining;
      if (!options_.quiet) {
        spdlog::info("draining{}; a second signal ends at once",
                     bounded ? " for at most " + base::format_duration(options_.drain_timeout)
                             : std::string());
      }
      for (WorkerThread& w : workers_) {
        w.io->post([this, &worker = *w.worker] {
          worker.drain([this] { io_->post([this] { worker_done(); }); });
        });
      }
      if (bounded) io_->arm(cut_timer_, options_.drain_timeout);
      io_->arm(report_timer_, std::chrono::seconds(1));
      break;
    case Stop::kDraining:
      cut();
      break;
    case Stop::kCutting:
      break;
  }
}

void Coordinator::cut() {
  if (stop_ != Stop::kDraining) return;
  stop_ = Stop::kCutting;
  for (WorkerThread& w : workers_) {
    w.io->post([&worker = *w.worker] { worker.shut(); });
  }
}

void Coordinator::report_drain() {
  if (running_ == 0) return;
  spdlog::info("draining: {} of {} workers have connections left", running_, workers_.size());
  io_->arm(report_timer_, std::chrono::seconds(5));
}

void Coordinator::worker_done() {
  if (--running_ == 0) io_->stop();
}

void Coordinator::summary() {
  if (options_.quiet) return;
  proxy::WorkerCounts sum;
  for (const WorkerThread& w : workers_) sum.add(w.worker->counts());
  const double seconds = base::to_seconds(clock_.now() - started_);
  const double cpu = base::to_seconds(base::process_cpu_time());
  const telemetry::Log::Counts logged = log_->counts();
  fmt::print(
      stderr,
      "giliran coordinator: {} exchanges, {} flows on {} connections in {:.1f} s; {} failed, "
      "{} refused, {} retries, {} cut at the end; CPU {:.2f} s",
      sum.exchanges, sum.flows, sum.connections, seconds, sum.failed, sum.refused, sum.retries,
      sum.cut, cpu);
  if (sum.exchanges + sum.flows != 0) {
    fmt::print(stderr, " ({:.1f} us each)",
               cpu * 1e6 / static_cast<double>(sum.exchanges + sum.flows));
  }
  fmt::print(stderr, "; log: {} records written, {} dropped, {} write errors\n", logged.written,
             logged.dropped, logged.write_errors);
  for (const auto& pool : snapshot_->pools) {
    for (const auto& endpoint : pool->endpoints) {
      fmt::print(stderr, "  server {} chosen {} times\n", endpoint->name,
                 endpoint->live.chosen.load(std::memory_order_relaxed));
    }
  }
}

// --- notices of the workers ---

void Coordinator::accept_paused(int error) {
  io_->post([this, error] {
    const base::Instant now = clock_.now();
    if (pause_told_ != base::Instant{} && now - pause_told_ < std::chrono::seconds(10)) return;
    pause_told_ = now;
    spdlog::warn(
        "accepting pauses: {} (limit {}); raise the limit (ulimit -n) or --idle-timeout "
        "less",
        std::strerror(error), plan_.descriptors);
  });
}

void Coordinator::server_down(const cluster::Endpoint& endpoint, base::Duration left_out,
                              int error) {
  io_->post([name = endpoint.name, left_out, error] {
    spdlog::warn("server {} does not connect ({}): left out for {}", name, std::strerror(error),
                 base::format_duration(std::chrono::floor<std::chrono::milliseconds>(left_out)));
  });
}

void Coordinator::server_up(const cluster::Endpoint& endpoint) {
  io_->post([name = endpoint.name] { spdlog::info("server {} is back", name); });
}

}  // namespace

int run_coordinator(const CoordinatorOptions& options) {
  spdlog::set_default_logger(spdlog::stderr_logger_st("coordinator"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e giliran %n: %l: %v");
  net::block_signals({SIGTERM, SIGINT, SIGQUIT, SIGUSR1, SIGHUP});
  Coordinator coordinator(options);
  if (const auto ready = coordinator.prepare(); !ready) {
    fmt::print(stderr, "giliran coordinator: {}\n", ready.error().message);
    return 2;
  }
  return coordinator.run();
}

}  // namespace giliran::control
