// Time-outs and limits of the data plane, each with its name, unit and default.
#pragma once

#include <cstdint>

#include "base/time.h"
#include "health/backoff.h"
#include "wire/http1/head.h"

namespace giliran::proxy {

struct Options {
  base::Duration connect_timeout = std::chrono::seconds(5);  // --connect-timeout: one attempt
  base::Duration head_timeout = std::chrono::seconds(10);    // --head-timeout: a request's head
  base::Duration response_timeout =
      std::chrono::seconds(60);                             // --response-timeout: its response head
  base::Duration body_timeout = std::chrono::seconds(60);   // --body-timeout: a body that stops
  base::Duration write_timeout = std::chrono::seconds(60);  // --write-timeout: a reader that stops
  base::Duration idle_timeout =
      std::chrono::seconds(60);  // --idle-timeout: client between requests
  base::Duration upstream_idle_timeout =
      std::chrono::seconds(4);  // idle connections to servers: below
                                // the 5 s at which many servers close
  base::Duration flow_idle_timeout = std::chrono::minutes(10);  // --flow-idle-timeout: tcp:// flows
  uint32_t upstream_idle_max =
      1024;                        // --upstream-idle-max: idle connections to servers, per worker
  wire::http1::HeadLimits limits;  // --head-bytes-max, --fields-max
  health::BackoffOptions backoff;
};

}  // namespace giliran::proxy
