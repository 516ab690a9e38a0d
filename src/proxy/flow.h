// One proxied TCP connection: bytes both ways, never parsed, with half-close and backpressure.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/ids.h"
#include "cluster/snapshot.h"
#include "net/io.h"
#include "proxy/choose.h"
#include "telemetry/record.h"

namespace giliran::proxy {

class Worker;

class Flow final : private net::SocketEvents {
 public:
  Flow(Worker& worker, size_t listener, net::SocketId socket, const base::Address& peer,
       uint64_t number);

  void shut();  // cuts it: recorded as `shutdown`

  Flow* next = nullptr;  // the worker's list of all
  Flow* previous = nullptr;

 private:
  enum class State : uint8_t {
    kConnecting,  // an attempt to connect upstream is under way
    kRelaying,    // bytes go both ways
    kClosing      // sockets closed, waiting for their on_closed
  };
  // One direction: from one socket to the other. At most one slice is under way.
  struct Half {
    net::SocketId from, to;
    base::Slice moving;
    uint64_t bytes = 0;
    bool ended = false;  // the end was passed on
  };

  void enter(State next);
  void attempt();
  void attempt_failed(int error);
  void move(Half& half);
  void pass_end(Half& half);
  void finish(telemetry::End end, telemetry::By by, telemetry::Phase phase, int error);
  void record();
  void touch();
  void on_deadline();
  void release_endpoint();
  Half& half_from(net::SocketId socket) { return socket == down_ ? up_half_ : down_half_; }
  Half& half_to(net::SocketId socket) { return socket == down_ ? down_half_ : up_half_; }

  void on_connected(net::SocketId socket, int error) override;
  void on_received(net::SocketId socket, net::Received received) override;
  void on_sent(net::SocketId socket, size_t bytes, int error) override;
  void on_hangup(net::SocketId socket) override;
  void on_closed(net::SocketId socket) override;

  Worker& worker_;
  size_t listener_;
  net::SocketId down_, up_;
  Half up_half_;    // client to server
  Half down_half_;  // server to client
  base::Address peer_, local_, upstream_local_;
  std::shared_ptr<const cluster::Pool> pool_;
  std::shared_ptr<cluster::Endpoint> endpoint_;
  Tried tried_;
  std::string tried_text_;
  base::WallTime arrived_;
  base::Instant accepted_{}, chosen_{}, connected_{};
  base::Instant deadline_ = base::kNoDeadline;
  net::MemberTimer<Flow, &Flow::on_deadline> timer_{*this};
  base::SpanId span_;
  uint64_t number_;
  int error_ = 0;
  uint16_t attempts_ = 0;
  uint8_t sockets_ = 1;  // not closed yet
  State state_ = State::kConnecting;
  bool in_flight_ = false;
  telemetry::End end_ = telemetry::End::kOk;
  telemetry::By by_ = telemetry::By::kNobody;
  telemetry::Phase phase_ = telemetry::Phase::kNone;
};

}  // namespace giliran::proxy
