// What is shown while a run lasts.
#pragma once

#include <string>

#include "client/recorder.h"

namespace giliran::client {

// Follows a run by looks at all its threads together.
class ProgressMeter {
 public:
  // now: everything so far, with the round trips of the interval; since: the start of the run.
  void look(Live now, base::Duration since);

  // "3.0 s  12,345/s  p50 210 µs  p99 1.10 ms  0 errors", cut to `columns`: rate of the last
  // interval, percentiles of the whole run so far.
  std::string line(size_t columns) const;
  // One object with its line end: docs/formats/client_json.md, "Progress".
  std::string json() const;

 private:
  double rate() const;

  Live now_;
  base::Histogram so_far_{base::Histogram::Options{.digits = 2}};
  uint64_t answered_before_ = 0;
  base::Duration before_{};
  base::Duration since_{};
};

}  // namespace giliran::client
