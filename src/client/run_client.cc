#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "client/conductor.h"
#include "client/find_max_run.h"
#include "client/hgrm.h"
#include "client/options.h"
#include "client/signals.h"
#include "net/listen.h"
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
                                  LiveScreen& screen) {
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

int report(const ClientOptions& options, const RunResult& result, const Outputs& outputs) {
  int status = result.totals.counts().good() == 0 ? kFailed : 0;
  std::string json;
  if (outputs.json != nullptr || outputs.html != nullptr) json = result_json(result);
  if (outputs.json != nullptr && !write_all(outputs.json.get(), json)) {
    status = complain("--json " + options.json_path + ": " + std::strerror(errno), kFailed);
  }
  if (outputs.html != nullptr && !write_all(outputs.html.get(), web::page(result.plan.url, json))) {
    status = complain("--html " + options.html_path + ": " + std::strerror(errno), kFailed);
  }
  if (outputs.hgrm != nullptr &&
      !write_all(outputs.hgrm.get(), hgrm_text(result.totals.response_time()))) {
    status = complain("--hgrm " + options.hgrm_path + ": " + std::strerror(errno), kFailed);
  }
  if (result.log.write_errors != 0) {
    status = complain("--log " + options.log_path + ": records were lost", kFailed);
  }
  if (!options.quiet) {
    write_all(stdout_is_taken(options) ? stderr : stdout, summary_text(result));
  }
  for (const report::Expected& one : result.expected) {
    if (one.met) continue;
    if (options.quiet) complain(fmt::format("NOT MET {}: {}", one.text, one.measured), kNotMet);
    if (status == 0) status = kNotMet;
  }
  if (options.strict && !result.verdict.valid && status == 0) {
    for (const std::string& reason : result.verdict.reasons) {
      status = complain("CLIENT-LIMITED: " + reason, kNotMet);
    }
  }
  return status;
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
  const auto outputs = Outputs::open(options);
  if (!outputs) return complain(outputs.error().message, kBadUsage);
  base::SystemClock clock;
  LiveScreen screen;
  std::unique_ptr<telemetry::Log> log;
  if (!options.log_path.empty()) {
    auto opened = telemetry::Log::open(log_options(options, plan->threads, screen), clock);
    if (!opened) return complain(opened.error().message, kBadUsage);
    log = std::move(*opened);
  }
  if (!options.quiet) fmt::print(stderr, "{}\n", text(*plan));

  ConductorOptions watching = watch(options, screen);
  watching.log = log.get();
  Conductor conductor(*plan, clock, std::move(watching));
  const auto prepared = conductor.prepare();
  if (!prepared) return complain(prepared.error().message, kBadUsage);
  bool interrupted = false;
  const Signals signals(conductor.io(), [&] {
    if (interrupted) {
      screen.clear();
      std::_Exit(kFailed);
    }
    interrupted = true;
    conductor.interrupt();
  });
  RunResult result = conductor.run();
  screen.clear();
  if (log != nullptr) {
    log->close();
    result.log = log->counts();
  }
  result.expected = report::judge(options.expect, result.measured());
  return report(options, result, *outputs);
}

}  // namespace giliran::client
