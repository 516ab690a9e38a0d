#include "server/server.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/parse.h"
#include "net/engine.h"
#include "net/listen.h"
#include "server/exchange.h"
#include "server/line_connection.h"

namespace giliran::server {
namespace {

constexpr uint32_t kLoopsMax = 64;
constexpr size_t kNameBytesMax = 64;

uint32_t processors() {
  return std::max(1U, std::thread::hardware_concurrency());
}

base::Result<void> check_name(std::string_view name) {
  const bool visible = std::ranges::all_of(name, [](char c) { return c > ' ' && c < '\x7f'; });
  if (name.empty() || name.size() > kNameBytesMax || !visible) {
    return base::fail(
        fmt::format("--name '{}': expected 1 to {} visible ASCII characters without spaces", name,
                    kNameBytesMax));
  }
  return {};
}

}  // namespace

base::Result<std::unique_ptr<Server>> Server::start(const ServerOptions& options) {
  std::unique_ptr<Server> server(new Server(options));
  const auto prepared = server->prepare();
  if (!prepared) return std::unexpected(prepared.error());
  server->run_threads();
  return server;
}

Server::~Server() {
  if (workers_.empty() || !workers_.front().thread.joinable()) return;
  drain([] {});
  shut();
  join();
}

base::Result<void> Server::prepare() {
  ServerOptions& o = options_;
  if (o.listens.empty()) return base::fail("no address to listen on: give --listen HOST:PORT");
  if (o.threads > kThreadsMax) {
    return base::fail(fmt::format("--threads {}: at most {}", o.threads, kThreadsMax));
  }
  if (o.threads == 0) o.threads = processors();
  if (o.seed == 0) o.seed = base::random_seed();
  if (!o.name.empty()) {
    const auto named = check_name(o.name);
    if (!named) return named;
  }
  character_ = GILIRAN_TRY(o.character());
  net::raise_descriptor_limit();

  pool_ = std::make_unique<ServicePool>(o.threads, clock_);
  site_ = std::make_unique<Site>(clock_, *pool_);
  Site& site = *site_;
  site.seed = o.seed;
  site.allow_to = GILIRAN_TRY(AllowTo::make(o.allow_to));

  const uint32_t loops = character_.needs_threads() ? 1 : std::min(o.threads, kLoopsMax);
  for (const config::ListenSpec& spec : o.listens) {
    for (const base::Address& address : GILIRAN_TRY(net::resolve(spec.host_port))) {
      const auto probed = net::probe_listen(address, "--listen");
      if (!probed) return probed;
    }
  }
  if (!o.log.empty()) {
    log_ = GILIRAN_TRY(telemetry::Log::open(
        {.path = o.log,
         .workers = loops,
         .full = o.log_full,
         .tier = telemetry::Tier::kServer,
         .format = telemetry::goes_to_terminal(o.log) ? telemetry::LogFormat::kText
                                                      : telemetry::LogFormat::kJson},
        clock_));
  }
  const uint64_t span_seed = base::random_seed();
  for (uint32_t i = 0; i < loops; ++i) {
    Worker worker;
    worker.io = GILIRAN_TRY(net::make_epoll_io(clock_));
    worker.loop = std::make_unique<Loop>(*worker.io, site, character_,
                                         log_ ? &log_->sink(i) : nullptr, span_seed + i);
    workers_.push_back(std::move(worker));
  }
  for (const config::ListenSpec& spec : o.listens) {
    const auto opened = open_listeners(spec);
    if (!opened) return opened;
  }
  if (o.name.empty()) o.name = urls_.front().substr(urls_.front().find("://") + 3);
  site.name = o.name;
  site.name_line = o.name + "\n";
  return character_.needs_threads() ? pool_->start() : base::Result<void>();
}

base::Result<void> Server::open_listeners(const config::ListenSpec& spec) {
  const auto addresses = GILIRAN_TRY(net::resolve(spec.host_port));
  for (base::Address address : addresses) {
    // A Unix socket cannot be opened twice: the first loop has it.
    const size_t loops = address.is_unix() ? 1 : workers_.size();
    for (size_t i = 0; i < loops; ++i) {
      const auto bound = workers_[i].loop->listen(address, spec.scheme, {.reuse_port = loops > 1});
      if (!bound) return std::unexpected(bound.error());
      address = *bound;  // the port, where any was asked for
    }
    urls_.push_back(fmt::format("{}://{}", config::name(spec.scheme), address.text()));
  }
  return {};
}

void Server::run_threads() {
  for (Worker& worker : workers_) {
    worker.thread = std::thread([&worker] { worker.io->run(); });
  }
}

std::vector<std::string> Server::plan() const {
  const ServerOptions& o = options_;
  std::vector<std::string> lines;
  std::string where;
  for (const std::string& url : urls_) where += (where.empty() ? "" : ", ") + url;
  lines.push_back(fmt::format("server {} on {}", site_->name, where));
  if (character_.needs_threads()) {
    lines.push_back(fmt::format("  {} service thread{} fed by one queue, 1 I/O loop", o.threads,
                                o.threads == 1 ? "" : "s"));
  } else {
    lines.push_back(
        fmt::format("  {} I/O loop{}", workers_.size(), workers_.size() == 1 ? "" : "s"));
  }
  lines.push_back("  " + character_.text() + (o.config.empty() ? "" : ", of " + o.config));
  lines.push_back(fmt::format("  log {}, seed {}", o.log.empty() ? "none" : o.log, o.seed));
  return lines;
}

void Server::drain(std::function<void()> on_drained) {
  on_drained_ = std::move(on_drained);
  loops_draining_ = workers_.size();
  for (Worker& worker : workers_) {
    worker.io->post([this, &worker] {
      worker.loop->drain([this, &worker] {
        worker.io->stop();
        if (loops_draining_.fetch_sub(1) == 1 && on_drained_) on_drained_();
      });
    });
  }
}

base::Result<void> Server::reload() {
  Character read = GILIRAN_TRY(options_.character());
  if (read.needs_threads()) GILIRAN_TRY_VOID(pool_->start());
  character_ = std::move(read);
  for (Worker& worker : workers_) {
    worker.io->post([&worker, character = character_] { worker.loop->set_character(character); });
  }
  return {};
}

void Server::shut() {
  pool_->cancel();
  for (Worker& worker : workers_) {
    worker.io->post([&worker] { worker.loop->shut(); });
  }
  if (log_) log_->hurry();
}

void Server::reopen_log() {
  if (log_) log_->reopen();
}

void Server::finish(std::function<void()> finished) {
  for (Worker& worker : workers_) {
    if (worker.thread.joinable()) worker.thread.join();
  }
  log_ ? log_->finish(std::move(finished)) : finished();
}

void Server::join() {
  finish([] {});
  if (log_) log_->close();
}

Totals Server::totals() const {
  Totals sum;
  for (const Worker& worker : workers_) sum.add(worker.loop->totals());
  return sum;
}

telemetry::Log::Counts Server::log_counts() const {
  return log_ ? log_->counts() : telemetry::Log::Counts{};
}

}  // namespace giliran::server
