#include <fmt/format.h>

#include "base/parse.h"
#include "cli/commands.h"
#include "cli/setters.h"

namespace giliran::cli {
namespace {

constexpr uint32_t kManyThreads = 1024;

constexpr std::string_view kExamples =
    "  giliran server --listen 127.0.0.1:9001 --name s1\n"
    "  giliran server --listen tcp://127.0.0.1:9001 --name s1\n"
    "  echo hello | nc -N 127.0.0.1 9001\n"
    "  giliran server --listen 127.0.0.1:9001 --delay 'exp(5ms)' --blocking \\\n"
    "    --threads 8 --log s1.log\n"
    "  giliran server --listen 127.0.0.1:9001 --work 2ms --fail 1%:503 --seed 7\n"
    "  curl 'http://127.0.0.1:9001/?delay=50ms&status=503&body=16KiB'\n"
    "  giliran server --listen 127.0.0.1:9001 --allow-to loopback\n"
    "  curl 'http://127.0.0.1:9001/fanout?to=http://127.0.0.1:9002/'\n";

}  // namespace

Command server_command(server::ServerOptions& o, std::vector<std::string>& warnings) {
  Command command{.name = "server",
                  .summary =
                      "A server to put behind a balancer: answers HTTP requests and lines, "
                      "with the work, delay and faults it is told to have.",
                  .arguments = "",
                  .examples = kExamples};
  command.flags = {
      {"-c,--config", "FILE",
       "TOML: delay, work, blocking, fail, slowdown, body; read again on HUP; flags override it",
       set_file_of_keys(o.config)},
      {"--listen", "[http://|tcp://]HOST:PORT", "where to answer; tcp:// takes lines",
       add_listen(o.listens), true},
      {"--name", "NAME", "what it calls itself; default: its first address", set_text(o.name)},
      {"--threads", "N",
       "service threads, one request each at a time, for --work and --blocking; else I/O loops; "
       "default: one per processor",
       set_number(o.threads, 1, server::kThreadsMax)},
      {"--delay", "DIST",
       "wait before answering: 5ms, exp(5ms), lognormal(5ms,p99=40ms), "
       "uniform(1ms,9ms), bimodal(5ms,1%:200ms)",
       set_distribution(o.delay)},
      {"--work", "DIST", "CPU time burnt for each request, on a thread", set_distribution(o.work)},
      {"--blocking", "", "a delay holds its thread, as in a synchronous server",
       set_true(o.blocking)},
      {"--fail", "RATE[:STATUS|:reset]", "fail so many on purpose: 1%, 1%:503, 1%:reset",
       [&o](const std::string& text) -> base::Result<void> {
         o.fail = GILIRAN_TRY(server::FaultSpec::parse(text));
         return {};
       }},
      {"--slowdown", "FACTOR",
       "delay and work take so many times as long, those that requests ask for too",
       [&o](const std::string& text) -> base::Result<void> {
         const double factor = GILIRAN_TRY(base::parse_double(text));
         if (factor <= 0 || factor > server::kSlowdownMax) {
           return base::fail(fmt::format("'{}': expected a number above 0 and up to {}", text,
                                         server::kSlowdownMax));
         }
         o.slowdown = factor;
         return {};
       }},
      {"--body", "BYTES", "answer exactly so many bytes, such as 16KiB; default: the name",
       [&o](const std::string& text) -> base::Result<void> {
         const uint64_t bytes = GILIRAN_TRY(base::parse_bytes(text));
         if (bytes > server::kBodyBytesMax) {
           return base::fail(fmt::format("'{}': expected at most {}", text,
                                         base::format_bytes(server::kBodyBytesMax)));
         }
         o.body_bytes = bytes;
         return {};
       }},
      {"--allow-to", "HOST:PORT|loopback", "whom GET /fanout?to=URL may call; default: nobody",
       add_text(o.allow_to), true},
      {"--log", "PATH",
       "one JSON record for each request, message and connection; -: standard "
       "output",
       set_text(o.log)},
      {"--log-full", "drop|wait", "when the log cannot keep up; default: drop, and count",
       set_log_full(o.log_full)},
      {"--seed", "N", "of delays, work and faults; default: a random one, told at the start",
       set_number(o.seed, 1, UINT64_MAX)},
      {"--drain-timeout", "TIME", "how long TERM waits for what is under way; default: 5s",
       set_duration(o.drain_timeout)},
      {"-q,--quiet", "", "nothing but errors", set_true(o.quiet)},
  };
  command.first = {"--listen", "--name", "--threads", "--delay", "--work", "--blocking",
                   "--fail",   "--body", "--log",     "--seed",  "--quiet"};
  command.finish = [&o, &warnings]() -> base::Result<void> {
    const auto listens = check_listens(o.listens, "127.0.0.1:9001");
    if (!listens) return listens;
    if (o.threads > kManyThreads) {
      warnings.push_back(
          fmt::format("--threads {}: that many threads take much memory", o.threads));
    }
    return {};
  };
  return command;
}

}  // namespace giliran::cli
