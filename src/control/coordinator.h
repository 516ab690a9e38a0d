// The coordinator as a process: checks what could go wrong, opens listeners, starts workers,
// drains.
#pragma once

#include <functional>

#include "base/error.h"
#include "config/coordinator.h"

namespace giliran::control {

struct CoordinatorOptions {
  config::Coordinator config;
  // Reads the file again and applies the flags again: what HUP asks for. Empty without a file.
  std::function<base::Result<config::Coordinator>()> reload;
};

// Runs until told to stop. Returns the exit status: 0 good, 1 failed at run time, 2 wrong before
// the start (one line on standard error says what and how to mend it).
int run_coordinator(const CoordinatorOptions& options);

}  // namespace giliran::control
