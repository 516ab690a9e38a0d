// Tells the operator, on standard error, what workers notice.
#pragma once

#include <atomic>
#include <string>

#include "net/io.h"
#include "proxy/worker.h"

namespace giliran::control {

// "server a refuses connections: left out for 1s"
std::string describe(const proxy::ServerTrouble& trouble);

// Told on the workers' threads, speaks on the control thread; what may come often is said at most
// once in ten seconds (of servers the workers see to that).
class OperatorNotices final : public proxy::Notices {
 public:
  explicit OperatorNotices(net::Io& control) : control_(control) {}

  void accept_paused(int error) override;
  void connections_full(const std::string& listener) override;
  void memory_full(uint32_t ended) override;
  void server_failed(const proxy::ServerTrouble& trouble) override;
  void server_up(const cluster::Endpoint& endpoint) override;

 private:
  bool again(base::Instant& told);

  net::Io& control_;
  base::Instant pause_told_{}, full_told_{}, memory_told_{};
  // What clients can bring about often waits for the control thread once, not once each time.
  std::atomic<bool> pause_posted_ = false, full_posted_ = false, memory_posted_ = false;
  std::atomic<uint64_t> ended_ = 0;  // for want of memory, since it was last told
};

}  // namespace giliran::control
