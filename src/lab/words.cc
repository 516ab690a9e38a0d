#include "lab/words.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/parse.h"
#include "report/format.h"

namespace giliran::lab {
namespace {

constexpr double kSurprise = 1.3;       // more than this factor from what was expected
constexpr double kAllBusy = 0.85;       // share of the cores that counts as all of them
constexpr double kOthersMatter = 0.15;  // share of the cores that may explain a surprise
constexpr double kNearCeiling = 0.8;

std::string threads(uint64_t count) {
  return fmt::format("{} thread{}", count, count == 1 ? "" : "s");
}

uint32_t servers(const RunPlan& plan) {
  return static_cast<uint32_t>(plan.servers.size());
}

std::string cores(double busy, uint32_t count) {
  return fmt::format("{:.1f} of {} cores", std::min<double>(busy, count), count);
}

// The end of an explanation that the numbers do not bear out.
std::string disturbed(const Measured& m) {
  if (m.others_busy < kOthersMatter * m.cores) return {};
  return fmt::format(" Other programs kept {} busy meanwhile.", cores(m.others_busy, m.cores));
}

bool surprising(double ratio) {
  return ratio > kSurprise || ratio < 1 / kSurprise;
}

// Threads that compute can keep at most as many cores busy.
std::string why_computing(const RunPlan& one, const RunPlan& many, const Measured& m) {
  const uint32_t few = servers(one) * one.server_threads();
  const uint32_t lots = servers(many) * many.server_threads();
  const double expected = static_cast<double>(std::min(lots, m.cores)) / std::min(few, m.cores);
  std::string text =
      few >= m.cores
          ? fmt::format(
                "Work that computes cannot go faster than the cores: {} servers with {} each "
                "already ask for {} of {} cores; more threads only take turns on them.",
                one.servers.size(), threads(one.server_threads()), few, m.cores)
          : fmt::format(
                "Work that computes needs a core for each thread: {} can use only {} of {} cores, "
                "{} can use {}.",
                threads(few), few, m.cores, lots, std::min(lots, m.cores));
  if (surprising(m.speed_up() / expected)) {
    text += fmt::format(" That explains about {:.1f}x, not {:.1f}x.", expected, m.speed_up()) +
            disturbed(m);
  }
  return text;
}

// A thread that waits holds no core: the ceiling is the number of threads over the time each waits.
std::string why_blocking(const RunPlan& one, const RunPlan& many, const Measured& m) {
  const auto ceiling = [](const RunPlan& plan) {
    const uint32_t waiting =
        std::min(servers(plan) * plan.server_threads(), plan.client.connections);
    return waiting / base::to_seconds(plan.work_time());
  };
  std::string text = fmt::format(
      "Work that waits holds a thread but no core: {} servers with {} each, {} a request, can "
      "answer {} at most, whatever the cores; with {} each {}.",
      one.servers.size(), threads(one.server_threads()), base::format_duration(one.work_time()),
      report::format_rate(ceiling(one)), threads(many.server_threads()),
      report::format_rate(ceiling(many)));
  if (m.many_rate >= kNearCeiling * ceiling(many)) return text;
  if (m.many_busy >= kAllBusy * m.cores) {
    return text + fmt::format(" Here the cores were the limit before that: {} were busy.",
                              cores(m.many_busy, m.cores));
  }
  return text + disturbed(m);
}

std::string why_plain(const RunPlan& one, const RunPlan& many, const Measured& m) {
  const bool thread_full = m.one_coordinator_busy >= kAllBusy * one.coordinator_threads();
  std::string text = fmt::format(
      "A request without work is system calls in all three tiers. With {} the coordinator used "
      "{:.2f} of a core",
      threads(one.coordinator_threads()), m.one_coordinator_busy);
  if (!thread_full) {
    text += ", so that it was not what limited";
    text += m.one_busy >= kAllBusy * m.cores
                ? fmt::format(": all tiers together had {} busy.", cores(m.one_busy, m.cores))
                : "." + disturbed(m);
    return text;
  }
  if (m.one_busy >= kAllBusy * m.cores) {
    return text + fmt::format(
                      ", as much as it can, and all tiers together had {} busy: no core "
                      "is left for {}.",
                      cores(m.one_busy, m.cores), threads(many.coordinator_threads()));
  }
  return text + fmt::format(", as much as it can; {} use cores that were idle.",
                            threads(many.coordinator_threads()));
}

}  // namespace

std::string why(const RunPlan& one, const RunPlan& many, const Measured& measured) {
  switch (one.work()) {
    case Work::kComputes:
      return why_computing(one, many, measured);
    case Work::kBlocks:
      return why_blocking(one, many, measured);
    case Work::kNone:
    case Work::kWaits:
    case Work::kMixed:
      break;
  }
  return why_plain(one, many, measured);
}

}  // namespace giliran::lab
