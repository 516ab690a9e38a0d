// One HTTP request with its response. Its states, read from top to bottom, are its life; enter() is
// the only writer of the state.
//
//   exchange_start.cc   limits, route, choice, queue: up to an attempt
//   exchange.cc         the attempt's events, the client's events, time-outs, endings
//   exchange_record.cc  what is written about it
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "conn/server_connection.h"
#include "proxy/admission.h"
#include "proxy/attempt.h"
#include "proxy/choose.h"
#include "proxy/server_timing.h"
#include "telemetry/record.h"

namespace giliran::proxy {

class Worker;

// How an exchange ends without an answer of a server.
struct Failure {
  telemetry::End end = telemetry::End::kInternal;
  telemetry::By by = telemetry::By::kCoordinator;
  telemetry::Phase phase = telemetry::Phase::kRequest;
  std::string_view reason = {};
  uint16_t status = 0;              // 0: the usual one
  base::Duration retry_after = {};  // 0: not said
};

class Exchange final : public conn::ServerStreamEvents, private Waiter {
 public:
  Exchange(Worker& worker, conn::ServerConnection& connection, conn::ServerStream& stream,
           const conn::RequestHead& head, const base::Slice& bytes);
  ~Exchange();

  // Routes and makes the first attempt. Called once, right after the constructor.
  void begin(const conn::RequestHead& head);

  telemetry::Phase phase_now();
  // Memory it keeps beside its client's connection. What it shares with itself counts twice.
  uint64_t held() const;
  const conn::ServerConnection& connection() const { return connection_; }

  // From its attempt.
  void on_upstream_interim(const conn::ResponseHead& head);
  void on_upstream_head(const conn::ResponseHead& head);
  void on_upstream_data(base::Slice data);
  void on_upstream_end(const conn::Fields& trailers);
  void on_upstream_credit(uint32_t bytes);
  void on_attempt_closed(const conn::StreamClosed& closed);

  // Of a request body, kept for another attempt: what may come while nobody takes any (a window and
  // one receive), so that a server that cannot be connected never costs a request.
  static constexpr uint32_t kReplayBytesMax = 2 * 65536;
  // 1xx heads of one response: they pass beside the window of a body.
  static constexpr uint32_t kInterimsMax = 32;

 private:
  enum class State : uint8_t {
    kChoosing,   // head complete; may it, where to, which endpoint?
    kQueued,     // every server it may go to has its hands full
    kWaiting,    // an attempt is under way, no response head yet
    kRelaying,   // the response head has gone out, its body follows
    kTunnel,     // raw bytes go both ways
    kAnswering,  // an answer of our own goes out
    kEnded       // recorded
  };
  enum class RequestBody : uint8_t { kComing, kEnded };
  using OwnedTrailers = std::vector<std::pair<std::string, std::string>>;
  // What all attempts spent, by phase, one behind the other up to `until`.
  struct Phases {
    base::Duration queue{telemetry::kNotReached}, connect{telemetry::kNotReached};
    base::Duration send{telemetry::kNotReached}, wait{telemetry::kNotReached};
    base::Instant until{};
  };

  // exchange_start.cc
  std::string_view kept(std::string_view part, const base::Slice& bytes) const;
  bool within_limits();
  bool routed(const conn::RequestHead& head);
  bool taken_by_route(const cluster::Route& route, const conn::RequestHead& head);
  void choose_and_attempt(const conn::RequestHead& head);
  void attempt(const conn::RequestHead& head, uint32_t index, bool fresh);
  bool tells_asker(const conn::RequestHead& head) const;
  void send_request(const conn::RequestHead& head, cluster::Endpoint& endpoint);
  void send_request_end(conn::ClientStream& upstream);
  conn::RequestHead& parse_again();
  Choice choose_now(bool waited);
  void nobody_left();
  Turn take() override;
  void on_turn(Turn turn) override;
  void leave_queue();

