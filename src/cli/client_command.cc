#include <fmt/format.h>

#include <algorithm>

#include "base/address.h"
#include "base/parse.h"
#include "cli/client_flags.h"
#include "cli/commands.h"
#include "cli/setters.h"
#include "client/rate_profile.h"

namespace giliran::cli {
namespace {

constexpr std::string_view kExamples =
    "  giliran client http://127.0.0.1:8080/ -c 50 -d 10s\n"
    "  giliran client http://127.0.0.1:8080/ -R 2k -d 30s --warmup 2s\n"
    "  giliran client http://127.0.0.1:8080/orders -n 1 --body '{\"a\":1}' --json -\n"
    "  giliran client '9 http://127.0.0.1:8080/{{rand:1..1000}}' '1 POST /orders' \\\n"
    "    -R 500 --expect 'p99<10ms'\n"
    "  giliran client http://127.0.0.1:8080 --replay access.log --speed 2\n"
    "  giliran client tcp://127.0.0.1:8080 -c 10 -n 1000 --message hello\n";

base::Result<void> set_progress(client::Progress& out, const std::string& text) {
  if (text == "auto") {
    out = client::Progress::kAuto;
  } else if (text == "none") {
    out = client::Progress::kNone;
  } else if (text == "json") {
    out = client::Progress::kJson;
  } else {
    return base::fail(fmt::format("'{}': expected auto, none or json", text));
  }
  return {};
}

base::Result<void> set_arrivals(client::Arrivals& out, const std::string& text) {
  if (text == "constant") {
    out = client::Arrivals::kConstant;
  } else if (text == "poisson") {
    out = client::Arrivals::kPoisson;
  } else {
    return base::fail(fmt::format("'{}': expected constant or poisson", text));
  }
  return {};
}

base::Result<void> add_source(std::vector<base::Address>& out, const std::string& text) {
  auto address = base::Address::parse(text);
  if (!address) address = base::Address::parse(text + ":0");
  if (!address || address->is_unix()) {
    return base::fail(
        fmt::format("'{}': expected an address of this machine, such as 127.0.0.2 or [::1]", text));
  }
  out.push_back(*address);
  return {};
}

void insert_before(std::vector<Flag>& flags, std::string_view names,
                   const std::vector<Flag>& group) {
  flags.insert(std::ranges::find(flags, names, &Flag::names), group.begin(), group.end());
}

}  // namespace

Command client_command(client::ClientOptions& o, std::vector<std::string>& warnings) {
  Command command{.name = "client",
                  .summary = "Many simulated clients against any server; measures honestly.",
                  .arguments = "URL...",
                  .examples = kExamples,
                  .arguments_max = 1000};
  command.argument = [&o, &warnings](const std::string& text) {
    return add_target(o, text, warnings);
  };
  command.flags = {
      {"-c,--connections", "N",
       "simulated clients, each with a connection; default: 10, with a rate at most 100",
       set_number(o.connections, 1, 1'000'000)},
      {"-R,--rate", "RATE",
       "open loop: so many are due in total, such as 20k (a second), 50/1s, 100/1m",
       set_rate(o.rate)},
      {"--arrivals", "constant|poisson", "of an open loop; default: constant, evenly spaced",
       [&o](const std::string& text) { return set_arrivals(o.arrivals, text); }},
      {"--stages", "TIME:RATE,...",
       "open loop whose rate goes in straight lines, from -R or 0; TIME:=RATE jumps",
       [&o](const std::string& text) -> base::Result<void> {
         GILIRAN_TRY(client::parse_stages(text));
         o.stages = text;
         return {};
       }},
      {"--warmup", "TIME", "traffic that is not counted, before -n or -d begin",
       set_time(o.warmup)},
      {"-n,--requests", "N", "exactly so many in total, such as 20k",
       set_number(o.requests, 1, UINT64_MAX)},
      {"-d,--duration", "TIME", "for so long; default: 10s where -n is not given",
       set_time(o.duration)},
      {"-t,--threads", "N", "default: one per processor, never more than connections",
       set_number(o.threads, 1, 1024)},
      {"--message", "TEXT", "the line a tcp:// client sends; default: hello",
       [&o](const std::string& text) -> base::Result<void> {
         o.message = text;
         return {};
       }},
      {"--new-connection", "", "a connection for each request", set_true(o.new_connection)},
      {"--timeout", "TIME", "of one request, connecting included; default: 30s",
       set_time(o.timeout)},
      {"--source", "ADDRESS", "connect from this address of ours, in turn",
       [&o](const std::string& text) { return add_source(o.sources, text); }, true},
      {"--resolve", "HOST:PORT:ADDRESS", "what the URL's host is taken to be; ADDRESS,ADDRESS too",
       [&o](const std::string& text) -> base::Result<void> {
         o.resolve.push_back(GILIRAN_TRY(client::parse_resolve(text)));
         return {};
       },
       true},
      {"--log", "PATH", "one JSON record for each request; -: standard output",
       set_text(o.log_path)},
      {"--append", "", "to a log that is there already", set_true(o.append)},
      {"--log-full", "drop|wait", "when the log cannot keep up; default: drop, and count",
       set_log_full(o.log_full)},
      {"--json", "PATH", "the result as JSON; -: standard output", set_text(o.json_path)},
      {"--html", "PATH", "the result as a page to look at; -: standard output",
       set_text(o.html_path)},
      {"--progress", "auto|none|json", "auto: live on a terminal; json: an object a second",
       [&o](const std::string& text) { return set_progress(o.progress, text); }},
      {"--seed", "N", "default: a random one, told at the start",
       set_number(o.seed, 1, UINT64_MAX)},
      {"--strict", "", "exit status 3 where the client itself was the limit", set_true(o.strict)},
      {"-q,--quiet", "", "no plan, no live line, no summary; errors are told", set_true(o.quiet)},
  };
  insert_before(command.flags, "--message", client_content_flags(o));
  insert_before(command.flags, "--progress", client_result_flags(o));
  command.first = {"--connections", "--requests", "--duration", "--rate",    "--threads",
                   "--header",      "--method",   "--body",     "--timeout", "--expect",
                   "--log",         "--json",     "--html",     "--quiet"};
  command.headings = {{"--connections", "Load"},
                      {"--header", "What is asked"},
                      {"--message", "Connections"},
                      {"--log", "Results"}};
  command.finish = [&o, &warnings]() -> base::Result<void> {
    if (o.quiet) warnings.clear();
    if (o.url.empty() && o.targets_file.empty()) {
      return base::fail("no URL: giliran client URL, such as http://127.0.0.1:8080/");
    }
    if (!o.body.empty() && !o.body_file.empty()) {
      return base::fail("--body and --body-file: give one of them");
    }
    return {};
  };
  return command;
}

}  // namespace giliran::cli
