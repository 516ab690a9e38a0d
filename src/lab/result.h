// What a whole lab found: values only. Printed by summary.h, written as docs/formats/lab_result.md.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lab/client_result.h"
#include "lab/evidence.h"
#include "lab/points.h"
#include "lab/run.h"
#include "lab/scaling.h"
#include "lab/scenario.h"
#include "lab/words.h"
#include "report/expect.h"
#include "report/little.h"
#include "report/machine.h"

namespace giliran::lab {

// An event of the timeline, by the client's clock.
struct RunMark {
  double t_s = 0;
  double planned_s = 0;
  std::string text{};
  bool late = false;
};

struct RunResult {
  size_t index = 0;  // of the plan in the scenario
  TierCpu cpu{};
  ClientResult client{};
  Evidence evidence{};
  std::vector<Command> commands{};
  double others_busy = 0;  // cores that other programs of this machine kept busy; 0 if not known
  std::vector<ProcessUse> processes{};
  std::vector<RunMark> marks{};
  std::vector<std::string> missed{};  // events whose time did not come
  std::vector<report::Expected> expected{};
  std::optional<report::Little> little{};  // none where there was nothing to check
  report::ClientResult measured{};         // without its intervals
  std::string client_json{};               // as it is part of our result
  // What has to hold of this run for the lab to be good.
  bool turns_judged = true;
  std::vector<std::string> killed{};  // servers, by the timeline: see conserved()
  bool logs_kept = true;              // else they were read and removed

  // CPU time of a request; zero where none was answered.
  base::Duration per_request(base::Duration cpu_time) const;
  // Cores that all processes of the run kept busy on the average, and the coordinator alone.
  double cores_busy() const { return cores(cpu.sum()); }
  double coordinator_busy() const { return cores(cpu.coordinator); }
  // The logs account for everything and turns were even, as far as they had to be.
  bool accounted() const;
  // The logs account for everything but the last records of servers that were killed.
  bool conserved() const;
  bool met() const;  // every expectation
  // Something is to be looked for in its logs.
  bool odd() const { return !accounted() || !met() || (little && !little->holds); }

 private:
  double cores(base::Duration cpu_time) const;
};

// Whether the turns of a run must be even: nothing but an undisturbed round robin decides them.
bool turns_must_be_even(const RunPlan& plan);

struct LabResult {
  Scenario scenario{};
  uint32_t cores = 1;
  uint64_t seed = 0;
  std::string folder{};
  base::Duration elapsed{};
  std::vector<RunResult> runs{};  // those that were finished, in order
  bool interrupted = false;
  std::string failure{};  // why it ended early; empty where it did not
  std::vector<std::string> last_words{};
  report::Machine machine{};
  double started_unix_s = 0;
  std::vector<report::Expected> claims{};  // judged, once all runs are finished

  const RunPlan& plan_of(const RunResult& run) const { return scenario.runs[run.index]; }
  const RunResult* find(size_t index) const;  // null where it was not finished
  // The finished runs of a point, by repetition.
  std::vector<const RunResult*> runs_of(std::string_view point) const;
  // many / one of the medians, or 0 where one of the two is missing or answered nothing.
  double speed_up(const Contrast& contrast) const;
  // Both points of the contrast must have a finished run.
  Measured measured(const Contrast& contrast) const;
  bool met() const;  // every expectation and claim
  // 0, 1, 3 or 130: options.h.
  int exit_status() const;
};

// Judges scenario.claims by the runs there are.
void judge_claims(LabResult& result);

// docs/formats/lab_result.md; an object and a line end.
std::string result_json(const LabResult& result);

}  // namespace giliran::lab
