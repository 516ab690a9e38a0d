#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "base/clock.h"
#include "base/parse.h"
#include "net/engine.h"
#include "net/signals.h"
#include "server/options.h"
#include "server/server.h"

namespace giliran::server {
namespace {

int refuse(const base::Error& error) {
  fmt::print(stderr, "giliran server: {}\n", error.message);
  return 2;
}

// What a process does with its server: signals in, drained out. Lives on the main thread's loop.
class Process {
 public:
  Process(net::Io& io, Server& server, const ServerOptions& options)
      : io_(io), server_(server), options_(options) {}

  void on_signal(int number) {
    if (number == SIGUSR1) {
      server_.reopen_log();
    } else if (number == SIGHUP) {
      reload();
    } else if (!draining_) {
      begin_drain(number == SIGQUIT);
    } else if (number != SIGQUIT) {
      cut();
    }
  }

 private:
  void reload() {
    if (options_.config.empty()) {
      fmt::print(stderr, "giliran server: HUP: there is no file to read again, give -c FILE\n");
      return;
    }
    const auto read = server_.reload();
    if (!read) {
      fmt::print(stderr, "{}\ngiliran server: {} changes nothing\n", read.error().message,
                 options_.config);
    } else if (!options_.quiet) {
      fmt::print(stderr, "{} read again: {}\n", options_.config, server_.character().text());
    }
  }
  void begin_drain(bool without_bound) {
    draining_ = true;
    if (!options_.quiet) {
      fmt::print(stderr, "draining{}; a second signal ends it now\n",
                 without_bound ? "" : ", at most " + base::format_duration(options_.drain_timeout));
    }
    if (!without_bound) io_.arm(bound_, options_.drain_timeout);
    server_.drain([this] { io_.stop(); });
  }
  void cut() {
    io_.timers().disarm(bound_);
    server_.shut();
  }

  net::Io& io_;
  Server& server_;
  const ServerOptions& options_;
  bool draining_ = false;
  net::MemberTimer<Process, &Process::cut> bound_{*this};
};

void print_summary(const Server& server, const ServerOptions& options, base::Duration ran) {
  const Totals totals = server.totals();
  const auto log = server.log_counts();
  fmt::print(stderr,
             "server {}: {} requests, {} messages, {} connections in {:.1f} s; {} failed, "
             "{} failed on purpose; CPU {:.2f} s\n",
             server.name(), totals.exchanges, totals.messages, totals.connections,
             base::to_seconds(ran), totals.failed, totals.faults,
             base::to_seconds(base::process_cpu_time()));
  if (options.log.empty()) return;
  fmt::print(stderr, "log {}: {} records written, {} dropped{}\n", options.log, log.written,
             log.dropped,
             log.write_errors == 0 ? "" : fmt::format(", {} write errors", log.write_errors));
}

}  // namespace

int run_server(const ServerOptions& options) {
  const auto signals = {SIGTERM, SIGINT, SIGQUIT, SIGUSR1, SIGHUP};
  net::block_signals(signals);
  base::SystemClock clock;
  auto io = net::make_epoll_io(clock);
  if (!io) return refuse(io.error());
  auto server = Server::start(options);
  if (!server) return refuse(server.error());
  Process process(**io, **server, options);
  const auto watch =
      net::SignalWatch::start(**io, signals, [&process](int number) { process.on_signal(number); });
  if (!watch) return refuse(watch.error());

  if (!options.quiet) {
    for (const std::string& line : (*server)->plan()) fmt::print(stderr, "{}\n", line);
    for (const std::string& url : (*server)->urls()) fmt::print(stderr, "listening on {}\n", url);
  }
  const base::Instant began = clock.now();
  (*io)->run();
  // Whoever reads the log may be slow, or gone: signals are heard until the last record is out.
  (*server)->finish([&io] { (*io)->stop(); });
  (*io)->run();
  (*server)->join();
  if (!options.quiet) print_summary(**server, options, clock.now() - began);
  const auto log = (*server)->log_counts();
  return log.write_errors == 0 ? 0 : 1;
}

}  // namespace giliran::server
