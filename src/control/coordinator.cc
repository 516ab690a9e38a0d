#include "control/coordinator.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <optional>
#include <thread>

#include "base/parse.h"
#include "base/printable.h"
#include "base/text.h"
#include "control/changes.h"
#include "control/diagnostics.h"
#include "control/fleet.h"
#include "control/listen_sockets.h"
#include "control/live_view.h"
#include "control/notices.h"
#include "control/plan.h"
#include "control/reloader.h"
#include "control/summary.h"
#include "net/engine.h"
#include "net/listen.h"
#include "net/signals.h"
#include "net/supervisor.h"
#include "telemetry/log.h"

namespace giliran::control {
namespace {

constexpr base::Duration kFirstProgress = std::chrono::seconds(1);
constexpr base::Duration kProgress = std::chrono::seconds(5);

void tell_supervisor(const std::string& state) {
  if (const auto told = net::notify_supervisor(state); !told) {
    spdlog::warn("{}", told.error().message);
  }
}

net::TcpOptions tcp_options(const config::Timeouts& timeouts) {
  return {.keepalive_idle = timeouts.keepalive_idle,
          .unacknowledged_timeout = timeouts.unacknowledged_timeout};
}

telemetry::LogFormat log_format(const config::Log& log) {
  switch (log.format) {
    case config::LogFormat::kAuto:
      return telemetry::goes_to_terminal(log.path) ? telemetry::LogFormat::kText
                                                   : telemetry::LogFormat::kJson;
    case config::LogFormat::kJson:
      return telemetry::LogFormat::kJson;
    case config::LogFormat::kText:
      return telemetry::LogFormat::kText;
    case config::LogFormat::kHttplog:
      return telemetry::LogFormat::kHttplog;
    case config::LogFormat::kTcplog:
      return telemetry::LogFormat::kTcplog;
    case config::LogFormat::kCombined:
      return telemetry::LogFormat::kCombined;
  }
  return telemetry::LogFormat::kJson;
}

// Several lines, each indented below what is said of them.
std::string as_block(const std::string& lines) {
  if (lines.find('\n') == std::string::npos) return lines;
  std::string block = "\n  ";
  for (const char c : lines) {
    block += c;
    if (c == '\n') block += "  ";
  }
  return block;
}

// The process: workers on threads of their own, signals and notices on the calling thread's loop.
class Coordinator final {
 public:
  explicit Coordinator(const CoordinatorOptions& options) : options_(options) {}
  ~Coordinator() {
    if (log_) log_->close();  // its thread speaks through members that go before it
  }
  Coordinator(const Coordinator&) = delete;
  Coordinator& operator=(const Coordinator&) = delete;

  base::Result<void> prepare();
  int run();

 private:
  struct WorkerThread {
    std::unique_ptr<net::Io> io;
    std::unique_ptr<proxy::Worker> worker;
    std::thread thread;
  };
  enum class Stop : uint8_t { kNo, kDraining, kCutting };

  base::Result<void> open_log();
  void say_of_log(const std::string& what);
  telemetry::LogOptions::Around around_write(const config::Log& log);
  base::Result<std::shared_ptr<const cluster::Snapshot>> snapshot_of(
      const Plan& plan, const ListenSockets::Change& change) const;
  base::Result<void> add_worker(uint32_t index, base::Rng random);
  void say_listening(const Listening& listening);
  void warn(const std::vector<std::string>& warnings) const;

  void on_signal(int number);
  void reload();
  void ignore_reload();
  void reloaded(base::Result<Plan> plan);
  base::Result<std::string> change_to(Plan plan);
  void publish(std::shared_ptr<const cluster::Snapshot> snapshot, ListenSockets::Change& change);

  void drain(bool bounded);
  void cut();
  void finish_log();
  void report_drain();
  void summarise();

