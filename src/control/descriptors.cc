#include "control/descriptors.h"

#include <fmt/format.h>

#include <algorithm>

namespace giliran::control {
namespace {

constexpr size_t kOfOneWorker = 4;
constexpr size_t kConnectionsMost = 1U << 30;
constexpr size_t kPipesMost = 32;  // of a worker

size_t reserve(const DescriptorUse& use) {
  return kDescriptorsKept + use.workers * (kOfOneWorker + use.listeners);
}

}  // namespace

DescriptorPlan plan_descriptors(const DescriptorUse& use, const config::Limits& limits) {
  DescriptorPlan plan{.connections_max = limits.connections_max,
                      .upstream_idle_max = limits.upstream_idle_max,
                      .pipes_max = kPipesMost,
                      .warning = {}};
  if (use.limit == 0) return plan;
  const size_t kept = reserve(use);
  const size_t free = use.limit > kept ? use.limit - kept : 0;
  const size_t idle_wanted = size_t{limits.upstream_idle_max} * use.workers;
  const size_t idle = std::min(idle_wanted, free / 4);
  const size_t carried = std::clamp<size_t>((free - idle) / 2, 1, kConnectionsMost);
  const size_t for_pipes = std::min(kPipesMost * use.workers, carried / 32);
  plan.upstream_idle_max = static_cast<uint32_t>(idle / use.workers);
  plan.connections_max = static_cast<uint32_t>(
      limits.connections_max == 0 ? carried - for_pipes
                                  : std::min<size_t>(limits.connections_max, carried));
  plan.pipes_max =
      static_cast<uint32_t>(std::min(kPipesMost, (carried - plan.connections_max) / use.workers));
  if (free < 2) {
    plan.warning = fmt::format(
        "{} descriptors are too few: {} are kept in reserve; raise the limit (ulimit -n, "
        "LimitNOFILE=)",
        use.limit, kept);
  } else if (limits.connections_max > carried) {
    plan.warning = fmt::format(
        "connections_max is {}, not {}: that is what {} descriptors carry; {} would carry it all "
        "(ulimit -n, LimitNOFILE=)",
        carried, limits.connections_max, use.limit,
        kept + 2 * size_t{limits.connections_max} + idle_wanted);
  }
  return plan;
}

}  // namespace giliran::control
