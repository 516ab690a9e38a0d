// The keys of a scenario file, and what is read by them before it is put together and checked.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/key.h"
#include "config/key_rows.h"
#include "lab/scenario.h"

namespace giliran::lab {

// [[servers]]: equal servers.
struct ServerGroup {
  std::string name{};
  std::optional<uint32_t> count{};  // none: 1 where it has a name, else kServersDefault
  ServerPlan like{};
};
constexpr uint32_t kServersDefault = 3;

// [[timeline]]
struct EventDraft {
  base::Duration at{-1};
  Action action = Action::kKill;
  std::vector<std::string> servers{};  // of servers or groups
  std::optional<uint32_t> weight{};
  std::optional<double> rate{};
  server::Character character{};  // of it, what is given; all of it where it was made of an Event
};

// What one run is made of, and what [[run]] may have instead of the file's.
struct Body {
  config::Scheme scheme = config::Scheme::kHttp;
  config::Coordinator coordinator = RunPlan::default_coordinator();
  std::vector<ServerGroup> servers{};  // empty: kServersDefault equal ones
  ClientPlan client{};
  std::vector<EventDraft> timeline{};
  std::vector<std::string> expect{};
};

// The top of the file, less what Body has; [[run]] and [vary] stay as they are written.
struct Head {
  std::string name{};
  std::string about{};
  std::string look_for{};
  uint32_t repetitions = 1;
  uint64_t seed = 0;
  std::string telling{};
};

constexpr size_t kScenarioNameMax = 80;  // of scenarios, runs and servers
base::Result<std::string> to_plain_name(const config::Value& value);

// A number of threads, as it stands or of cores: "cores", "2*cores". As a list of what varies too.
std::optional<uint64_t> of_cores(std::string_view text, uint32_t cores);

std::span<const config::Key<Head>> head_keys();
std::span<const config::Key<Body>> body_keys();
std::span<const config::Key<ServerGroup>> server_group_keys();
std::span<const config::Key<EventDraft>> event_keys();
std::span<const config::Key<ClientPlan>> client_keys();
std::span<const config::Key<config::Coordinator>> coordinator_keys();

// For docs/scenarios.md.
const std::vector<config::KeyRow>& scenario_rows();
std::string scenario_key_tables();

// A section that has a key of this name, or an empty text.
std::string scenario_section_with(std::string_view name);

}  // namespace giliran::lab
