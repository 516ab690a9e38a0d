#include "lab/points.h"

#include <algorithm>

#include "lab/result.h"

namespace giliran::lab {
namespace {

report::Median median_of(const std::vector<const RunResult*>& runs, auto value) {
  std::vector<double> values;
  for (const RunResult* run : runs) values.push_back(value(*run));
  return report::median(values);
}

Point point_of(const LabResult& result, const std::string& name) {
  Point point{.name = name, .runs = result.runs_of(name)};
  if (point.runs.empty()) return point;
  point.labels = result.plan_of(*point.runs.front()).labels;
  const auto us = [&](base::Duration Times::* which, Times ClientResult::* of) {
    return median_of(point.runs,
                     [=](const RunResult& run) { return base::to_us(run.client.*of.*which); });
  };
  point.rate = median_of(point.runs, [](const RunResult& run) { return run.client.rate; });
  point.p50_us = us(&Times::p50, &ClientResult::response);
  point.p99_us = us(&Times::p99, &ClientResult::response);
  point.p999_us = us(&Times::p999, &ClientResult::response);
  point.service_p50_us = us(&Times::p50, &ClientResult::service);
  point.service_p99_us = us(&Times::p99, &ClientResult::service);
  point.errors = median_of(
      point.runs, [](const RunResult& run) { return static_cast<double>(run.client.errors); });
  point.cpu_us = median_of(
      point.runs, [](const RunResult& run) { return base::to_us(run.per_request(run.cpu.sum())); });
  return point;
}

}  // namespace

std::vector<Point> points_of(const LabResult& result) {
  std::vector<Point> points;
  for (const std::string& name : result.scenario.points()) {
    Point point = point_of(result, name);
    if (!point.runs.empty()) points.push_back(std::move(point));
  }
  return points;
}

std::string label_of(const std::vector<Label>& labels, std::string_view key) {
  const auto found = std::ranges::find(labels, key, &Label::key);
  return found == labels.end() ? std::string() : found->value;
}

}  // namespace giliran::lab
