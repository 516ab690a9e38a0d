#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <vector>

#include "client/conductor.h"
#include "client/find_max_run.h"
#include "client/hgrm.h"
#include "client/options.h"
#include "client/signals.h"
#include "net/listen.h"
#include "report/format.h"
#include "terminal/live_screen.h"
#include "web/page.h"

namespace giliran::client {
namespace {

using terminal::LiveScreen;

constexpr int kFailed = 1;
constexpr int kBadUsage = 2;
constexpr int kNotMet = 3;
constexpr base::Duration kLineEvery = std::chrono::milliseconds(250);
constexpr base::Duration kJsonEvery = std::chrono::seconds(1);
constexpr size_t kDescriptorsOfOurs = 32;
constexpr size_t kDescriptorsPerThread = 4;

int complain(std::string_view what, int status) {
  fmt::print(stderr, "giliran client: {}\n", what);
  return status;
}

struct Closer {
  void operator()(std::FILE* file) const {
    if (file != stdout) std::fclose(file);
  }
};
using File = std::unique_ptr<std::FILE, Closer>;

bool write_all(std::FILE* file, std::string_view bytes) {
  return std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size() && std::fflush(file) == 0;
}

bool coloured(std::FILE* file) {
  return terminal::moves_cursor(::fileno(file)) && terminal::colour_wanted();
}

// Data goes to standard output; the summary is data unless something else is.
bool stdout_is_taken(const ClientOptions& options) {
  return options.progress == Progress::kJson || options.json_path == "-" ||
         options.html_path == "-" || options.hgrm_path == "-" || options.log_path == "-";
}

// Each output has a place of its own.
base::Result<void> check_outputs(const ClientOptions& options) {
  std::vector<std::pair<std::string_view, std::string_view>> taken;
  if (options.progress == Progress::kJson) taken.emplace_back("-", "--progress json");
  for (const auto& [path, flag] : {std::pair(std::string_view(options.json_path), "--json"),
                                   {options.html_path, "--html"},
                                   {options.hgrm_path, "--hgrm"},
                                   {options.log_path, "--log"}}) {
    if (path.empty() || path == "/dev/null") continue;
    const auto before = std::ranges::find(taken, path, [](const auto& one) { return one.first; });
    if (before != taken.end()) {
      return base::fail(fmt::format("{} and {}: only one of them can go to {}", before->second,
                                    flag, path == "-" ? "standard output" : path));
    }
    taken.emplace_back(path, flag);
  }
  return {};
}

void show(const ProgressMeter& meter, LiveScreen& screen) {
  const LiveScreen::Size size = LiveScreen::size();
  screen.show(meter.block(size.columns - 1, size.rows - 1));
}

ConductorOptions watch(const ClientOptions& options, LiveScreen& screen) {
  if (options.progress == Progress::kJson) {
    return {.look_every = kJsonEvery,
            .on_look = [](const ProgressMeter& meter) { write_all(stdout, meter.json()); }};
  }
  if (options.progress == Progress::kAuto && !options.quiet && LiveScreen::possible()) {
    return {.look_every = kLineEvery,
            .on_look = [&screen](const ProgressMeter& meter) { show(meter, screen); }};
  }
  return {};
}

// A log on a terminal is for people, and stands above the live block.
telemetry::LogOptions log_options(const ClientOptions& options, size_t workers,
                                  const std::string& run_id, LiveScreen& screen) {
  telemetry::LogOptions log = {.path = options.log_path,
                               .workers = workers,
                               .full = options.log_full,
                               .tier = telemetry::Tier::kClient,
                               .say = [&screen](const std::string& what) {
                                 screen.above([&what] {
                                   complain("log: " + what, 0);
                                   return true;
                                 });
                               }};
  log.run = run_id;
  if (!telemetry::goes_to_terminal(options.log_path)) return log;
  log.format = telemetry::LogFormat::kText;
  log.around_write = [&screen](base::FunctionRef<bool()> write) { screen.above(write); };
  return log;
}

base::Result<void> check_descriptors(const Plan& plan) {
  const size_t wanted =
      plan.connections + plan.threads * kDescriptorsPerThread + kDescriptorsOfOurs;
  const size_t limit = net::raise_descriptor_limit();
  if (limit >= wanted) return {};
  return base::fail(
      fmt::format("--connections {} needs {} descriptors, the limit is {}: raise it with ulimit -n",
                  plan.connections, wanted, limit));
}

base::Result<File> open_output(std::string_view flag, const std::string& path) {
  if (path.empty()) return File();
  if (path == "-") return File(stdout);
  File file(std::fopen(path.c_str(), "we"));
  if (file == nullptr) {
    return base::fail(fmt::format("{} {}: {}", flag, path, std::strerror(errno)), errno);
  }
  return file;
}

// A run's records stand in a log of their own, unless it is said that they may join others'.
base::Result<void> check_log(const ClientOptions& options) {
  if (options.append) {
    if (!options.log_path.empty()) return {};
    return base::fail("--append: it is for a log; give --log");
  }
  std::error_code error;
  const auto status = std::filesystem::status(options.log_path, error);
  if (options.log_path.empty() || !std::filesystem::is_regular_file(status)) return {};
  const auto bytes = std::filesystem::file_size(options.log_path, error);
  if (error || bytes == 0) return {};
  return base::fail(
      fmt::format("--log {}: it is there already ({}); name another file, remove it, or add to it "
                  "with --append",
                  options.log_path, report::format_size(bytes)));
}

struct Outputs {
  File json;
  File html;
  File hgrm;

