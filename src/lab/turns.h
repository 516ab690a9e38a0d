// Whose turn it was: how often the coordinator's round robin gave each server a turn.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "telemetry/reader.h"

namespace giliran::lab {

struct Turn {
  std::string server;  // as the lab names it
  uint64_t count = 0;
};

class TurnCount {
 public:
  // names and addresses of the servers, in order; the coordinator's records name the addresses.
  TurnCount(std::vector<std::string> names, std::vector<std::string> addresses);

  // A coordinator's exchange or flow. Its turn belongs to the endpoint that was tried first: a
  // retry on another one spends no turn.
  void add(const telemetry::Line& line);

  const std::vector<Turn>& turns() const { return turns_; }
  uint64_t without_server() const { return without_server_; }  // no endpoint, or one not known

 private:
  std::vector<std::string> addresses_;
  std::vector<Turn> turns_;
  uint64_t without_server_ = 0;
};

// No two differ by more than one.
bool even(const std::vector<Turn>& turns);

}  // namespace giliran::lab
