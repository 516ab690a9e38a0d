// Tells the operator, on standard error, what workers notice.
#pragma once

#include <string>

#include "net/io.h"
#include "proxy/worker.h"

namespace giliran::control {

// Told on the workers' threads, speaks on the control thread; what may come often is said at most
// once in ten seconds.
class OperatorNotices final : public proxy::Notices {
 public:
  explicit OperatorNotices(net::Io& control) : control_(control) {}

  void accept_paused(int error) override;
  void connections_full(const std::string& listener) override;
  void server_down(const cluster::Endpoint& endpoint, base::Duration left_out, int error) override;
  void server_up(const cluster::Endpoint& endpoint) override;

 private:
  bool again(base::Instant& told);

  net::Io& control_;
  base::Instant pause_told_{}, full_told_{};
};

}  // namespace giliran::control