  const CoordinatorOptions& options_;
  base::SystemClock clock_;
  Surroundings surroundings_;
  Plan plan_;
  std::shared_ptr<const cluster::Snapshot> snapshot_;
  std::optional<ListenSockets> sockets_;
  std::unique_ptr<telemetry::Log> log_;
  std::unique_ptr<net::Io> io_;
  std::optional<OperatorNotices> notices_;
  proxy::Shared shared_;
  std::vector<WorkerThread> workers_;
  std::optional<Fleet> fleet_;
  std::optional<LiveView> live_;  // on a terminal
  std::optional<Reloader> reloader_;
  ServerCounts servers_;
  std::unique_ptr<net::SignalWatch> signals_;
  net::MemberTimer<Coordinator, &Coordinator::cut> cut_timer_{*this};
  net::MemberTimer<Coordinator, &Coordinator::report_drain> report_timer_{*this};
  base::Instant started_{};
  Stop stop_ = Stop::kNo;
};

// --- the start ---

base::Result<void> Coordinator::prepare() {
  std::vector<std::string> warnings;
  // First of all: a descriptor that a listener names by its number must not be one of ours.
  std::vector<Inherited> inherited = GILIRAN_TRY(take_inherited(options_.config, warnings));
  for (const Inherited& i : inherited) surroundings_.inherited.emplace_back(i.number, i.address);
  surroundings_.descriptors = net::raise_descriptor_limit();
  surroundings_.processors = std::thread::hardware_concurrency();
  surroundings_.from_file = options_.reload != nullptr;
  plan_ = GILIRAN_TRY(make_plan(options_.config, surroundings_));
  surroundings_.workers = plan_.workers;
  sockets_.emplace(plan_.workers, std::move(inherited));
  auto change = GILIRAN_TRY(sockets_->prepare(plan_, tcp_options(plan_.config.timeouts)));
  snapshot_ = GILIRAN_TRY(snapshot_of(plan_, change));
  io_ = GILIRAN_TRY(net::make_epoll_io(clock_));
  fleet_.emplace(*io_);
  if (!options_.config.quiet && terminal::LiveScreen::possible()) {
    live_.emplace(*io_, *fleet_, [this]() -> const cluster::Snapshot& { return *snapshot_; });
  }
  GILIRAN_TRY_VOID(open_log());
  notices_.emplace(*io_);
  base::Rng random(options_.config.seed == 0 ? base::random_seed() : options_.config.seed);
  shared_.wake = [this](uint32_t index) { fleet_->serve_queues(index); };
  shared_.rate_limiter = std::make_unique<proxy::RateLimiter>(base::random_seed());
  for (uint32_t i = 0; i < plan_.workers; ++i) GILIRAN_TRY_VOID(add_worker(i, random.split(i)));
  publish(snapshot_, change);
  warn(warnings);
  warn(plan_.warnings);
  for (const std::string& idle : sockets_->unused()) {
    spdlog::warn("inherited {} is used by no listener: who connects there waits", idle);
  }
  return {};
}

base::Result<void> Coordinator::open_log() {
  const config::Log& log = plan_.config.log;
  const bool wait = log.full == config::LogFull::kWait;
  log_ = GILIRAN_TRY(
      telemetry::Log::open({.path = log.path,
                            .workers = plan_.workers,
                            .full = wait ? telemetry::LogFull::kWait : telemetry::LogFull::kDrop,
                            .tier = telemetry::Tier::kCoordinator,
                            .format = log_format(log),
                            .say = [this](const std::string& what) { say_of_log(what); },
                            .around_write = around_write(log)},
                           clock_));
  return {};
}

// On the log's thread.
void Coordinator::say_of_log(const std::string& what) {
  io_->post([what] { spdlog::warn("log: {}", what); });
}

// A log on the terminal that shows the live block goes above it.
telemetry::LogOptions::Around Coordinator::around_write(const config::Log& log) {
  if (!live_ || !telemetry::goes_to_terminal(log.path)) return {};
  return [&screen = live_->screen()](base::FunctionRef<bool()> write) { screen.above(write); };
}

base::Result<std::shared_ptr<const cluster::Snapshot>> Coordinator::snapshot_of(
    const Plan& plan, const ListenSockets::Change& change) const {
  std::vector<cluster::Bound> bound;
  for (size_t i = 0; i < plan.places.size(); ++i) {
    bound.push_back({.listener = &plan.config.listeners[plan.places[i].listener],
                     .address = change.all[i]->bound});
  }
  return cluster::make_snapshot(plan.config, plan.members, bound, snapshot_.get());
}

base::Result<void> Coordinator::add_worker(uint32_t index, base::Rng random) {
  WorkerThread w;
  w.io = GILIRAN_TRY(net::make_epoll_io(clock_, {.pipes_max = plan_.pipes_max}));
  w.worker = std::make_unique<proxy::Worker>(
      proxy::Worker::Setup{.io = *w.io,
                           .options = plan_.options(),
                           .snapshot = snapshot_,
                           .sink = live_ ? live_->meter(log_->sink(index)) : log_->sink(index),
                           .shared = shared_,
                           .random = random,
                           .index = index,
                           .workers = plan_.workers,
                           .notices = *notices_,
                           .gauges = !plan_.config.log.path.empty()});
  fleet_->add(*w.io, *w.worker);
  workers_.push_back(std::move(w));
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
  if (options_.reload) {
    const auto read = [&reload = options_.reload,
                       surroundings = surroundings_]() -> base::Result<Plan> {
      return make_plan(GILIRAN_TRY(reload()), surroundings);
    };
    reloader_.emplace(*io_, read, [this](base::Result<Plan> plan) { reloaded(std::move(plan)); });
  }
  started_ = clock_.now();
  if (!options_.config.quiet) fmt::print(stderr, "{}", base::printable_lines(describe(plan_)));
  for (WorkerThread& w : workers_) {
    w.thread = std::thread([&io = *w.io] { io.run(); });
  }
  for (const auto& listening : sockets_->listening()) say_listening(*listening);
  std::fflush(stderr);
  tell_supervisor("READY=1\nSTATUS=serving");
  if (live_) live_->start();
  io_->run();
  if (live_) live_->stop();
  for (WorkerThread& w : workers_) {
    w.io->stop();
    w.thread.join();
  }
  reloader_.reset();
  finish_log();
  summarise();
  for (WorkerThread& w : workers_) w.worker.reset();
  sockets_.reset();
  signals_.reset();
  return log_->counts().write_errors == 0 ? 0 : 1;
}

void Coordinator::say_listening(const Listening& listening) {
  if (plan_.config.quiet) return;
  const auto say = [&listening] {
    fmt::print(stderr, "listening on {}://{}\n", config::name(listening.scheme),
               base::printable(listening.bound.text()));
    return std::fflush(stderr) == 0;
  };
  live_ ? live_->screen().above(say) : static_cast<void>(say());
}

void Coordinator::warn(const std::vector<std::string>& warnings) const {
  for (const std::string& warning : warnings) spdlog::warn("{}", warning);
}

void Coordinator::on_signal(int number) {
  switch (number) {
    case SIGUSR1:
      log_->reopen();
      break;
    case SIGHUP:
      reload();
      break;
    case SIGQUIT:
      drain(false);
      break;
    default:
      drain(true);
      break;
  }
}

// --- reload ---

void Coordinator::reload() {
  if (stop_ != Stop::kNo) return ignore_reload();
  tell_supervisor(net::reloading_state(clock_.now()));
  if (reloader_) {
    reloader_->ask();
    return;
  }
  spdlog::warn("nothing to reload: this coordinator was configured by flags");
  tell_supervisor("READY=1");
}

void Coordinator::ignore_reload() {
  spdlog::warn("reload ignored: the coordinator is stopping");
}

void Coordinator::reloaded(base::Result<Plan> plan) {
  if (stop_ != Stop::kNo) return ignore_reload();
  const auto changed =
      plan ? change_to(std::move(*plan)) : base::Result<std::string>(std::unexpected(plan.error()));
  if (changed) {
    spdlog::info("reloaded: {}", *changed);
    tell_supervisor(fmt::format("READY=1\nSTATUS=serving; reloaded: {}", *changed));
  } else {
    spdlog::error("reload refused, nothing has changed: {}", as_block(changed.error().message));
    tell_supervisor("READY=1\nSTATUS=serving; the last reload was refused, see the log");
  }
}

// Everything that may fail comes before the first change.
base::Result<std::string> Coordinator::change_to(Plan plan) {
  const net::TcpOptions tcp = tcp_options(plan.config.timeouts);
  auto change = GILIRAN_TRY(sockets_->prepare(plan, tcp));
  auto snapshot = GILIRAN_TRY(snapshot_of(plan, change));
  const std::vector<std::string> later = needs_restart(plan_, plan);
  keep_until_restart(plan_, plan);
  const std::string what = changes(plan_.config, *snapshot_, plan.config, *snapshot);
  if (plan.config.timeouts != plan_.config.timeouts) sockets_->set_tcp(tcp);
  for (const auto& listening : change.opened) say_listening(*listening);
  plan_ = std::move(plan);
  publish(std::move(snapshot), change);
  warn(plan_.warnings);
  for (const std::string& sentence : later) spdlog::warn("{}", sentence);
  return what;
}

void Coordinator::publish(std::shared_ptr<const cluster::Snapshot> snapshot,
                          ListenSockets::Change& change) {
  Fleet::News news{.snapshot = snapshot, .options = plan_.options(), .opened = {}, .removed = {}};
  for (Listening* listening : change.removed) news.removed.push_back(listening->number);
  for (const auto& listening : change.opened) {
    for (size_t i = 0; i < snapshot->listeners.size(); ++i) {
      const cluster::Listener& listener = *snapshot->listeners[i];
      if (!listener.retired && listener.address == listening->bound &&
          listener.options.listen.scheme == listening->scheme) {
        listening->number = i;
      }
    }
    const bool shared = listening->shared != nullptr;
    news.opened.push_back(
        {.listener = listening->number,
         .fds = shared ? std::vector{listening->shared->socket.fd.get()} : listening->fds,
         .shared = shared});
    for (net::Descriptor& fd : listening->own) fd.release();  // the workers' from now on
    listening->own.clear();
  }
  servers_.published(snapshot_ == snapshot ? nullptr : snapshot_.get(), *snapshot);
  sockets_->commit(change);
  fleet_->publish(news);
  fleet_->when_stopped(news.removed, [this](size_t number) { sockets_->stopped(number); });
  snapshot_ = std::move(snapshot);
}

// --- stopping ---

void Coordinator::drain(bool bounded) {
  switch (stop_) {
    case Stop::kNo: {
      stop_ = Stop::kDraining;
      const base::Duration most = plan_.config.drain_timeout;
      const std::string bound =
          bounded ? " for at most " + base::format_duration(most) : std::string();
      tell_supervisor(fmt::format("STOPPING=1\nSTATUS=draining{}", bound));
      spdlog::info("draining{}; a second signal ends at once", bound);
      fleet_->drain([this] { io_->stop(); });
      if (bounded) io_->arm(cut_timer_, most);
      io_->arm(report_timer_, kFirstProgress);
      break;
    }
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
  fleet_->shut();
  log_->hurry();  // workers may be waiting for it
}

// Whoever reads the log may be slow, or gone: signals are heard until the last record is out.
void Coordinator::finish_log() {
  io_->timers().disarm(report_timer_);
  log_->finish([this] { io_->stop(); });
  io_->run();
  log_->close();
}

void Coordinator::report_drain() {
  fleet_->ask([](const Left& left) {
    if (left.connections == 0) return;
    const std::string text =
        fmt::format("draining: {} connection{}, {} exchange{}, {} flow{} left", left.connections,
                    base::plural(left.connections), left.exchanges, base::plural(left.exchanges),
                    left.flows, base::plural(left.flows));
    spdlog::info("{}", text);
    tell_supervisor("STATUS=" + text);
  });
  io_->arm(report_timer_, kProgress);
}

void Coordinator::summarise() {
  if (plan_.config.quiet) return;
  Totals totals{.counts = {},
                .logged = log_->counts(),
                .ran = clock_.now() - started_,
                .cpu = base::process_cpu_time()};
  for (const WorkerThread& w : workers_) totals.counts.add(w.worker->counts());
  fmt::print(stderr, "{}{}", summary(totals), base::printable_lines(servers_.text(*snapshot_)));
}

}  // namespace

int run_coordinator(const CoordinatorOptions& options) {
  start_diagnostics();
  net::block_signals({SIGTERM, SIGINT, SIGQUIT, SIGUSR1, SIGHUP});
  if (options.config.quiet) spdlog::set_level(spdlog::level::warn);
  Coordinator coordinator(options);
  if (const auto ready = coordinator.prepare(); !ready) {
    fmt::print(stderr, "giliran coordinator: {}\n", base::printable_lines(ready.error().message));
    return 2;
  }
  return coordinator.run();
}

}  // namespace giliran::control
