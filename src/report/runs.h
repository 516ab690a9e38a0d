// The runs of clients in a log: several where one was added to (`giliran client --append`).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "telemetry/reader.h"

namespace giliran::report {

struct ClientRun {
  std::string id{};              // empty: of a client that tells none
  std::string begin{};           // when its first request began, as the log tells it
  int64_t first_ns = INT64_MAX;  // the same, since 1970
  int64_t last_ns = INT64_MIN;
  uint64_t records = 0;
  uint64_t errors = 0;  // not ok, or a status of 400 or more

  double seconds() const { return static_cast<double>(last_ns - first_ns) / 1e9; }
};

class RunTally {
 public:
  static constexpr size_t kRunsMax = 256;  // further ones are counted as one, "(others)"

  void add(const telemetry::Line& line);  // of a client; others' are passed over
  // In the order they are in the logs.
  const std::vector<ClientRun>& runs() const { return runs_; }

 private:
  ClientRun& run(std::string_view id);

  std::vector<ClientRun> runs_;
  size_t last_ = 0;  // the one that was added to
};

}  // namespace giliran::report
