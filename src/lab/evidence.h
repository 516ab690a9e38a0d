// What the logs of one run prove.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "lab/turns.h"
#include "report/conservation.h"

namespace giliran::lab {

// What the logs say of one server.
struct ServerAccount {
  uint64_t answered = 0;        // exchanges or flows, as the coordinator has them
  uint64_t recorded = 0;        // by itself
  uint64_t not_understood = 0;  // lines of its own log
};

struct Evidence {
  std::vector<Turn> turns;
  std::vector<ServerAccount> accounts{};  // of the servers, in the same order
  uint64_t without_server = 0;
  uint64_t records = 0;
  uint64_t not_understood = 0;  // lines of the logs that are no records
  uint64_t log_bytes = 0;
  report::Conservation conservation;
  std::string where_time_goes;  // a sentence
  std::string report;           // what `giliran report` says of these logs

  bool turns_even() const { return without_server == 0 && even(turns); }
  bool conserved() const { return not_understood == 0 && conservation.conserved(); }
  // But for the last records of these servers, which were killed.
  bool conserved_without(std::span<const std::string> killed) const;
};

// Reads all logs of a run (those of every process) whose servers had these addresses.
base::Result<Evidence> read_evidence(const std::vector<std::string>& logs,
                                     const std::vector<std::string>& server_names,
                                     const std::vector<std::string>& server_addresses);

}  // namespace giliran::lab
