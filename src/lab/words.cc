#include "lab/words.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/parse.h"
#include "report/format.h"

namespace giliran::lab {
namespace {

constexpr double kSurprise = 1.3;  // more than this factor from what was expected
constexpr double kAllBusy = 0.85;  // share of the cores that counts as all of them
constexpr double kNearCeiling = 0.8;

std::string threads(uint64_t count) {
  return fmt::format("{} thread{}", count, count == 1 ? "" : "s");
}

std::string busy(double cores_busy, uint32_t cores) {
  return fmt::format("{:.1f} of {} cores", std::min(cores_busy, double(cores)), cores);
}

std::string rate(double per_second) {
  return report::format_rate(per_second);
}

// Threads that compute can keep at most as many cores busy.
std::string why_computing(const RunPlan& one, const RunPlan& many, const Measured& m) {
  const uint32_t few = one.servers * one.server_threads;
  const uint32_t lots = many.servers * many.server_threads;
  const double expected = double(std::min(lots, m.cores)) / double(std::min(few, m.cores));
  std::string text =
      few >= m.cores
          ? fmt::format(
                "Work that computes cannot go faster than the cores: {} servers with {} "
                "each already ask for {} of {} cores. More threads only take turns on them.",
                one.servers, threads(one.server_threads), few, m.cores)
          : fmt::format(
                "Work that computes needs a core for each thread: {} could use only {} of "
                "{} cores, {} can use them all.",
                threads(few), few, m.cores, lots);
  const double ratio = m.speed_up() / expected;
  if (ratio > kSurprise || ratio < 1 / kSurprise) {
    text += fmt::format(
        " About {:.1f} times was to be expected: was this machine busy with something else?",
        expected);
  }
  return text;
}

// A thread that waits holds no core: the ceiling is the number of threads over the time each waits.
std::string why_blocking(const RunPlan& one, const RunPlan& many, const Measured& m) {
  const double each = 1 / base::to_seconds(one.work_time);
  const double low = each * one.servers * one.server_threads;
  const uint64_t waiting =
      std::min<uint64_t>(uint64_t{many.servers} * many.server_threads, many.connections);
  const double high = each * static_cast<double>(waiting);
  std::string text = fmt::format(
      "Work that waits holds a thread but no core: {} of {} waiting {} each can answer {} at most, "
      "{} can answer {}.",
      threads(uint64_t{one.servers} * one.server_threads), fmt::format("{} servers", one.servers),
      base::format_duration(one.work_time), rate(low),
      threads(uint64_t{many.servers} * many.server_threads), rate(high));
  if (m.many_rate >= kNearCeiling * high) return text;
  if (m.many_busy >= kAllBusy * m.cores) {
    return text +
           fmt::format(" Here the cores ended it first: {} were busy.", busy(m.many_busy, m.cores));
  }
  return text + " Here something else ended it first: was this machine busy with something else?";
}

std::string why_plain(const RunPlan& one, const RunPlan& many, const Measured& m) {
  const std::string text = fmt::format(
      "Without work, a request is system calls in every tier, and they share the cores: with {} in "
      "the coordinator {} were busy",
      threads(one.coordinator_threads), busy(m.one_busy, m.cores));
  if (m.one_busy >= kAllBusy * m.cores) {
    return text +
           fmt::format(", so {} find no core that is free.", threads(many.coordinator_threads));
  }
  if (m.speed_up() > 1.1) {
    return text + fmt::format(", with {} it was {}.", threads(many.coordinator_threads),
                              busy(m.many_busy, m.cores));
  }
  return text + ", and still more threads were not faster: the coordinator was not what limits.";
}

}  // namespace

std::string why(const RunPlan& one, const RunPlan& many, const Measured& measured) {
  switch (one.work) {
    case Work::kComputes:
      return why_computing(one, many, measured);
    case Work::kBlocks:
      return why_blocking(one, many, measured);
    case Work::kNone:
      break;
  }
  return why_plain(one, many, measured);
}

}  // namespace giliran::lab
