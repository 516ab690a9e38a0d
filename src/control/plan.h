// What the configuration comes to, resolved and checked before anything starts or changes.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/error.h"
#include "cluster/snapshot.h"
#include "proxy/options.h"

namespace giliran::control {

// Where to listen.
struct Place {
  size_t listener = 0;    // of the configuration
  base::Address address;  // resolved; the port may still be 0
  int descriptor = -1;    // of the inherited socket that was asked for by its number
};

struct Plan {
  config::Coordinator config;
  config::Limits limits;   // those of the configuration, as the descriptors carry them
  uint32_t pipes_max = 0;  // of one worker
  std::vector<std::vector<cluster::Member>> members;  // of each pool
  std::vector<Place> places;
  uint32_t workers = 1;
  uint32_t workers_wanted = 1;  // after a restart
  size_t descriptors = 0;       // the limit in force
  bool from_file = false;
  std::vector<std::string> warnings;

  // "listener 'web' (127.0.0.1:80)", for a message.
  std::string name_of(const Place& place) const;
  // For the workers.
  proxy::Options options() const;
};

// What the plan depends on besides the configuration.
struct Surroundings {
  size_t descriptors = 0;  // limit in force; 0: not known
  uint32_t processors = 1;
  uint32_t workers = 0;                                    // that run already; 0: none do
  bool from_file = false;                                  // else by flags: errors name these
  std::vector<std::pair<int, base::Address>> inherited{};  // sockets of a supervisor
};

// Resolves names (and blocks for it). An error is one line for the person at the terminal.
base::Result<Plan> make_plan(config::Coordinator config, const Surroundings& surroundings);

// The plan in a few lines, for standard error.
std::string describe(const Plan& plan);

}  // namespace giliran::control
