#include <fmt/format.h>

#include "base/address.h"
#include "cli/commands.h"
#include "cli/setters.h"
#include "config/url.h"

namespace giliran::cli {
namespace {

constexpr std::string_view kExamples =
    "  giliran client http://127.0.0.1:8080/ -c 50 -d 10s\n"
    "  giliran client http://127.0.0.1:8080/orders -n 20k -H 'Accept: text/plain' --log "
    "client.log\n"
    "  giliran client http://127.0.0.1:8080/ -n 1 --body '{\"a\":1}' --json -\n"
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

base::Result<void> add_header(std::vector<std::string>& out, const std::string& text) {
  const size_t colon = text.find(':');
  if (colon == std::string::npos || colon == 0) {
    return base::fail(fmt::format("'{}': expected 'Name: value'", text));
  }
  out.push_back(text);
  return {};
}

}  // namespace

Command client_command(client::ClientOptions& o) {
  Command command{.name = "client",
                  .summary = "Many simulated clients against any server; measures honestly.",
                  .arguments = "URL",
                  .examples = kExamples,
                  .arguments_max = 1};
  command.argument = [&o](const std::string& text) -> base::Result<void> {
    GILIRAN_TRY(config::parse_url(text));
    o.url = text;
    return {};
  };
  command.flags = {
      {"-c,--connections", "N", "simulated clients, each with a connection; default: 10",
       set_number(o.connections, 1, 1'000'000)},
      {"-n,--requests", "N", "exactly so many in total, such as 20k",
       set_number(o.requests, 1, UINT64_MAX)},
      {"-d,--duration", "TIME", "for so long; default: 10s where -n is not given",
       set_duration(o.duration)},
      {"-t,--threads", "N", "default: one per processor, never more than connections",
       set_number(o.threads, 1, 1024)},
      {"-H,--header", "'NAME: VALUE'", "a header field",
       [&o](const std::string& text) { return add_header(o.headers, text); }, true},
      {"-m,--method", "METHOD", "default: GET, or POST with a body", set_text(o.method)},
      {"--body", "TEXT", "the request body", set_text(o.body)},
      {"--body-file", "PATH", "the request body, from a file", set_text(o.body_file)},
      {"--message", "TEXT", "the line a tcp:// client sends; default: hello",
       [&o](const std::string& text) -> base::Result<void> {
         o.message = text;
         return {};
       }},
      {"--new-connection", "", "a connection for each request", set_true(o.new_connection)},
      {"--timeout", "TIME", "of one request, connecting included; default: 30s",
       set_duration(o.timeout)},
      {"--source", "ADDRESS", "connect from this address of ours, in turn",
       [&o](const std::string& text) { return add_source(o.sources, text); }, true},
      {"--log", "PATH", "one JSON record for each request; -: standard output",
       set_text(o.log_path)},
      {"--log-full", "drop|wait", "when the log cannot keep up; default: drop, and count",
       set_log_full(o.log_full)},
      {"--json", "PATH", "the result as JSON; -: standard output", set_text(o.json_path)},
      {"--html", "PATH", "the result as a page to look at; -: standard output",
       set_text(o.html_path)},
      {"--progress", "auto|none|json", "auto: a live line on a terminal; json: an object a second",
       [&o](const std::string& text) { return set_progress(o.progress, text); }},
      {"--seed", "N", "default: a random one, told at the start",
       set_number(o.seed, 1, UINT64_MAX)},
      {"-q,--quiet", "", "no plan, no live line, no summary", set_true(o.quiet)},
  };
  constexpr std::string_view kNoRate =
      "a fixed rate comes later; -c sets how many clients ask at once";
  command.absent = {{"-R", kNoRate}, {"--rate", kNoRate}};
  command.finish = [&o]() -> base::Result<void> {
    if (o.url.empty()) {
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
