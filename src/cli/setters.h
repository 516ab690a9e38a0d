// Setters that several subcommands use. Each borrows what it sets.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/distribution.h"
#include "base/time.h"
#include "cli/command.h"
#include "config/listen_spec.h"
#include "telemetry/log.h"

namespace giliran::cli {

Setter set_text(std::string& out);          // not empty
Setter set_file_of_keys(std::string& out);  // read again at HUP: not "-"
Setter set_true(bool& out);
Setter set_number(uint64_t& out, uint64_t min, uint64_t max);  // also 20k, 3m
Setter set_number(uint32_t& out, uint32_t min, uint32_t max);
Setter set_bytes(uint32_t& out, uint32_t min, uint32_t max);
Setter set_duration(base::Duration& out);  // more than zero
Setter set_rate(double& out);              // per second, more than zero
Setter set_distribution(std::optional<base::Distribution>& out);
Setter set_log_full(telemetry::LogFull& out);
Setter add_text(std::vector<std::string>& out);
Setter add_listen(std::vector<config::ListenSpec>& out);

// An error where there is none, or the same address (with another port than 0) twice.
base::Result<void> check_listens(const std::vector<config::ListenSpec>& listens,
                                 std::string_view example);

}  // namespace giliran::cli
