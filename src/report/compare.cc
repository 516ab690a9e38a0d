#include "report/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/rng.h"
#include "report/block_bootstrap.h"
#include "report/format.h"
#include "report/statistics.h"

namespace giliran::report {
namespace {

using Json = nlohmann::ordered_json;

struct Percentile {
  const char* name;
  double p;
};
constexpr std::array<Percentile, 5> kPercentiles = {
    {{"p50", 50}, {"p75", 75}, {"p90", 90}, {"p99", 99}, {"p99.9", 99.9}}};
// A percentile is judged where so many values lie beyond it on both sides.
constexpr double kBeyondMin = 20;

// What one pair of draws says of every row, in the order of the rows that are judged.
struct Draws {
  std::vector<double> response[kPercentiles.size()];  // log(b / a)
  std::vector<double> service[kPercentiles.size()];
  std::vector<double> rate;    // log(b / a)
  std::vector<double> errors;  // b - a
};

double log_ratio(double a, double b) {
  return a > 0 && b > 0 ? std::log(b / a) : 0;
}

double share(double part, double whole) {
  return whole > 0 ? part / whole : 0;
}

void note(const BlockSampler& sa, const Drawn& a, const BlockSampler& sb, const Drawn& b,
          Draws& out) {
  for (size_t i = 0; i < kPercentiles.size(); ++i) {
    const double p = kPercentiles[i].p;
    out.response[i].push_back(
        log_ratio(sa.response_percentile(a, p), sb.response_percentile(b, p)));
    out.service[i].push_back(log_ratio(sa.service_percentile(a, p), sb.service_percentile(b, p)));
  }
  out.rate.push_back(log_ratio(share(a.answered, a.seconds), share(b.answered, b.seconds)));
  out.errors.push_back(share(b.errors, b.ended) - share(a.errors, a.ended));
}

class Comparer {
 public:
  Comparer(std::span<const ClientResult> a, std::span<const ClientResult> b, Compared& out)
      : out_(out), a_(a), b_(b) {
    const double freedom = a_.blocks() + b_.blocks() - 2;
    enough_ = a_.blocks() >= 2 && b_.blocks() >= 2;
    if (!enough_) return;
    widen_ =
        student_t_99(freedom) / kNormal99 * std::sqrt(std::max(a_.narrowness(), b_.narrowness()));
    Drawn drawn_a;
    Drawn drawn_b;
    a_.all(drawn_a);
    b_.all(drawn_b);
    note(a_, drawn_a, b_, drawn_b, whole_);
    base::Rng rng(out.options.seed);
    for (size_t i = 0; i < out.options.resamples; ++i) {
      a_.draw(rng, drawn_a);
      b_.draw(rng, drawn_b);
      note(a_, drawn_a, b_, drawn_b, draws_);
    }
  }

  void add_rows(bool rate_is_free) {
    add_times("response_time", out_.a.response_time, out_.b.response_time, draws_.response,
              whole_.response);
    add_times("service_time", out_.a.service_time, out_.b.service_time, draws_.service,
              whole_.service);
    add_rate(rate_is_free);
    add_errors();
  }

  const BlockSampler& a() const { return a_; }
  const BlockSampler& b() const { return b_; }

 private:
  // Around what was measured, as wide as the draws scatter around what all intervals give.
  ComparedRow::Interval scatter(std::vector<double>& draws, double center, double measured) const {
    std::ranges::sort(draws);
    const double outside = (1 - kCompareConfidence) / 2;
    const double low = quantile(draws, outside) - center;
    const double high = quantile(draws, 1 - outside) - center;
    return {.low = measured + widen_ * low, .high = measured + widen_ * high};
  }

  // Of a ratio; lower is better unless said otherwise.
  void judge_ratio(ComparedRow& row, std::vector<double>& draws, double center, bool higher) {
    if (row.a <= 0 || row.b <= 0) {
      row.why = "nothing was measured";
      return;
    }
    row.change = row.b / row.a - 1;
    if (!enough_) {
      row.why = "too few intervals";
      return;
    }
    const auto logs = scatter(draws, center, std::log(row.b / row.a));
    row.interval = {.low = std::exp(logs.low) - 1, .high = std::exp(logs.high) - 1};
    judge(row, out_.options.threshold, higher);
  }

  static void judge(ComparedRow& row, double threshold, bool higher) {
    const bool clear = row.interval->low > 0 || row.interval->high < 0;
    if (!clear || std::abs(*row.change) < threshold) {
      row.verdict = Change::kNone;
    } else {
      row.verdict = (*row.change > 0) == higher ? Change::kBetter : Change::kWorse;
    }
  }

