// What has to hold between keys: names that are unique or exist, routes that can be reached.
#pragma once

#include <span>
#include <string_view>

#include "config/coordinator.h"
#include "config/reader.h"

namespace giliran::config {

struct CrossCheck {
  // Names of policies; empty: not checked.
  std::span<const std::string_view> policies{};
  // A pool that is made, or filled, by flags later: it may be named and may have no server yet.
  std::string_view later_pool{};
};

// Adds problems and warnings to `reader`. file: what `config` was read from, element by element,
// for the positions; null for flags.
void cross_check(const Coordinator& config, const Value* file, const CrossCheck& options,
                 Reader& reader);

}  // namespace giliran::config
