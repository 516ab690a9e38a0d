// What all loops of one server share: its character, unchanging while it serves, and two numbers.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/distribution.h"
#include "conn/client_connection.h"
#include "conn/server_connection.h"
#include "server/allow_to.h"
#include "server/ask.h"
#include "server/fault.h"
#include "server/service_pool.h"

namespace giliran::server {

// What fell to one request: drawn from the seed and its number, so that the same requests in the
// same order fare the same whatever the threads.
struct Lot {
  bool fault = false;
  bool needs_thread = false;
  base::Duration hold{};   // the delay, where it holds the thread
  base::Duration work{};   // CPU time on the thread
  base::Duration delay{};  // the delay, where a timer makes it: after the work
};

struct Site {
  std::string name;
  std::string name_line;  // name and a line end: the usual body
  base::Distribution delay;
  base::Distribution work;
  bool blocking = false;
  FaultSpec fail;
  std::optional<uint64_t> body_bytes;
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
  // asked_delay, asked_work: of the query; null: the server's own.
  Lot draw(uint64_t number, const base::Distribution* asked_delay,
           const base::Distribution* asked_work) const;
};

}  // namespace giliran::server
