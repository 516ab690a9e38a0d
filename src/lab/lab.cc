#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "base/clock.h"
#include "base/rng.h"
#include "lab/built_in.h"
#include "lab/folder.h"
#include "lab/machine.h"
#include "lab/options.h"
#include "lab/screen.h"
#include "lab/summary.h"
#include "net/engine.h"
#include "net/signals.h"

namespace giliran::lab {
namespace {

constexpr int kFailed = 1;
constexpr int kBadUsage = 2;

int complain(std::string_view what, int status) {
  fmt::print(stderr, "giliran lab: {}\n", what);
  return status;
}

std::string read_all(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> names_of_servers(const RunPlan& plan) {
  std::vector<std::string> names;
  for (const ServerPlan& server : plan.servers) names.push_back(server.name);
  return names;
}

// CPU time used until some moment, by the machine and by this process.
struct Busy {
  std::optional<base::Duration> machine;
  base::Duration self;

  static Busy now() { return {machine_busy_time(), base::process_cpu_time()}; }
  // Cores that others than the run and this process kept busy since then.
  double others_until_now(base::Duration of_run, base::Duration wall) const {
    const Busy end = now();
    if (!machine || !end.machine || wall.count() <= 0) return 0;
    const base::Duration others = *end.machine - *machine - (end.self - self) - of_run;
    return std::max(0.0, base::to_seconds(others) / base::to_seconds(wall));
  }
};

// The runs of one scenario, one after the other.
class Lab {
 public:
  Lab(net::Io& io, const Folder& folder, std::string program, Screen& screen)
      : io_(io), folder_(folder), program_(std::move(program)), screen_(screen) {}

  // Fills result.runs; ends early where a run fails.
  void execute(LabResult& result) {
    const base::Instant began = io_.now();
    for (size_t i = 0; i < result.scenario.runs.size(); ++i) {
      const auto done = one(result, i);
      if (!done) result.failure = done.error().message;
      result.elapsed = io_.now() - began;
      if (!result.failure.empty() || result.interrupted) break;
    }
    screen_.clear();
  }

  void on_signal() {
    screen_.line("stopping; a second signal ends it at once");
    if (run_ != nullptr) run_->interrupt();
  }

 private:
  base::Result<void> one(LabResult& result, size_t index);
  base::Result<void> judge(LabResult& result, RunResult& run, const Ran& ran,
                           const std::string& folder);

  net::Io& io_;
  const Folder& folder_;
  std::string program_;
  Screen& screen_;
  Run* run_ = nullptr;  // the one that is under way
};

base::Result<void> Lab::one(LabResult& result, size_t index) {
  const RunPlan& plan = result.scenario.runs[index];
  const std::string label =
      fmt::format("[{:2}/{}] {}", index + 1, result.scenario.runs.size(), plan.name);
  screen_.live(fmt::format("{}  starting {}", label, describe(plan)));
  const std::string folder = GILIRAN_TRY(folder_.make_run(plan));
  const RunPlace place{.program = program_, .folder = folder, .seed = seed_of(plan, result.seed)};
  Run run(io_, plan, place,
          [&](const ClientProgress& progress) { screen_.live(progress_text(label, progress)); });
  run_ = &run;
  const base::Instant began = io_.now();
  const Busy before = Busy::now();
  Ran ran = run.execute();
  run_ = nullptr;
  result.interrupted = ran.interrupted;
  if (result.interrupted) return {};
  if (!ran.failure.empty()) {
    result.last_words = std::move(ran.last_words);
    return base::fail(fmt::format("{}: {}", plan.name, ran.failure));
  }
  screen_.live(fmt::format("{}  reading the logs", label));
  RunResult finished{.index = index, .cpu = ran.cpu, .commands = ran.commands};
  finished.others_busy = before.others_until_now(ran.cpu.sum(), io_.now() - began);
  const auto judged = judge(result, finished, ran, folder);
  if (!judged) return base::fail(fmt::format("{}: {}", plan.name, judged.error().message));
  result.runs.push_back(std::move(finished));
  screen_.line(run_line(result, result.runs.back()));
  return {};
}

base::Result<void> Lab::judge(LabResult& result, RunResult& run, const Ran& ran,
                              const std::string& folder) {
  const RunPlan& plan = result.plan_of(run);
  std::string commands;
  for (const Command& command : ran.commands) commands += shell_text(command) + "\n";
  GILIRAN_TRY_VOID(folder_.write(plan.name + "/commands.txt", commands));
  run.client = GILIRAN_TRY(parse_client_result(read_all(client_json(folder))));
  run.evidence = GILIRAN_TRY(
      read_evidence(logs_of(plan, folder), names_of_servers(plan), ran.server_addresses));
  return {};
}

// --- commands ---

uint32_t cores_here() {
  return std::max(std::thread::hardware_concurrency(), 1U);
}

int unknown_scenario(const std::string& name) {
  return complain(fmt::format("there is no built-in scenario \"{}\"; there is: {}", name,
                              fmt::join(scenario_names(), ", ")),
                  kBadUsage);
}

int list() {
  for (const std::string_view name : scenario_names()) {
    const auto scenario = built_in(name, cores_here());
    fmt::print("{}  {} ({} runs)\n", name, scenario->about, scenario->runs.size());
  }
  return 0;
}

int show(const Scenario& scenario) {
  fmt::print("{}: {}\n", scenario.name, scenario.about);
  for (const RunPlan& run : scenario.runs) {
    const RunPlace place{.program = "giliran", .folder = run.name};
    fmt::print("\n{}: {} clients over {}, {}\n", run.name, run.client.connections,
               config::name(run.scheme), describe(run));
    std::vector<std::string> servers;
    for (size_t i = 0; i < run.servers.size(); ++i) {
      fmt::print("  {}\n", shell_text(server_command(run, place, i)));
      servers.push_back(fmt::format("127.0.0.1:PORT{}", i + 1));
    }
    fmt::print("  {}\n  {}\n",
               shell_text(coordinator_command(run, place, at_the_beginning(run, servers))),
               shell_text(client_command(run, place, "127.0.0.1:PORT", servers)));
  }
  return 0;
}

base::Result<std::string> own_path() {
  std::error_code error;
  const auto path = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return base::fail("/proc/self/exe: " + error.message(), error.value());
  return path.string();
}

int finish(const LabResult& result, const Folder& folder, bool quiet) {
  const std::string text = summary_text(result);
  const auto written = folder.write_result(result_json(result));
  const auto copied = folder.write("summary.txt", text);
  if (!quiet) {
    fmt::print("{}{}", result.runs.empty() ? "" : "\n", text);
    std::fflush(stdout);
  } else if (result.exit_status() == kFailed) {
    fmt::print(stderr, "{}", text);
  }
  for (const auto* outcome : {&written, &copied}) {
    if (!*outcome) return complain(outcome->error().message, kFailed);
  }
  return result.exit_status();
}

int run_scenario(const LabOptions& options, Scenario scenario) {
  net::block_signals({SIGINT, SIGTERM, SIGHUP});
  std::string program = options.program;
  if (program.empty()) {
    auto own = own_path();
    if (!own) return complain(own.error().message, kFailed);
    program = std::move(*own);
  }
  const auto folder = Folder::take(options.out, scenario);
  if (!folder) return complain(folder.error().message, kBadUsage);
  base::SystemClock clock;
  const auto io = net::make_epoll_io(clock);
  if (!io) return complain(io.error().message, kFailed);
  LabResult result{.scenario = std::move(scenario),
                   .cores = cores_here(),
                   .seed = options.seed != 0 ? options.seed : base::random_seed() % 1'000'000 + 1,
                   .folder = folder->path()};
  Screen screen(Screen::mode_here(options.quiet));
  screen.line(fmt::format("Giliran lab \"{}\": {}. {} runs, logs in {}/, seed {}",
                          result.scenario.name, result.scenario.about, result.scenario.runs.size(),
                          result.folder, result.seed));
  Lab lab(**io, *folder, program, screen);
  const auto signals =
      net::SignalWatch::start(**io, {SIGINT, SIGTERM, SIGHUP}, [&lab](int) { lab.on_signal(); });
  if (!signals) return complain(signals.error().message, kFailed);
  lab.execute(result);
  return finish(result, *folder, options.quiet);
}

}  // namespace

int run_lab(const LabOptions& options) {
  if (options.command == LabCommand::kList) return list();
  const std::string name = options.scenario.empty() ? "demo" : options.scenario;
  auto scenario = built_in(name, cores_here());
  if (!scenario) return unknown_scenario(name);
  if (options.command == LabCommand::kShow) return show(*scenario);
  return run_scenario(options, std::move(*scenario));
}

}  // namespace giliran::lab
