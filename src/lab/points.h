// The points of a grid: what the repetitions of each come to.
#pragma once

#include <string>
#include <vector>

#include "lab/scenario.h"
#include "report/statistics.h"

namespace giliran::lab {

struct LabResult;
struct RunResult;

struct Point {
  std::string name{};
  std::vector<Label> labels{};
  std::vector<const RunResult*> runs{};          // finished, at least one, by repetition
  report::Median rate{};                         // a second
  report::Median p50_us{}, p99_us{}, p999_us{};  // response times
  report::Median service_p50_us{}, service_p99_us{};
  report::Median errors{};
  report::Median cpu_us{};  // of a request, all processes
};

// Those that have a finished run, in the scenario's order.
std::vector<Point> points_of(const LabResult& result);

// The value of a label, empty where there is none.
std::string label_of(const std::vector<Label>& labels, std::string_view key);

}  // namespace giliran::lab