  void add_times(const char* metric, const base::Histogram& a, const base::Histogram& b,
                 std::vector<double>* draws, std::vector<double>* whole) {
    for (size_t i = 0; i < kPercentiles.size(); ++i) {
      const auto& [what, p] = kPercentiles[i];
      ComparedRow row{.metric = metric,
                      .what = what,
                      .unit = "us",
                      .a = static_cast<double>(a.percentile(p)) / 1e3,
                      .b = static_cast<double>(b.percentile(p)) / 1e3};
      const auto least = static_cast<double>(std::min(a.count(), b.count()));
      const double needed = kBeyondMin / (1 - p / 100);
      if (least < needed * (1 - 1e-9)) {
        if (row.a > 0) row.change = row.b / row.a - 1;
        row.why = fmt::format("needs {} answers a side",
                              format_count(static_cast<uint64_t>(std::llround(needed))));
      } else {
        judge_ratio(row, draws[i], enough_ ? whole[i].front() : 0, false);
      }
      out_.rows.push_back(std::move(row));
    }
    ComparedRow max{.metric = metric,
                    .what = "max",
                    .unit = "us",
                    .a = static_cast<double>(a.max()) / 1e3,
                    .b = static_cast<double>(b.max()) / 1e3,
                    .why = "one answer makes it"};
    if (max.a > 0) max.change = max.b / max.a - 1;
    out_.rows.push_back(std::move(max));
  }

  void add_rate(bool rate_is_free) {
    ComparedRow row{.metric = "rate", .unit = "1/s", .a = out_.a.rate, .b = out_.b.rate};
    if (rate_is_free) {
      judge_ratio(row, draws_.rate, enough_ ? whole_.rate.front() : 0, true);
    } else {
      if (row.a > 0) row.change = row.b / row.a - 1;
      row.why = "the plans ask for different rates";
    }
    out_.rows.push_back(std::move(row));
  }

  void add_errors() {
    ComparedRow row{.metric = "errors",
                    .unit = "share",
                    .a = out_.a.errors_share(),
                    .b = out_.b.errors_share()};
    if (out_.a.totals.ended() == 0 || out_.b.totals.ended() == 0) {
      row.why = "nothing was measured";
    } else {
      row.change = row.b - row.a;
      if (enough_) {
        row.interval = scatter(draws_.errors, whole_.errors.front(), *row.change);
        judge(row, kErrorsThreshold, false);
      } else {
        row.why = "too few intervals";
      }
    }
    out_.rows.push_back(std::move(row));
  }

