// One proxied TCP connection: bytes both ways, never parsed, with half-close and backpressure.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/ids.h"
#include "cluster/snapshot.h"
#include "conn/server_connection.h"
#include "net/io.h"
#include "proxy/admission.h"
#include "proxy/choose.h"
#include "telemetry/record.h"

namespace giliran::proxy {

class Worker;

class Flow final : private net::SocketEvents, private Waiter {
 public:
  // over_limit: one connection too many, recorded and closed.
  Flow(Worker& worker, size_t listener, net::SocketId socket, const base::Address& peer,
       uint64_t number, conn::Arrival arrival, bool over_limit);

  size_t listener() const { return listener_; }

  void shut();            // cuts it: recorded as `shutdown`
  bool give_up_memory();  // likewise: recorded as `limit`; false: it is closing already
  // Memory it keeps.
  uint64_t held() const {
    return uint64_t{up_half_.moving.block_capacity()} + down_half_.moving.block_capacity() +
           first_[0].block_capacity() + first_[1].block_capacity();
  }

  Flow* next = nullptr;  // the worker's list of all
  Flow* previous = nullptr;

 private:
  enum class State : uint8_t {
    kQueued,      // every server has its hands full
    kConnecting,  // an attempt to connect upstream is under way
    kRelaying,    // bytes go both ways
    kClosing      // sockets closed, waiting for their on_closed
  };
  // One direction: from one socket to the other. At most one slice is under way, or one splice.
  struct Half {
    net::SocketId from, to;
    base::Slice moving;
    uint64_t bytes = 0;
    uint8_t large = 0;   // receives in a row that brought much
    bool ended = false;  // the end was passed on
  };

  void enter(State next);
  void choose_and_attempt();
  void attempt();
  void nobody_left();
  Turn take() override;
  void on_turn(Turn turn) override;
  void attempt_failed(int error);
  void read(Half& half);
  void pass_end(Half& half);
  void finish(telemetry::End end, telemetry::By by, telemetry::Phase phase, int error);
  void record();
  void touch();
  base::Instant last_progress() const;
  void on_deadline();
  void release_slot();
  bool may_retry();
  telemetry::Phase phase_now() const;
  bool send_first();
  Half& half_from(net::SocketId socket) { return socket == down_ ? up_half_ : down_half_; }
  Half& half_to(net::SocketId socket) { return socket == down_ ? down_half_ : up_half_; }

  void on_connected(net::SocketId socket, int error) override;
  void on_received(net::SocketId socket, net::Received received) override;
  void on_sent(net::SocketId socket, size_t bytes, int error) override;
  void on_spliced(net::SocketId from, net::Spliced spliced) override;
  void on_hangup(net::SocketId socket) override;
  void on_closed(net::SocketId socket) override;

  Worker& worker_;
  size_t listener_;
  net::SocketId down_, up_;
  Half up_half_;    // client to server
  Half down_half_;  // server to client
  base::Address peer_, client_, local_, upstream_local_;
  std::shared_ptr<const cluster::Pool> pool_;
  cluster::Endpoint* endpoint_ = nullptr;  // of pool_; null before the first attempt
  Tried tried_;
  std::string tried_text_;
  base::WallTime arrived_;
  base::Instant accepted_{}, chosen_{}, connected_{};
  base::Instant deadline_ = base::kNoDeadline;
  net::MemberTimer<Flow, &Flow::on_deadline> timer_{*this};
  base::SpanId span_;
  uint64_t number_;
  // Bytes that go up before what the client sends: a PROXY header of ours, what came behind one of
  // the client's.
  base::Slice first_[2];
  uint32_t header_bytes_ = 0;  // of ours: not the client's bytes
  int error_ = 0;
  uint32_t chosen_index_ = kNobody;
  uint32_t queued_behind_ = 0;
  uint16_t attempts_ = 0;
  uint8_t sockets_ = 1;  // not closed yet
  State state_ = State::kConnecting;
  bool in_flight_ = false;
  telemetry::End end_ = telemetry::End::kOk;
  telemetry::By by_ = telemetry::By::kNobody;
  telemetry::Phase phase_ = telemetry::Phase::kNone;
};

}  // namespace giliran::proxy
