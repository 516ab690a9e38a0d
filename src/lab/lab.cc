#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "base/clock.h"
#include "base/parse.h"
#include "base/rng.h"
#include "lab/built_in.h"
#include "lab/folder.h"
#include "lab/listing.h"
#include "lab/options.h"
#include "lab/runs.h"
#include "lab/scenario_toml.h"
#include "lab/screen.h"
#include "lab/summary.h"
#include "lab/summary_parts.h"
#include "net/engine.h"
#include "net/signals.h"
#include "web/page.h"

namespace giliran::lab {
namespace {

constexpr int kFailed = 1;
constexpr int kBadUsage = 2;

int complain(std::string_view what, int status) {
  put_text(stderr, fmt::format("giliran lab: {}\n", what));
  return status;
}

// --- commands ---

uint32_t cores_here() {
  return std::max(std::thread::hardware_concurrency(), 1U);
}

base::Result<std::string> own_path() {
  std::error_code error;
  const auto path = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return base::fail("/proc/self/exe: " + error.message(), error.value());
  return path.string();
}

int finish(const LabResult& result, const Folder& folder, bool quiet) {
  const std::string text = summary_text(result);
  const std::string json = result_json(result);
  const std::string title = fmt::format("giliran lab: {}", result.scenario.name);
  const base::Result<void> written[] = {folder.write_result(json),
                                        folder.write("report.html", web::page(title, json)),
                                        folder.write("summary.txt", text)};
  if (!quiet) {
    put_text(stdout, (result.runs.empty() ? "" : "\n") + text);
  } else if (result.exit_status() == kFailed) {
    put_text(stderr, text);
  } else if (!result.met()) {
    put_text(stderr, expectations_text(result));
  }
  for (const auto& outcome : written) {
    if (!outcome) return complain(outcome.error().message, kFailed);
  }
  return result.exit_status();
}

uint64_t seed_for(const LabOptions& options, const Scenario& scenario) {
  if (options.seed != 0) return options.seed;
  return scenario.seed != 0 ? scenario.seed : base::random_seed() % 1'000'000 + 1;
}

Folder::Unnamed unnamed_folder(const LabOptions& options, const Scenario& scenario) {
  if (options.command != LabCommand::kRerun) return {.name = "giliran-" + scenario.name};
  std::string folder = options.scenario;
  while (folder.size() > 1 && folder.ends_with('/')) folder.pop_back();
  return {.name = folder, .only_new = true};
}

int run_scenario(const LabOptions& options, Scenario scenario) {
  net::block_signals({SIGINT, SIGTERM, SIGHUP});
  std::string program = options.program;
  if (program.empty()) {
    auto own = own_path();
    if (!own) return complain(own.error().message, kFailed);
    program = std::move(*own);
  }
  const auto folder = Folder::take(options.out, scenario, unnamed_folder(options, scenario));
  if (!folder) return complain(folder.error().message, kBadUsage);
  const uint64_t seed = seed_for(options, scenario);
  const auto saved = folder->write("scenario.toml", saved_text(scenario, seed));
  if (!saved) return complain(saved.error().message, kBadUsage);
  base::SystemClock clock;
  const auto io = net::make_epoll_io(clock);
  if (!io) return complain(io.error().message, kFailed);
  LabResult result{.scenario = std::move(scenario),
                   .cores = cores_here(),
                   .seed = seed,
                   .folder = folder->path(),
                   .machine = report::this_machine(),
                   .started_unix_s = static_cast<double>(clock.wall().ns) / 1e9};
  Screen screen(Screen::mode_here(options.quiet));
  screen.line(fmt::format("Giliran lab \"{}\"{}{}", result.scenario.name,
                          result.scenario.about.empty() ? "" : ": ", result.scenario.about));
  screen.line(fmt::format("{}; results in {}/, seed {}", extent_text(result.scenario),
                          result.folder, result.seed));
  Runs runs(**io, *folder, program, screen, options.keep_logs);
  const auto signals =
      net::SignalWatch::start(**io, {SIGINT, SIGTERM, SIGHUP}, [&runs](int) { runs.on_signal(); });
  if (!signals) return complain(signals.error().message, kFailed);
  runs.execute(result);
  return finish(result, *folder, options.quiet);
}

bool is_file(const std::string& scenario) {
  return scenario.ends_with(".toml") || scenario.find('/') != std::string::npos || scenario == "-";
}

// The scenario that the options speak of.
base::Result<Scenario> scenario_of(const LabOptions& options) {
  ScenarioCheck check = check_here(options.policies);
  if (options.command == LabCommand::kShow) check.descriptors = 0;  // nothing is run
  if (options.command == LabCommand::kThreads) {
    return parse_scenario(threads_scenario(options.threads), "threads", check);
  }
  if (options.command == LabCommand::kRerun) {
    const std::string file = options.scenario + "/scenario.toml";
    std::error_code error;
    if (std::filesystem::exists(file, error)) return load_scenario(file, check);
    return base::fail(
        fmt::format("rerun: {} is no folder of a lab: {} is not there", options.scenario, file));
  }
  const std::string name = options.scenario.empty() ? "demo" : options.scenario;
  if (is_file(name)) return load_scenario(name, check);
  const auto texts = scenario_texts();
  const auto found = std::ranges::find(texts, name, &ScenarioText::name);
  if (found != texts.end()) return parse_scenario(found->text, name, check);
  if (std::error_code error; std::filesystem::is_directory(name, error)) {
    return base::fail(fmt::format("{0} is a folder; giliran lab rerun {0} runs it again", name));
  }
  // As words too: "lab lst".
  std::vector<std::string_view> words = scenario_names();
  words.insert(words.end(), {"list", "show", "rerun", "threads"});
  const std::string_view near = base::nearest(name, words);
  return base::fail(fmt::format(
      "there is no built-in scenario \"{}\"{} (a file's name ends with .toml); there is: {}", name,
      near.empty() ? "" : fmt::format(", did you mean {}?", near),
      fmt::join(scenario_names(), ", ")));
}

}  // namespace

int run_lab(const LabOptions& options) {
  if (options.command == LabCommand::kList) {
    fmt::print("{}", list_text(cores_here()));
    return 0;
  }
  auto scenario = scenario_of(options);
  if (!scenario) return complain(scenario.error().message, kBadUsage);
  if (options.command == LabCommand::kShow) {
    fmt::print("{}", show_text(*scenario));
    return 0;
  }
  return run_scenario(options, std::move(*scenario));
}

}  // namespace giliran::lab
