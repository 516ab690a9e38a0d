// The coordinator as a process: checks what could go wrong, opens listeners, starts workers,
// drains.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/listen_spec.h"
#include "config/server_spec.h"
#include "proxy/options.h"
#include "telemetry/log.h"

namespace giliran::control {

struct CoordinatorOptions {
  std::vector<config::ListenSpec> listens;  // at least one
  std::vector<config::ServerSpec> servers;  // at least one
  std::string policy = "round-robin";
  uint32_t threads = 0;  // workers; 0: one per processor
  std::string log;       // path, "-" or empty: none
  telemetry::LogFull log_full = telemetry::LogFull::kDrop;
  proxy::Options proxy;                                     // time-outs and limits
  base::Duration drain_timeout = std::chrono::seconds(30);  // after TERM or INT
  bool quiet = false;                                       // no plan and no summary
  uint64_t seed = 0;                                        // 0: from the kernel
};

// Runs until told to stop. Returns the exit status: 0 good, 1 failed at run time, 2 wrong before
// the start (one line on standard error says what and how to mend it).
int run_coordinator(const CoordinatorOptions& options);

}  // namespace giliran::control