  Compared& out_;
  BlockSampler a_;
  BlockSampler b_;
  bool enough_ = false;
  double widen_ = 1;
  Draws draws_;
  Draws whole_;
};

void add_totals(ClientTotals& to, const ClientTotals& from) {
  to.answered += from.answered;
  to.failed += from.failed;
  to.bad_status += from.bad_status;
  to.issued += from.issued;
  to.due += from.due;
}

// Histograms of different precisions are not added: the first one's stay.
void add_times(base::Histogram& to, const base::Histogram& from) {
  if (to.count() == 0) {
    to = from;
  } else {
    (void)to.add(from);
  }
}

ComparedSide side_of(std::span<const ClientResult> runs) {
  ComparedSide side;
  double answers = 0;
  for (const ClientResult& run : runs) {
    side.files.push_back(run.path);
    add_totals(side.totals, run.totals);
    add_times(side.service_time, run.service_time);
    add_times(side.response_time, run.response_time);
    side.measured_s += run.issuing_s;
    answers += run.rate * run.issuing_s;
    if (!run.verdict.valid) {
      const auto& reasons = run.verdict.reasons;
      side.limited.push_back(
          fmt::format("{}: {}", run.path, reasons.empty() ? "no reason told" : reasons.front()));
    }
  }
  side.rate = share(answers, side.measured_s);
  side.url = runs.front().url();
  side.loop = runs.front().open_loop() ? "open" : "closed";
  for (const ClientInterval& interval : runs.front().intervals) {
    if (!interval.warmup) side.over_time.push_back(interval);
  }
  return side;
}

// --- warnings ---

std::string short_text(const Json& value) {
  const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  return text.size() <= 60 ? text : text.substr(0, 57) + "...";
}

// What both plans should say alike. Absent is as good as any other value.
void warn_of_plans(const ClientResult& a, const ClientResult& b, std::vector<std::string>& out) {
  std::string text;
  for (const char* key : {"url", "loop", "connections", "rate", "arrivals", "stages", "targets",
                          "replay", "method", "body_bytes", "message", "new_connection"}) {
    const Json none = "none";
    const Json& x = a.plan.contains(key) ? a.plan[key] : none;
    const Json& y = b.plan.contains(key) ? b.plan[key] : none;
    if (x == y) continue;
    text +=
        fmt::format("{}{} {} and {}", text.empty() ? "" : ", ", key, short_text(x), short_text(y));
  }
  if (!text.empty()) out.push_back("the plans differ: " + text);
}

void warn_of_runs(std::span<const ClientResult> runs, const ComparedSide& side,
                  std::vector<std::string>& out) {
  for (const std::string& reason : side.limited) {
    out.push_back("CLIENT-LIMITED, so that this may be the client's own difference: " + reason);
  }
  for (const ClientResult& run : runs) {
    if (run.interrupted) out.push_back(run.path + ": the run was interrupted");
    const uint64_t unsent = run.totals.due - std::min(run.totals.due, run.totals.issued);
    if (run.verdict.valid && share(static_cast<double>(unsent),
                                   static_cast<double>(run.totals.due)) >= kErrorsThreshold) {
      out.push_back(
          fmt::format("{}: {} of {} requests that were due were never sent, and are in "
                      "no percentile",
                      run.path, format_count(unsent), format_count(run.totals.due)));
    }
  }
  if (side.intervals < kFewIntervals) {
    out.push_back(fmt::format(
        "{}: {} interval{}: too few to tell chance from change well; measure for 10 s or more",
        side.files.front(), side.intervals, side.intervals == 1 ? "" : "s"));
  }
}

void warn_of_errors(Compared& c) {
  const ComparedRow& errors = c.rows.back();
  const bool apart = errors.change && std::abs(*errors.change) >= kErrorsThreshold;
  if (!apart) return;
  c.warnings.push_back("errors differ, and failed requests are in no percentile");
  const uint64_t least = std::min(c.a.totals.errors(), c.b.totals.errors());
  if (errors.verdict == Change::kNone && least == 0) {
    c.warnings.push_back(
        fmt::format("{} errors against none, but in so few intervals that it may be chance",
                    format_count(std::max(c.a.totals.errors(), c.b.totals.errors()))));
  }
}

Change overall(const std::vector<ComparedRow>& rows) {
  const auto any = [&](Change change) {
    return std::ranges::any_of(rows, [&](const ComparedRow& r) { return r.verdict == change; });
  };
  const bool better = any(Change::kBetter);
  const bool worse = any(Change::kWorse);
  if (better && worse) return Change::kMixed;
  return better ? Change::kBetter : worse ? Change::kWorse : Change::kNone;
}

// A closed loop finds its rate itself; an open one is asked for it.
bool rate_is_free(const ClientResult& a, const ClientResult& b) {
  if (a.open_loop() != b.open_loop()) return false;
  return !a.open_loop() ||
         std::abs(a.planned_rate() - b.planned_rate()) <= 0.001 * a.planned_rate();
}

}  // namespace

std::string_view name(Change change) {
  switch (change) {
    case Change::kNone:
      return "no difference shown";
    case Change::kBetter:
      return "better";
    case Change::kWorse:
      return "worse";
    case Change::kMixed:
      return "mixed";
    case Change::kNotJudged:
      return "not judged";
  }
  return "";
}

double ComparedSide::errors_share() const {
  return share(static_cast<double>(totals.errors()), static_cast<double>(totals.ended()));
}

Compared compare(std::span<const ClientResult> a, std::span<const ClientResult> b,
                 const CompareOptions& options) {
  Compared out{.options = options, .a = side_of(a), .b = side_of(b)};
  Comparer comparer(a, b, out);
  out.a.intervals = comparer.a().intervals();
  out.b.intervals = comparer.b().intervals();
  out.a.block_intervals = comparer.a().block();
  out.b.block_intervals = comparer.b().block();
  comparer.add_rows(rate_is_free(a.front(), b.front()));
  warn_of_plans(a.front(), b.front(), out.warnings);
  warn_of_runs(a, out.a, out.warnings);
  warn_of_runs(b, out.b, out.warnings);
  warn_of_errors(out);
  out.verdict = overall(out.rows);
  return out;
}

}  // namespace giliran::report
