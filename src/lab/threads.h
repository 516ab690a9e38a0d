// `giliran lab threads`: the same work at 1, 2, 4, ... threads, as a scenario.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"

namespace giliran::lab {

struct ThreadsPlan {
  enum class Of : uint8_t { kServers, kCoordinator };
  enum class Work : uint8_t { kBlocks, kComputes, kNone };
  Of of = Of::kServers;
  std::optional<Work> work{};       // none: blocks of servers, none of the coordinator
  std::vector<uint32_t> threads{};  // empty: 1, 2, 4, 8, 16
  uint32_t repetitions = 3;
  base::Duration duration = std::chrono::seconds(2);
  bool operator==(const ThreadsPlan&) const = default;
};

// As the text of a scenario file.
std::string threads_scenario(const ThreadsPlan& plan);

}  // namespace giliran::lab
