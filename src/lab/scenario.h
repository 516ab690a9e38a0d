// A scenario: runs, and which of them are worth comparing. Values only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "config/scheme.h"

namespace giliran::lab {

// What a request costs a server.
enum class Work : uint8_t {
  kNone,      // answered at once
  kComputes,  // uses the CPU for `work_time`
  kBlocks     // holds its thread for `work_time`, as a call to a database does
};
std::string_view name(Work work);  // "none", "computes", "blocks"

// The processes of one run: servers, a coordinator before them, and a client of many connections.
struct RunPlan {
  std::string name;  // also the folder of its logs
  config::Scheme scheme = config::Scheme::kHttp;
  Work work = Work::kNone;
  base::Duration work_time{};
  uint32_t servers = 3;
  uint32_t server_threads = 1;  // each
  uint32_t coordinator_threads = 2;
  uint32_t connections = 300;
  base::Duration duration = std::chrono::milliseconds(2500);  // how long requests are issued
};

// Two runs that differ in one number of threads.
struct Contrast {
  enum class Of : uint8_t { kServerThreads, kCoordinatorThreads };
  size_t one = 0;  // indices of runs
  size_t many = 0;
  Of of = Of::kServerThreads;
};

struct Scenario {
  std::string name;
  std::string about;  // one line
  std::vector<RunPlan> runs;
  std::vector<Contrast> contrasts;
  size_t telling = 0;  // the run whose logs are worth reading first

  // The contrast in which `run` is the one of many threads, or null.
  const Contrast* contrast_of(size_t run) const;
};

std::vector<std::string_view> scenario_names();
// A built-in scenario for a machine of so many cores (at least 1).
std::optional<Scenario> built_in(std::string_view name, uint32_t cores);

// "servers that compute 1ms, 1 thread each": what distinguishes a run.
std::string describe(const RunPlan& run);

}  // namespace giliran::lab
