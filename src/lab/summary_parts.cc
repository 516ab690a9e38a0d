#include "lab/summary_parts.h"

#include <fmt/format.h>

#include <algorithm>

#include "lab/summary.h"
#include "report/format.h"
#include "report/table.h"

namespace giliran::lab {
namespace {

using report::Align;

constexpr size_t kLinesMax = 12;       // of one part
constexpr size_t kScalePointsMin = 3;  // of several sets, those of two are told as contrasts

std::string interval(const report::Median& median, auto format) {
  if (median.count < 2) return {};
  return fmt::format("{} to {}", format(median.low), format(median.high));
}

// "client-limited", or empty where nothing is wrong.
std::string note_of(const Point& point) {
  std::vector<std::string_view> notes;
  const auto any = [&](auto is) {
    return std::ranges::any_of(point.runs, [&](const RunResult* run) { return is(*run); });
  };
  if (any([](const RunResult& run) { return !run.client.valid; })) {
    notes.push_back("CLIENT-LIMITED");
  }
  if (any([](const RunResult& run) { return run.little && !run.little->holds; })) {
    notes.push_back("LITTLE");
  }
  if (any([](const RunResult& run) { return !run.met(); })) notes.push_back("NOT MET");
  if (any([](const RunResult& run) { return !run.accounted(); })) notes.push_back("SEE BELOW");
  return fmt::format("{}", fmt::join(notes, ", "));
}

std::string whole(double number) {
  return report::format_count(static_cast<uint64_t>(std::max(0.0, number) + 0.5));
}

// The first lines, and how many more there are.
class Lines {
 public:
  void add(std::string line) {
    if (++count_ <= kLinesMax) text_ += std::move(line);
  }
  std::string text() const {
    if (count_ <= kLinesMax) return text_;
    return text_ + fmt::format("  and {} more: result.json\n", count_ - kLinesMax);
  }
  size_t count() const { return count_; }

 private:
  std::string text_;
  size_t count_ = 0;
};

std::string judged_line(std::string_view of, const report::Expected& expected) {
  return folded(fmt::format("{} {}{}{}: {}", expected.met ? "met:    " : "NOT MET:", of,
                            of.empty() ? "" : ": ", expected.text, expected.measured),
                2);
}

}  // namespace

std::string points_text(const LabResult& result) {
  const std::vector<Point> points = points_of(result);
  const bool repeated = result.scenario.repetitions > 1;
  std::vector<report::Column> columns = {{"point", Align::kLeft}, {"requests/s"}};
  if (repeated) columns.push_back({"interval"});
  for (const char* const title : {"p50", "p99", "errors", "CPU each"}) columns.push_back({title});
  columns.push_back({"", Align::kLeft});
  report::Table table(std::move(columns));
  for (const Point& point : points) {
    std::vector<std::string> row = {point.name, whole(point.rate.value)};
    if (repeated) row.push_back(interval(point.rate, whole));
    for (const report::Median* us : {&point.p50_us, &point.p99_us}) {
      row.push_back(report::format_latency_us(us->value));
    }
    row.push_back(whole(point.errors.value));
    row.push_back(report::format_latency_us(point.cpu_us.value));
    row.push_back(note_of(point));
    table.add(std::move(row));
  }
  std::string text = table.text(0);
  if (repeated && !points.empty()) {
    text += folded(fmt::format("Times are response times. Each number is the {}.",
                               points.front().rate.method()),
                   0);
  } else {
    text += "Times are response times.\n";
  }
  return text;
}

std::string expectations_text(const LabResult& result) {
  Lines lines;
  size_t all = 0, met = 0;
  for (const RunResult& run : result.runs) {
    for (const report::Expected& expected : run.expected) {
      ++all;
      met += expected.met ? 1 : 0;
      if (!expected.met) lines.add(judged_line(result.plan_of(run).name, expected));
    }
  }
  for (const report::Expected& claim : result.claims) {
    ++all;
    met += claim.met ? 1 : 0;
    lines.add(judged_line("", claim));
  }
  if (all == 0) return {};
  return fmt::format("Expected: {} of {} met\n", met, all) + lines.text();
}

std::string doubts_text(const LabResult& result) {
  Lines lines;
  for (const RunResult& run : result.runs) {
    const std::string& name = result.plan_of(run).name;
    if (!run.client.valid) {
      std::string why;
      for (const std::string& reason : run.measured.verdict.reasons) why += " " + reason;
      lines.add(folded(fmt::format("{}: {}.{}", name, run.client.verdict, why), 2));
    }
    if (run.little && !run.little->holds) lines.add(folded(name + ": " + run.little->text, 2));
    for (const RunMark& mark : run.marks) {
      if (!mark.late) continue;
      lines.add(folded(fmt::format("{}: \"{}\" came late, at {:.2f} s instead of {:.2f} s", name,
                                   mark.text, mark.t_s, mark.planned_s),
                       2));
    }
    for (const std::string& missed : run.missed) {
      lines.add(folded(
          fmt::format("{}: \"{}\" did not happen: the client had ended before", name, missed), 2));
    }
  }
  return lines.count() == 0 ? std::string() : "To be read with care\n" + lines.text();
}

std::string timeline_text(const LabResult& result) {
  Lines lines;
  for (const Point& point : points_of(result)) {
    std::string text;
    for (const RunMark& mark : point.runs.front()->marks) {
      text += fmt::format("{}{:.2f} s {}", text.empty() ? "" : "; ", mark.t_s, mark.text);
    }
    if (!text.empty()) lines.add(folded(point.name + ": " + text, 2));
  }
  return lines.count() == 0 ? std::string() : "What happened meanwhile\n" + lines.text();
}

std::string scalings_text(const LabResult& result) {
  std::string text;
  const std::vector<Scaling> scalings = scalings_of(result);
  for (const Scaling& scaling : scalings) {
    if (scaling.points.size() < kScalePointsMin && scalings.size() != 1) continue;
    text += (text.empty() ? "" : "\n") + scaling_text(scaling) + folded(scaling.words, 0);
  }
  return text;
}

}  // namespace giliran::lab
