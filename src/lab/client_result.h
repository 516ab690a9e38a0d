// What the client says of a run: docs/formats/client_json.md, read.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "report/client_result.h"
#include "report/expect.h"

namespace giliran::lab {

// Of a distribution.
struct Times {
  base::Duration p50{}, p90{}, p99{}, p999{}, mean{};
};

struct ClientResult {
  double rate = 0;  // answers a second while requests were issued
  base::Duration elapsed{};
  uint64_t issued = 0;
  uint64_t answered = 0;
  uint64_t answered_in_all = 0;  // those of the warm-up too, by the intervals; 0: not known
  uint64_t errors = 0;           // failed, or answered with a status of 400 or more
  Times response{};              // from when it was due
  Times service{};               // from when it was sent
  bool valid = true;             // the client itself kept up
  std::string verdict = "VALID";
  double started_unix_s = 0;
};

// What thresholds are judged by; borrows the histograms.
report::Measured measured_of(const report::ClientResult& result);
ClientResult summed_up(const report::ClientResult& result);

// What happened meanwhile, by the client's clock.
struct MarkAt {
  double t_s = 0;  // since the client began
  std::string text{};
};
// The client's JSON with marks in it.
base::Result<std::string> with_marks(std::string_view json, const std::vector<MarkAt>& marks);
// The client's JSON as it is part of a lab's: without the buckets of intervals.
base::Result<std::string> without_interval_buckets(std::string_view json);

struct ClientProgress {
  double since_s = 0;
  double rate = 0;
  base::Duration p50{}, p99{};
  uint64_t errors = 0;
  struct Share {
    std::string server;
    uint64_t answers = 0;
  };
  std::vector<Share> shares;
};

// Of one line that --progress json writes.
base::Result<ClientProgress> parse_client_progress(std::string_view json);

}  // namespace giliran::lab
