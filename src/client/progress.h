// What is shown while a run lasts.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "client/plan.h"
#include "client/recorder.h"
#include "terminal/live_block.h"

namespace giliran::client {

using terminal::LiveLine;

// Follows a run by looks at all its threads together.
class ProgressMeter {
 public:
  ProgressMeter() = default;
  // Borrowed: for what is planned and how much time is left.
  explicit ProgressMeter(const Plan& plan) : plan_(&plan) {}

  // now: everything so far, with the times of the interval; since: the start of the run.
  void look(Live now, base::Duration since);

  // A few lines of at most `columns` each, not more than `rows`: rate, times of the last interval
  // and of the whole run so far, shares of the servers, time left.
  std::vector<LiveLine> block(size_t columns, size_t rows) const;
  // One object with its line end: docs/formats/client_json.md, "Progress".
  std::string json() const;

 private:
  double rate() const;
  std::optional<double> planned_rate() const;  // open loop
  std::optional<base::Duration> left() const;  // where it is known
  bool warming() const { return plan_ != nullptr && since_ < plan_->warmup; }
  void add_servers(size_t columns, size_t rows, std::vector<LiveLine>& lines) const;

  const Plan* plan_ = nullptr;
  Live now_;
  base::Histogram response_{base::Histogram::Options{.digits = 2}};  // since the start
  base::Histogram service_{base::Histogram::Options{.digits = 2}};
  std::map<std::string, uint64_t> served_before_;  // answers by server at the look before
  uint64_t answered_before_ = 0;
  base::Duration before_{};
  base::Duration since_{};
};

}  // namespace giliran::client
