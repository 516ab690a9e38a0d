// What all loops of one server share: what does not change while it serves, and two numbers.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "base/clock.h"
#include "conn/client_connection.h"
#include "conn/server_connection.h"
#include "server/allow_to.h"
#include "server/service_pool.h"

namespace giliran::server {

struct Site {
  std::string name;
  std::string name_line;  // name and a line end: the usual body
  AllowTo allow_to;
  uint64_t seed = 1;
  conn::ServerOptions http;
  conn::ClientOptions calls;
  base::Clock& clock;
  ServicePool& pool;
  std::atomic<uint64_t> requests = 0;     // begun, messages too: the number of the last one
  std::atomic<uint64_t> connections = 0;  // accepted

  Site(base::Clock& the_clock, ServicePool& the_pool) : clock(the_clock), pool(the_pool) {}

  uint64_t next_request() { return requests.fetch_add(1, std::memory_order_relaxed) + 1; }
  uint64_t next_connection() { return connections.fetch_add(1, std::memory_order_relaxed) + 1; }
};

}  // namespace giliran::server
