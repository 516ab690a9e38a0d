#include "report/little.h"

#include <fmt/format.h>

#include <cmath>
#include <vector>

#include "report/block_bootstrap.h"
#include "report/format.h"

namespace giliran::report {
namespace {

constexpr size_t kIntervalsMin = 5;
constexpr double kFailedMax = 0.01;
constexpr double kFailedTimeMax = 0.05;  // that they may have taken, of what answers took
constexpr double kTimeoutSeconds = 30;   // where the plan has none
constexpr double kLongMax = 0.1;
constexpr double kBiasMax = 0.5;  // of the number in the system

Little unchecked(std::string why) {
  Little out;
  out.text = "Little's law was not checked: " + std::move(why);
  return out;
}

struct InSystem {
  double mean = 0;
  double error = 0;
};

// The standard error of a mean of numbers that are alike from one to the next: of block means.
InSystem mean_of(const std::vector<double>& counts) {
  InSystem out;
  for (const double n : counts) out.mean += n;
  out.mean /= static_cast<double>(counts.size());
  const size_t length = block_length(counts);
  const size_t blocks = counts.size() / length;
  if (blocks < 2) return out;
  double squares = 0;
  for (size_t b = 0; b < blocks; ++b) {
    double sum = 0;
    for (size_t i = 0; i < length; ++i) sum += counts[b * length + i];
    const double off = sum / static_cast<double>(length) - out.mean;
    squares += off * off;
  }
  const auto n = static_cast<double>(blocks);
  out.error = std::sqrt(squares / (n - 1) / n);
  return out;
}

double timeout_s(const ClientResult& r) {
  if (!r.plan.is_object()) return kTimeoutSeconds;
  const auto found = r.plan.find("timeout_s");
  return found != r.plan.end() && found->is_number() ? found->get<double>() : kTimeoutSeconds;
}

}  // namespace

Little check_little(const LittleInput& in) {
  Little out{.checked = true, .in_flight = in.in_flight, .expected = in.rate * in.mean_s};
  if (!(out.expected > 0) || !(in.measured_s > 0)) return unchecked("nothing was measured");
  if (in.in_flight_bias > kBiasMax * out.expected) {
    return unchecked("too few requests at a time, evenly spaced as the counts of them are");
  }
  out.tolerance = kLittleTolerance + (3 * in.in_flight_error + in.in_flight_bias) / out.expected +
                  2 * in.mean_s / in.measured_s;
  const double off = (out.in_flight - out.expected) / out.expected;
  out.holds = std::abs(off) <= out.tolerance;
  if (out.holds && out.tolerance > kLittleToleranceMax) {
    return unchecked(
        fmt::format("how many were in the system varied so much in so short a time that only a "
                    "difference of more than {:.0f} % would tell",
                    100 * out.tolerance));
  }
  out.text = fmt::format(
      "Little's law {}: {:.4g} requests in the system, {} x {} make {:.4g}: {:+.1f} %, {} {:.1f} %",
      out.holds ? "holds" : "is VIOLATED, so that something was measured wrongly", out.in_flight,
      format_rate(in.rate), format_latency_us(in.mean_s * 1e6), out.expected, 100 * off,
      out.holds ? "within" : "more than", 100 * out.tolerance);
  return out;
}

Little check_little(const ClientResult& r) {
  const double end_s = r.warmup_s() + r.issuing_s;
  std::vector<double> counts;
  double in_system = 0;
  double ended = 0;
  double failed = 0;
  double answered = 0;
  double measured_s = 0;
  double time_s = 0;
  bool first = true;
  for (const ClientInterval& i : r.intervals) {
    const double before = in_system;
    in_system += static_cast<double>(i.due) - static_cast<double>(i.answered + i.failed);
    if (i.warmup || i.end_s() > end_s + 1e-6) continue;
    if (!first) counts.push_back(before);
    first = false;
    ended += static_cast<double>(i.answered + i.failed);
    failed += static_cast<double>(i.failed);
    answered += static_cast<double>(i.answered);
    measured_s += i.for_s;
    time_s += i.response_time.mean() / 1e9 * static_cast<double>(i.response_time.count());
  }
  if (counts.size() < kIntervalsMin) return unchecked("too few intervals");
  if (answered == 0) return unchecked("nothing was answered");
  if (failed > kFailedMax * ended || failed * timeout_s(r) > kFailedTimeMax * time_s) {
    return unchecked("requests failed, and how long they took is not recorded");
  }
  const double mean_s = time_s / answered;
  if (mean_s > kLongMax * measured_s)
    return unchecked("answers took too long for this short a run");
  const InSystem n = mean_of(counts);
  return check_little({.in_flight = n.mean,
                       .in_flight_error = n.error,
                       .in_flight_bias = r.evenly_spaced() ? 1.0 : 0.0,
                       .rate = answered / measured_s,
                       .mean_s = mean_s,
                       .measured_s = measured_s});
}

}  // namespace giliran::report