  // exchange.cc
  void enter(State to);
  void keep(const base::Slice& data);
  void keep_for_another(const base::Slice& data);
  void forget_body();
  void keep_trailers(const conn::Fields& trailers);
  void too_large();
  void bad_switch();
  bool tried_elsewhere(const conn::ResponseHead& head);
  void note_attempt();
  void note_tried(std::string_view how);
  void attempt_failed(const conn::StreamClosed& closed);
  bool take_back();
  void retry_or_answer(const conn::StreamClosed& closed);
  bool wanted_elsewhere(const conn::StreamClosed& closed) const;
  bool may_retry();
  void release_slot();
  void arm_timer();
  void on_deadline();
  void attempt_timed_out();
  void total_timed_out();
  void fail(const Failure& failure);
  void respond(uint16_t status, const conn::Field* fields, size_t count, std::string_view body,
               bool close);
  void drop_rest_of_request();
  void cut();

  // exchange_record.cc
  Phases phases(const conn::StreamFacts& up) const;
  void spend_attempt();
  void record_phases(base::Instant now, const conn::StreamFacts& up, telemetry::Record& r);
  void record();

  // conn::ServerStreamEvents
  void on_request_data(base::Slice data) override;
  void on_request_end(const conn::Fields& trailers) override;
  void on_response_sent(uint32_t bytes) override;
  void on_closed(const conn::StreamClosed& closed) override;

  Worker& worker_;
  conn::ServerConnection& connection_;
  conn::ServerStream& stream_;
  Attempt attempt_{*this};
  std::shared_ptr<const cluster::Listener> listener_;  // keeps what the two below point into
  const cluster::Route* route_ = nullptr;              // null: none matched
  const cluster::Pool* pool_ = nullptr;                // null before it is known
  cluster::Endpoint* slot_ = nullptr;                  // a slot of it is ours
  base::Slice head_bytes_;  // keeps the views below, and lets the head be parsed again for a retry
  std::string_view method_, target_, host_, user_agent_, referer_, upgrade_;
  std::string_view asked_proto_, asked_host_;  // of the first proxy, by a Forwarded field
  base::Address client_;                       // who asked, as far as it can be believed
  base::TraceId trace_;
  base::SpanId span_, parent_;
  base::WallTime arrived_;
  base::Instant attempt_began_{};
  base::Instant failed_at_{};  // when an answer of our own that says why began; none: never
  base::Instant total_deadline_ = base::kNoDeadline;
  base::Instant attempt_deadline_ = base::kNoDeadline;
  base::Instant queue_deadline_ = base::kNoDeadline;
  Phases spent_;  // of the attempts that were followed by another, or were to be
  net::MemberTimer<Exchange, &Exchange::on_deadline> timer_{*this};
  Tried tried_;
  std::string tried_text_;
  size_t tried_before_ = 0;          // of its bytes: without the attempt noted last
  std::vector<base::Slice> replay_;  // request body handed to the attempt, until none can follow
  std::unique_ptr<OwnedTrailers> trailers_;
  uint64_t body_bytes_max_ = 0;  // 0: no limit
  uint64_t body_in_ = 0, body_out_ = 0, up_in_ = 0, up_out_ = 0;
  uint64_t consumed_ = 0;        // of body_in_: credit given back downstream
  uint64_t attempt_credit_ = 0;  // request body bytes the attempt under way has sent
  uint32_t replay_bytes_ = 0;
  uint32_t preferred_ = kNobody;  // by the client's cookie
  uint32_t chosen_ = kNobody;
  uint32_t queued_behind_ = 0;
  uint16_t attempts_ = 0;
  uint16_t retries_ = 0;  // attempts after the first, on another endpoint
  uint16_t interims_ = 0;
  uint16_t status_ = 0;
  State state_ = State::kChoosing;
  RequestBody request_body_ = RequestBody::kComing;
  bool replayable_ = true;
  bool keep_tracestate_ = false;
  bool asks_tunnel_ = false;
  bool replaced_ = false;       // a dead reused connection was replaced once
  bool attempt_spent_ = false;  // the last attempt is in spent_
  wire::http1::Version version_;
  telemetry::End end_ = telemetry::End::kOk;
  telemetry::By by_ = telemetry::By::kNobody;
  telemetry::Phase phase_ = telemetry::Phase::kNone;
  std::string reason_;
};

}  // namespace giliran::proxy
