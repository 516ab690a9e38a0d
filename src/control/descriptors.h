// What the descriptor limit can carry: how many connections, so that the log, the signals, a reload
// and the listeners always find a descriptor. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "config/options.h"

namespace giliran::control {

// Kept for the log, the signals, a reload, the supervisor, names; each worker and each of its
// listeners take some besides.
constexpr size_t kDescriptorsKept = 64;

struct DescriptorUse {
  size_t limit = 0;  // 0: not known
  uint32_t workers = 1;
  size_t listeners = 1;
};

struct DescriptorPlan {
  uint32_t connections_max = 0;    // clients' connections, in all; 0: no limit
  uint32_t upstream_idle_max = 0;  // idle connections to servers, per worker
  uint32_t pipes_max = 0;          // of flows that are spliced, per worker
  std::string warning;             // where the limit does not carry what is configured
};

// A connection takes two descriptors, the client's and the server's; idle connections to servers
// one each, and at most a quarter of all. A pipe takes two: one in 32 of the connections that there
// could be gives way to pipes, and none where their number is configured.
DescriptorPlan plan_descriptors(const DescriptorUse& use, const config::Limits& limits);

}  // namespace giliran::control
