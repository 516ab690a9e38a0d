#include "cli/parse.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/parse.h"
#include "cli/commands.h"
#include "cli/neighbours.h"

namespace giliran::cli {
namespace {

constexpr std::string_view kCommands[] = {"coordinator", "server", "client", "lab",    "report",
                                          "compare",     "check",  "help",   "version"};

const std::string kHelp[] = {"--help"};

std::string overview() {
  return "Giliran balances requests over servers and accounts for every one of them.\n\n"
         "Usage: giliran COMMAND [flags]\n\n"
         "  coordinator  the balancer: gives each request its turn on a server\n"
         "  server       a server to put behind it, with work, delay and faults\n"
         "  client       many simulated clients that measure\n"
         "  lab          a whole experiment on this machine; without a name: the demo\n"
         "  report       reads the logs of all three and says where the time went\n"
         "  compare      says whether a second measurement is better or worse\n"
         "  check        says what is wrong with a configuration, before it is used\n"
         "  help         this text; giliran help COMMAND explains one\n"
         "  version      the version\n\n"
         "Examples:\n"
         "  giliran lab\n"
         "  giliran server --listen 127.0.0.1:9001 --name s1\n"
         "  giliran coordinator --listen 127.0.0.1:8080 --server 127.0.0.1:9001\n"
         "  giliran client http://127.0.0.1:8080/ -c 50 -n 20k\n\n"
         "Exit status: 0 good, 1 failed at run time, 2 wrong before the start,\n"
         "3 a threshold or a comparison was not met.\n";
}

std::string command_list() {
  std::string list;
  for (const std::string_view name : kCommands) {
    list += fmt::format("{}{}", list.empty() ? "" : ", ", name);
  }
  return list;
}

std::unexpected<base::Error> unknown_command(const std::string& name) {
  if (name.starts_with('-')) {
    return base::fail(fmt::format(
        "giliran: {} is a flag of a command, which comes first: one of {}", name, command_list()));
  }
  const std::string advice = advice_on_command(name);
  if (!advice.empty()) {
    const bool is_line = advice.starts_with("giliran ");
    return base::fail(fmt::format("giliran: unknown command {}; {}{}", name,
                                  is_line ? "here it is: " : "", advice));
  }
  const std::string_view near = base::nearest(name, kCommands);
  if (!near.empty()) {
    return base::fail(fmt::format("giliran: unknown command {}; did you mean {}?", name, near));
  }
  return base::fail(
      fmt::format("giliran: unknown command {}; the commands are {}", name, command_list()));
}

bool has(std::span<const std::string> args, std::string_view flag) {
  return std::ranges::find(args, flag) != args.end();
}

bool asks_for_help(std::span<const std::string> args) {
  return has(args, "--help") || has(args, "-h") || has(args, "--help-all");
}

Parsed version() {
  return {.what = Text{"giliran " GILIRAN_VERSION "\n"}};
}

// Fills `options`; for --help, the text is in the outcome instead.
template <typename Options>
base::Result<Parsed> fill(std::span<const std::string> args, auto make_command, Options& options) {
  Parsed parsed;
  const Command command = make_command(options, parsed.warnings);
  if (asks_for_help(args)) {
    parsed.what = Text{help(command, has(args, "--help-all") ? HelpOf::kAll : HelpOf::kFirstHour)};
    return parsed;
  }
  const auto applied = apply(command, args);
  if (!applied) {
    return base::fail(fmt::format("giliran {}: {}", command.name, applied.error().message));
  }
  for (std::string& warning : parsed.warnings) {
    warning = fmt::format("giliran {}: {}", command.name, warning);
  }
  return parsed;
}

// Text is the first alternative, so that it is what an outcome begins as.
bool is_help(const Parsed& parsed) {
  return !std::get<Text>(parsed.what).text.empty();
}

template <typename Options>
base::Result<Parsed> parse_with(std::span<const std::string> args, auto make_command) {
  Options options;
  Parsed parsed = GILIRAN_TRY(fill(args, make_command, options));
  if (!is_help(parsed)) parsed.what = std::move(options);
  return parsed;
}

// The file has changed, perhaps; what is strange in it is said as at the start.
base::Result<config::Coordinator> reconfigured(const CoordinatorFlags& flags) {
  std::vector<std::string> warnings;
  auto config = configured(flags, &warnings);
  for (const std::string& warning : warnings) fmt::print(stderr, "{}\n", warning);
  return config;
}

base::Result<Parsed> parse_coordinator(std::span<const std::string> args) {
  CoordinatorFlags flags;
  const auto make_command = [](auto& out, std::vector<std::string>&) {
    return coordinator_command(out);
  };
  Parsed parsed = GILIRAN_TRY(fill(args, make_command, flags));
  if (is_help(parsed)) return parsed;
  auto config = configured(flags, &parsed.warnings);
  if (!config) {
    return base::fail(fmt::format("giliran coordinator: {}{}",
                                  flags.file.empty() ? "" : "the configuration is not good\n",
                                  config.error().message));
  }
  control::CoordinatorOptions options{.config = std::move(*config), .reload = {}};
  if (!flags.file.empty()) options.reload = [flags] { return reconfigured(flags); };
  parsed.what = std::move(options);
  return parsed;
}

base::Result<Parsed> parse_compare(std::span<const std::string> args) {
  CompareFlags flags;
  const auto make_command = [](auto& out, std::vector<std::string>&) {
    return compare_command(out);
  };
  Parsed parsed = GILIRAN_TRY(fill(args, make_command, flags));
  if (!is_help(parsed)) parsed.what = std::move(flags.run);
  return parsed;
}

base::Result<Parsed> parse_command(const std::string& name, std::span<const std::string> args) {
  using Warnings = std::vector<std::string>;
  if (name == "coordinator") return parse_coordinator(args);
  if (name == "server") return parse_with<server::ServerOptions>(args, server_command);
  if (name == "client") {
    return parse_with<client::ClientOptions>(args, client_command);
  }
  if (name == "report") {
    return parse_with<report::ReportOptions>(
        args, [](auto& options, Warnings&) { return report_command(options); });
  }
  if (name == "compare") return parse_compare(args);
  if (name == "lab") {
    return parse_with<lab::LabOptions>(
        args, [](auto& options, Warnings&) { return lab_command(options); });
  }
  if (name == "check") {
    return parse_with<CheckOptions>(
        args, [](auto& options, Warnings&) { return check_command(options); });
  }
  return unknown_command(name);
}

}  // namespace

base::Result<Parsed> parse(std::span<const std::string> args) {
  if (args.empty()) {
    return base::fail(
        fmt::format("giliran: no command; one of {} (giliran help explains)", command_list()));
  }
  const std::string& first = args.front();
  const auto rest = args.subspan(1);
  if (first == "--version" || first == "-V" || first == "-v" || first == "version")
    return version();
  if (first == "--help" || first == "-h" || first == "--help-all") {
    return Parsed{.what = Text{overview()}};
  }
  if (first != "help") {
    const bool known = std::ranges::find(kCommands, first) != std::end(kCommands);
    if (known && rest.size() == 1 && rest.front() == "--version") return version();
    // "giliran lab help", as many tools take it; nobody's file or host is called so.
    if (known && rest.size() == 1 && rest.front() == "help") return parse_command(first, kHelp);
    return parse_command(first, rest);
  }
  const bool of_command = !rest.empty() && !rest.front().starts_with('-') &&
                          rest.front() != "help" && rest.front() != "version";
  if (!of_command) return Parsed{.what = Text{overview()}};
  const std::string help_all[] = {"--help-all"};
  return parse_command(rest.front(), has(rest, "--help-all") ? help_all : kHelp);
}

}  // namespace giliran::cli