  static base::Result<Outputs> open(const ClientOptions& options) {
    Outputs outputs;
    outputs.json = GILIRAN_TRY(open_output("--json", options.json_path));
    outputs.html = GILIRAN_TRY(open_output("--html", options.html_path));
    outputs.hgrm = GILIRAN_TRY(open_output("--hgrm", options.hgrm_path));
    return outputs;
  }
};

// False where something that was asked for could not be written; it has been said then.
bool write_outputs(const ClientOptions& options, const RunResult& result, const Outputs& outputs) {
  bool good = true;
  const auto write = [&good](const File& file, std::string_view flag, const std::string& path,
                             std::string_view bytes) {
    if (write_all(file.get(), bytes)) return;
    complain(fmt::format("{} {}: {}", flag, path, std::strerror(errno)), kFailed);
    good = false;
  };
  std::string json;
  if (outputs.json != nullptr || outputs.html != nullptr) json = result_json(result);
  if (outputs.json != nullptr) write(outputs.json, "--json", options.json_path, json);
  if (outputs.html != nullptr) {
    write(outputs.html, "--html", options.html_path, web::page(result.plan.url, json));
  }
  if (outputs.hgrm != nullptr) {
    write(outputs.hgrm, "--hgrm", options.hgrm_path, hgrm_text(result.totals.response_time()));
  }
  if (result.log.write_errors != 0) {
    complain("--log " + options.log_path + ": records were lost", kFailed);
    good = false;
  }
  return good;
}

void show(const ClientOptions& options, const RunResult& result) {
  std::vector<std::string> said;
  if (options.quiet) {
    said = quiet_lines(result);
    for (const std::string& line : said) complain(line, 0);
  } else {
    std::FILE* const to = stdout_is_taken(options) ? stderr : stdout;
    write_all(to, summary_text(result, coloured(to)));
  }
  if (!options.strict) return;
  for (const std::string& reason : result.verdict.reasons) {
    const std::string line = "CLIENT-LIMITED: " + reason;
    if (std::ranges::find(said, line) == said.end()) complain(line, 0);
  }
}

// What says most of the run: it was cut, its result was lost, a threshold was missed, nothing came.
int status_of(const ClientOptions& options, const RunResult& result, bool written) {
  if (result.interrupted()) return exit_status_of(result.interrupted_by);
  if (!written) return kFailed;
  const bool missed =
      std::ranges::any_of(result.expected, [](const auto& one) { return !one.met; });
  if (missed || (options.strict && !result.verdict.valid)) return kNotMet;
  return result.totals.counts().good() == 0 ? kFailed : 0;
}

}  // namespace

int run_client(const ClientOptions& options) {
  if (!options.find_max.empty()) return run_find_max(options);
  auto plan = make_plan(options, std::thread::hardware_concurrency());
  if (!plan) return complain(plan.error().message, kBadUsage);
  if (plan->seed == 0) plan->seed = base::random_seed();
  const auto enough = check_descriptors(*plan);
  if (!enough) return complain(enough.error().message, kBadUsage);
  const auto apart = check_outputs(options);
  if (!apart) return complain(apart.error().message, kBadUsage);
  const auto separate = check_log(options);
  if (!separate) return complain(separate.error().message, kBadUsage);
  const auto outputs = Outputs::open(options);
  if (!outputs) return complain(outputs.error().message, kBadUsage);
  base::SystemClock clock;
  LiveScreen screen;
  const std::string run_id = fmt::format("{:016x}", base::random_seed());
  std::unique_ptr<telemetry::Log> log;
  if (!options.log_path.empty()) {
    auto opened = telemetry::Log::open(log_options(options, plan->threads, run_id, screen), clock);
    if (!opened) return complain(opened.error().message, kBadUsage);
    log = std::move(*opened);
  }
  if (!options.quiet) {
    fmt::print(stderr, "{}\n", text(*plan));
  } else if (plan->replay && plan->replay->left_out() != 0) {
    complain(text(*plan->replay), 0);
  }

  ConductorOptions watching = watch(options, screen);
  watching.log = log.get();
  Conductor conductor(*plan, clock, std::move(watching));
  const auto prepared = conductor.prepare();
  if (!prepared) return complain(prepared.error().message, kBadUsage);
  bool interrupted = false;
  const Signals signals(conductor.io(), [&](int signal) {
    if (interrupted) {
      screen.clear();
      std::_Exit(exit_status_of(signal));
    }
    interrupted = true;
    conductor.interrupt(signal);
  });
  RunResult result = conductor.run();
  screen.clear();
  result.run_id = run_id;
  if (log != nullptr) {
    log->close();
    result.log = log->counts();
  }
  result.expected = report::judge(options.expect, result.measured());
  const bool written = write_outputs(options, result, *outputs);
  show(options, result);
  return status_of(options, result, written);
}

}  // namespace giliran::client
