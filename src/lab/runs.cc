#include "lab/runs.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "base/clock.h"
#include "lab/machine.h"
#include "lab/summary.h"

namespace giliran::lab {
namespace {

std::string read_all(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
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

// Logs, names and addresses of what the coordinator gives turns to; the leaves behind that are no
// matter of its accounts.
base::Result<Evidence> evidence_of(const RunPlan& plan, const Ran& ran, const std::string& folder) {
  std::vector<std::string> logs = {client_log(folder), coordinator_log(folder)};
  std::vector<std::string> names, addresses;
  for (size_t i = 0; i < plan.servers.size(); ++i) {
    if (plan.servers[i].role == Role::kLeaf) continue;
    logs.push_back(server_log(folder, plan.servers[i].name));
    names.push_back(plan.servers[i].name);
    addresses.push_back(ran.server_addresses[i]);
  }
  return read_evidence(logs, names, addresses);
}

std::vector<report::Expected> judge_thresholds(const RunPlan& plan,
                                               const report::ClientResult& client) {
  std::vector<report::Expected> judged;
  for (const std::string& text : plan.expect) {
    const auto threshold = report::Expectation::parse(text);
    if (threshold) judged.push_back(threshold->judge(measured_of(client)));
  }
  return judged;
}

std::vector<RunMark> marks_of(const Ran& ran, double client_started_unix_s) {
  std::vector<RunMark> marks;
  for (const Mark& mark : ran.marks) {
    marks.push_back({.t_s = static_cast<double>(mark.at.ns) / 1e9 - client_started_unix_s,
                     .planned_s = base::to_seconds(mark.planned),
                     .text = mark.text,
                     .late = mark.late});
  }
  return marks;
}

// Its histograms stay; what is over time is in the JSON.
void keep_small(report::ClientResult& client) {
  client.intervals.clear();
  client.intervals.shrink_to_fit();
  for (base::Histogram* histogram :
       {&client.service_time, &client.response_time, &client.lag, &client.wait, &client.connect}) {
    histogram->trim();
  }
}

}  // namespace

void Runs::execute(LabResult& result) {
  const base::Instant began = io_.now();
  for (size_t i = 0; i < result.scenario.runs.size(); ++i) {
    const auto done = one(result, i);
    if (!done) result.failure = done.error().message;
    result.elapsed = io_.now() - began;
    if (!result.failure.empty() || result.interrupted) break;
  }
  if (result.failure.empty() && !result.interrupted) judge_claims(result);
  screen_.clear();
}

void Runs::on_signal() {
  screen_.line("stopping; a second signal ends it at once");
  if (run_ != nullptr) run_->interrupt();
}

base::Result<void> Runs::one(LabResult& result, size_t index) {
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
  GILIRAN_TRY_VOID(write_words(plan, ran));
  if (result.interrupted) return {};
  if (!ran.failure.empty()) {
    result.last_words = std::move(ran.last_words);
    return base::fail(fmt::format("{}: {}", plan.name, ran.failure));
  }
  screen_.live(fmt::format("{}  reading the logs", label));
  RunResult finished{.index = index,
                     .cpu = ran.cpu,
                     .commands = ran.commands,
                     .processes = std::move(ran.processes),
                     .missed = std::move(ran.missed)};
  finished.others_busy = before.others_until_now(ran.cpu.sum(), io_.now() - began);
  const auto judged = judge(result, finished, ran, folder);
  if (!judged) return base::fail(fmt::format("{}: {}", plan.name, judged.error().message));
  GILIRAN_TRY_VOID(folder_.write(plan.name + "/report.txt", finished.evidence.report));
  finished.logs_kept = keep_logs_ || index == result.scenario.telling || finished.odd();
  if (!finished.logs_kept) folder_.remove_logs(plan);
  result.runs.push_back(std::move(finished));
  screen_.line(run_line(result, result.runs.back()));
  return {};
}

base::Result<void> Runs::write_words(const RunPlan& plan, const Ran& ran) const {
  std::string commands;
  for (const Command& command : ran.commands) commands += shell_text(command) + "\n";
  GILIRAN_TRY_VOID(folder_.write(plan.name + "/commands.txt", commands));
  return folder_.write(plan.name + "/stderr.txt", ran.said);
}

base::Result<void> Runs::judge(LabResult& result, RunResult& run, const Ran& ran,
                               const std::string& folder) {
  const RunPlan& plan = result.plan_of(run);
  const std::string path = client_json(folder);
  std::string text = read_all(path);
  run.measured = GILIRAN_TRY(report::parse_client_result(text, path));
  run.client = summed_up(run.measured);
  run.marks = marks_of(ran, run.client.started_unix_s);
  std::vector<MarkAt> marks;
  for (const RunMark& mark : run.marks) marks.push_back({.t_s = mark.t_s, .text = mark.text});
  if (!marks.empty()) {
    text = GILIRAN_TRY(with_marks(text, marks));
    GILIRAN_TRY_VOID(folder_.write(plan.name + "/client.json", text));
  }
  run.client_json = GILIRAN_TRY(without_interval_buckets(text));
  run.evidence = GILIRAN_TRY(evidence_of(plan, ran, folder));
  run.turns_judged = turns_must_be_even(plan);
  run.killed = ran.killed;
  std::ranges::sort(run.killed);
  run.killed.erase(std::ranges::unique(run.killed).begin(), run.killed.end());
  run.expected = judge_thresholds(plan, run.measured);
  if (auto little = report::check_little(run.measured); little.checked)
    run.little = std::move(little);
  keep_small(run.measured);
  return {};
}

}  // namespace giliran::lab
