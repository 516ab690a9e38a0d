// A finished run.
#pragma once

#include "base/time.h"
#include "client/plan.h"
#include "client/recorder.h"
#include "telemetry/log.h"

namespace giliran::client {

struct RunResult {
  Plan plan;
  Recorder totals{};
  base::WallTime started;
  base::Duration elapsed{};       // start -> last answer
  base::Duration issuing{};       // start -> last request that could be issued
  uint64_t answered_issuing = 0;  // answers until then: what the rate is made of
  base::Duration cpu{};           // of this process, all threads, within elapsed
  bool interrupted = false;       // by a signal
  bool logged = false;
  telemetry::Log::Counts log;

  // Answers per second while requests were issued; 0 where that was no time.
  double rate() const {
    return issuing.count() <= 0 ? 0
                                : static_cast<double>(answered_issuing) / base::to_seconds(issuing);
  }
};

// A summary for people, several lines.
std::string summary_text(const RunResult& result);
// docs/formats/client_json.md
std::string result_json(const RunResult& result);

}  // namespace giliran::client
