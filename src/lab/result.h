// What a whole lab found: values only. Printed by summary.h, written as docs/formats/lab_result.md.
#pragma once

#include <string>
#include <vector>

#include "lab/client_result.h"
#include "lab/evidence.h"
#include "lab/run.h"
#include "lab/scenario.h"
#include "lab/words.h"

namespace giliran::lab {

struct RunResult {
  size_t index = 0;  // of the plan in the scenario
  TierCpu cpu{};
  ClientResult client{};
  Evidence evidence{};
  std::vector<Command> commands{};
  double others_busy = 0;  // cores that other programs of this machine kept busy; 0 if not known

  // CPU time of a request; zero where none was answered.
  base::Duration per_request(base::Duration cpu_time) const;
  // Cores that all processes of the run kept busy on the average, and the coordinator alone.
  double cores_busy() const { return cores(cpu.sum()); }
  double coordinator_busy() const { return cores(cpu.coordinator); }

 private:
  double cores(base::Duration cpu_time) const;
};

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

  const RunPlan& plan_of(const RunResult& run) const { return scenario.runs[run.index]; }
  const RunResult* find(size_t index) const;  // null where it was not finished
  // many / one, or 0 where one of the two is missing or answered nothing.
  double speed_up(const Contrast& contrast) const;
  // Both runs of the contrast must have been finished.
  Measured measured(const Contrast& contrast) const;
  // 0, 1 or 130: options.h.
  int exit_status() const;
};

// docs/formats/lab_result.md; an object and a line end.
std::string result_json(const LabResult& result);

}  // namespace giliran::lab
