// What was given to `giliran coordinator`: kept, so that a reload applies it again to the file.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "config/coordinator.h"

namespace giliran::cli {

struct CoordinatorFlags {
  std::string file;  // -c; empty: none
  std::vector<config::ListenSpec> listens;
  std::vector<config::ServerSpec> servers;
  std::string policy;
  // Single values, by flags that have the names of keys.
  std::vector<std::function<void(config::Coordinator&)>> values;
};

// The file, if there is one, with the flags on top: single values override, --listen and --server
// add to it, in and to a pool called "default". An error may have several lines.
base::Result<config::Coordinator> configured(const CoordinatorFlags& flags,
                                             std::vector<std::string>* warnings);

}  // namespace giliran::cli
