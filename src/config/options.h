// Time-outs and limits of the data plane, each with its name, unit and default. The names are those
// of the flags and of the keys in a file: connect_timeout is --connect-timeout and
// `[timeouts] connect_timeout`.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace giliran::config {

struct Timeouts {
  base::Duration connect_timeout = std::chrono::seconds(5);    // one attempt to connect to a server
  base::Duration head_timeout = std::chrono::seconds(10);      // a request's head, PROXY header too
  base::Duration response_timeout = std::chrono::seconds(60);  // request sent -> response head
  base::Duration body_timeout = std::chrono::seconds(60);      // a body that stops
  base::Duration write_timeout = std::chrono::seconds(60);     // a reader that stops
  base::Duration idle_timeout = std::chrono::seconds(60);      // a client between two requests
  // Idle connections to servers: below the 5 s at which many servers close.
  base::Duration upstream_idle_timeout = std::chrono::seconds(4);
  base::Duration flow_idle_timeout = std::chrono::minutes(10);  // tcp:// flows
  base::Duration tunnel_idle_timeout = std::chrono::hours(1);   // after an upgrade or CONNECT
  // From the first byte of a request to the last of its response, all attempts and the queue
  // included; not of tunnels. 0: none.
  base::Duration total_timeout{0};
  // One attempt, from its begin to the response head. 0: none.
  base::Duration attempt_timeout{0};
  // TCP: a peer that acknowledges nothing of what was sent for so long is gone (TCP_USER_TIMEOUT).
  // Linux also counts the time in which it acknowledges but keeps its window shut: longer than
  // write_timeout, so that a reader that pauses is that one's.
  base::Duration unacknowledged_timeout = std::chrono::minutes(2);
  // TCP keepalive: first probe after so long without a byte; 0: none.
  base::Duration keepalive_idle = std::chrono::minutes(2);
  bool operator==(const Timeouts&) const = default;
};

struct Limits {
  // Clients' connections, in all. 0: what the descriptors allow, less a reserve.
  uint32_t connections_max = 0;
  uint32_t head_bytes_max = 16384;  // of a request: start line and fields, with line ends
  uint32_t target_bytes_max = 8192;
  uint32_t fields_max = 100;
  uint64_t body_bytes_max = 0;               // of a request; 0: no limit
  uint32_t requests_per_connection_max = 0;  // 0: no limit
  uint64_t memory_max = uint64_t{1} << 30;   // buffers of all workers, in bytes; 0: no limit
  // A request body slower than this on average, in bytes per second, once it has taken
  // body_rate_grace, is given up (slow loris). 0: no limit.
  uint32_t body_rate_min = 100;
  base::Duration body_rate_grace = std::chrono::seconds(20);
  double request_rate_max = 0;        // per second and client address (IPv6: its /64); 0: no limit
  uint32_t request_burst = 0;         // so many at once above the rate; 0: one second's worth
  uint32_t upstream_idle_max = 1024;  // idle connections to servers, per worker
  bool operator==(const Limits&) const = default;
};

}  // namespace giliran::config
