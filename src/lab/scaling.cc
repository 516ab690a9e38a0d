#include "lab/scaling.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/parse.h"
#include "lab/result.h"
#include "report/format.h"
#include "report/table.h"

namespace giliran::lab {
namespace {

constexpr double kAsGood = 1.1;  // so much faster counts as no faster
constexpr double kAllBusy = 0.85;
constexpr std::string_view kRunLabel = "run";

bool of_threads(std::string_view key) {
  const bool of_servers = key.starts_with("servers.") && key.ends_with(".threads");
  return of_servers || key == "coordinator.threads";
}

uint32_t threads_in(const std::string& label) {
  const auto number = base::parse_uint(label, 100'000);
  return number ? static_cast<uint32_t>(*number) : 0;
}

// What distinguishes a set of points besides the [[run]] it is of: all other labels but `key`.
std::string rest_of(const Point& point, std::string_view key) {
  std::string text;
  for (const Label& label : point.labels) {
    if (label.key == key || label.key == kRunLabel) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", label.key, label.value);
  }
  return text;
}

std::string case_of(const LabResult& result, const Point& point) {
  // Points of different [[run]]s have names that differ in more than their labels.
  const RunPlan& plan = result.plan_of(*point.runs.front());
  std::string name = plan.point;
  for (auto label = plan.labels.rbegin(); label != plan.labels.rend(); ++label) {
    const size_t at = name.rfind("-" + label->value);
    if (at != std::string::npos) name.resize(at);
  }
  return name;
}

const ScalePoint& best_of(const Scaling& scaling) {
  return *std::ranges::max_element(
      scaling.points, [](const auto& a, const auto& b) { return a.rate.value < b.rate.value; });
}

std::string threads(uint64_t count) {
  return fmt::format("{} thread{}", count, count == 1 ? "" : "s");
}

double busy_at(const std::vector<const Point*>& points, size_t index) {
  double most = 0;
  for (const RunResult* run : points[index]->runs) most = std::max(most, run->cores_busy());
  return most;
}

// Where more threads stop helping, and what that has to do with the cores.
std::string words_of(const LabResult& result, const Scaling& scaling,
                     const std::vector<const Point*>& points) {
  const ScalePoint& first = scaling.points.front();
  const ScalePoint& best = best_of(scaling);
  const RunPlan& plan = result.plan_of(*points.front()->runs.front());
  const auto enough = std::ranges::find_if(scaling.points, [&](const ScalePoint& point) {
    return point.rate.value * kAsGood >= best.rate.value;
  });
  const double busy = busy_at(points, static_cast<size_t>(enough - scaling.points.begin()));
  const bool full = busy >= kAllBusy * result.cores;
  std::string text;
  if (enough->threads == first.threads) {
    text = fmt::format("{} {} as good as many: {} are at most {:.2f}x as fast.",
                       threads(first.threads), first.threads == 1 ? "is" : "are",
                       threads(best.threads), best.speed_up);
  } else {
    text = fmt::format("{} answer {:.1f}x what {} does; more than that {}.",
                       threads(enough->threads), enough->speed_up, threads(first.threads),
                       enough->threads == scaling.points.back().threads ? "was not tried"
                                                                        : "adds less than a tenth");
  }
  if (full) {
    text += fmt::format(
        " {:.1f} of {} cores were busy then: the cores are the limit, not the "
        "number of threads.",
        std::min<double>(busy, result.cores), result.cores);
  } else if (plan.work() == Work::kBlocks) {
    text += fmt::format(
        " The work waits and uses no core, so that threads pay beyond the {} core{} "
        "of this machine.",
        result.cores, result.cores == 1 ? "" : "s");
  } else {
    text += fmt::format(" {:.1f} of {} cores were busy then.", std::min<double>(busy, result.cores),
                        result.cores);
  }
  return text;
}

std::optional<Scaling> scaling_of(const LabResult& result, std::string_view key, std::string name,
                                  std::vector<const Point*> points) {
  std::ranges::sort(points, {},
                    [&](const Point* p) { return threads_in(label_of(p->labels, key)); });
  Scaling scaling{.of = key.starts_with("coordinator") ? "coordinator" : "servers",
                  .name = std::move(name)};
  std::vector<report::UslPoint> usl;
  for (const Point* point : points) {
    const uint32_t count = threads_in(label_of(point->labels, key));
    if (count == 0 || point->rate.value <= 0) return std::nullopt;
    const ScalePoint* first = scaling.points.empty() ? nullptr : &scaling.points.front();
    const double speed_up = first == nullptr ? 1 : point->rate.value / first->rate.value;
    const double more = first == nullptr ? 1 : static_cast<double>(count) / first->threads;
    scaling.points.push_back({.threads = count,
                              .point = point->name,
                              .rate = point->rate,
                              .speed_up = speed_up,
                              .efficiency = speed_up / more});
    usl.push_back({.n = static_cast<double>(count), .throughput = point->rate.value});
  }
  if (scaling.points.size() < 2) return std::nullopt;
  if (usl.size() >= report::kUslPointsMin) {
    if (auto fit = report::fit_usl(usl)) scaling.usl = std::move(*fit);
  }
  scaling.words = words_of(result, scaling, points);
  return scaling;
}

std::string law_text(const Scaling& scaling) {
  if (!scaling.usl) {
    return fmt::format(
        "Speed-up only: the Universal Scalability Law takes {} numbers of threads.\n",
        report::kUslPointsMin);
  }
  const report::Usl& usl = *scaling.usl;
  std::string text = fmt::format(
      "Universal Scalability Law (R\u00b2 {3:.3f}):\n"
      "  contention \u03b1 {0:.4f}, coherency \u03b2 {1:.6f}, one thread \u03b3 {2:.1f}/s\n",
      usl.alpha, usl.beta, usl.gamma, usl.r_squared);
  if (usl.peak) {
    text += fmt::format("Peak: {} at {:.1f} threads{}\n", report::format_rate(usl.peak->throughput),
                        usl.peak->n, usl.peak->measured ? "" : ", which is beyond what was tried");
  } else {
    text += "Peak: none, it grows as far as the law tells\n";
  }
  return text;
}

}  // namespace

std::vector<Scaling> scalings_of(const LabResult& result) {
  const std::vector<Point> points = points_of(result);
  std::vector<Scaling> found;
  for (const Axis& axis : result.scenario.axes) {
    if (!of_threads(axis.key)) continue;
    std::vector<std::pair<std::string, std::vector<const Point*>>> sets;
    for (const Point& point : points) {
      if (label_of(point.labels, axis.key).empty()) continue;
      const std::string rest = rest_of(point, axis.key);
      const std::string own = case_of(result, point);
      const std::string name = own + (own.empty() || rest.empty() ? "" : ", ") + rest;
      const auto set = std::ranges::find(sets, name, [](const auto& each) { return each.first; });
      if (set == sets.end()) {
        sets.push_back({name, {&point}});
      } else {
        set->second.push_back(&point);
      }
    }
    for (auto& [name, set] : sets) {
      auto scaling = scaling_of(result, axis.key, name, std::move(set));
      if (scaling) found.push_back(std::move(*scaling));
    }
  }
  if (found.size() == 1) found.front().name.clear();
  return found;
}

std::string speed_up_plot(const Scaling& scaling) {
  constexpr size_t kColumns = 56;
  constexpr size_t kRows = 12;
  const double most_threads = scaling.points.back().threads;
  const double least_threads = scaling.points.front().threads;
  const double ideal_top = most_threads / least_threads;
  const double top = std::max({ideal_top, best_of(scaling).speed_up, 2.0});
  std::vector<std::string> rows(kRows, std::string(kColumns, ' '));
  const auto put = [&](double n, double speed_up, char sign) {
    const double x = (n - 0) / most_threads * (kColumns - 1);
    const double y = speed_up / top * (kRows - 1);
    const auto column = static_cast<size_t>(std::clamp(std::round(x), 0.0, kColumns - 1.0));
    const auto row = static_cast<size_t>(std::clamp(std::round(y), 0.0, kRows - 1.0));
    rows[kRows - 1 - row][column] = sign;
  };
  for (size_t i = 0; i < kColumns; i += 2) {
    const double n = static_cast<double>(i) / (kColumns - 1) * most_threads;
    put(n, n / least_threads, '.');
  }
  for (const ScalePoint& point : scaling.points) put(point.threads, point.speed_up, '*');
  std::string text = "speed-up  * measured  . ideal\n";
  for (size_t row = 0; row < kRows; ++row) {
    const double value = top * static_cast<double>(kRows - 1 - row) / (kRows - 1);
    std::string line = rows[row];
    line.erase(line.find_last_not_of(' ') + 1);
    text += fmt::format("{:>6} |{}\n", row % 3 == 2 || row == 0 ? fmt::format("{:.1f}", value) : "",
                        line);
  }
  return text + fmt::format("       +{}\n        0{:>{}} threads\n", std::string(kColumns, '-'),
                            scaling.points.back().threads, kColumns - 2);
}

std::string scaling_text(const Scaling& scaling) {
  report::Table table({{"threads"}, {"rate, median"}, {"interval"}, {"speed-up"}, {"efficiency"}});
  for (const ScalePoint& point : scaling.points) {
    const report::Median& rate = point.rate;
    table.add({std::to_string(point.threads), report::format_rate(rate.value),
               rate.count < 2 ? "-"
                              : fmt::format("{} to {}", report::format_rate(rate.low),
                                            report::format_rate(rate.high)),
               fmt::format("{:.2f}x", point.speed_up),
               fmt::format("{:.0f} %", point.efficiency * 100)});
  }
  return fmt::format("Threads of the {}{}{}\n", scaling.of, scaling.name.empty() ? "" : ", ",
                     scaling.name) +
         table.text(2) + law_text(scaling) + speed_up_plot(scaling);
}

}  // namespace giliran::lab
