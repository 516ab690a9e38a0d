// A finished run.
#pragma once

#include "base/time.h"
#include "client/plan.h"
#include "client/recorder.h"
#include "client/verdict.h"
#include "report/expect.h"
#include "telemetry/log.h"

namespace giliran::client {

struct RunResult {
  Plan plan;
  Recorder totals{};
  base::WallTime started;
  base::Duration elapsed{};  // start -> last answer, warm-up included
  base::Duration warmup{};   // start -> where measuring began; 0: no warm-up
  base::Duration issuing{};  // measuring began -> last request that could be issued
  uint64_t answered_issuing =
      0;                         // answers that came within `issuing`, whenever they were asked for
  base::Duration cpu{};          // of this process, all threads, within elapsed
  double cpu_share = 0;          // of the time its threads had: 1 is all of it
  double cpu_share_busiest = 0;  // the same of the busiest thread
  double all_busy_share = 0;     // open loop: part of the time in which no connection was idle
  Verdict verdict{};
  std::vector<report::Expected> expected{};  // thresholds, with what was measured
  int interrupted_by = 0;                    // the signal that ended it early; 0: none
  std::string run_id{};                      // the one in the records of its log
  bool logged = false;
  telemetry::Log::Counts log;

  bool interrupted() const { return interrupted_by != 0; }
  // What thresholds look at. Borrows from the totals.
  report::Measured measured() const {
    const Counts& counts = totals.counts();
    return {.response = &totals.response_time(),
            .service = &totals.service_time(),
            .connect = &totals.connect(),
            .lag = &totals.lag(),
            .wait = &totals.wait(),
            .ended = counts.answered + counts.failed,
            .errors = counts.errors(),
            .rate = rate()};
  }
  // Answers that came while requests were issued and measured, per second; 0 where that was no
  // time.
  double rate() const {
    return issuing.count() <= 0 ? 0
                                : static_cast<double>(answered_issuing) / base::to_seconds(issuing);
  }
};

// A summary for people, several lines. coloured: for a terminal that shows colours.
std::string summary_text(const RunResult& result, bool coloured = false);
// What nobody may miss who wants no summary: errors, what was cut, lost or not met. Lines without
// their end; none where all went well.
std::vector<std::string> quiet_lines(const RunResult& result);
// docs/formats/client_json.md
std::string result_json(const RunResult& result);

}  // namespace giliran::client
