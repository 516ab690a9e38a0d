// What the client says of a run: docs/formats/client_json.md, read.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"

namespace giliran::lab {

struct ClientResult {
  double rate = 0;  // answers a second while requests were issued
  base::Duration elapsed{};
  uint64_t issued = 0;
  uint64_t answered = 0;
  uint64_t errors = 0;  // failed, or answered with a status of 400 or more
  base::Duration p50{}, p90{}, p99{}, p999{};
};

// Of the file that --json wrote.
base::Result<ClientResult> parse_client_result(std::string_view json);

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
