// One HTTP request with its response. Its states, read from top to bottom, are its life; enter() is
// the only writer of the state.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/ids.h"
#include "conn/server_connection.h"
#include "proxy/attempt.h"
#include "proxy/choose.h"
#include "telemetry/record.h"

namespace giliran::proxy {

class Worker;
struct FieldList;

class Exchange final : public conn::ServerStreamEvents {
 public:
  Exchange(Worker& worker, conn::ServerConnection& connection, conn::ServerStream& stream,
           const conn::RequestHead& head, const base::Slice& bytes);
  ~Exchange();

  // Routes and makes the first attempt. Called once, right after the constructor.
  void begin(const conn::RequestHead& head);

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

 private:
  enum class State : uint8_t {
    kChoosing,   // head complete; which endpoint?
    kWaiting,    // an attempt is under way, no response head yet
    kRelaying,   // the response head has gone out, its body follows
    kAnswering,  // an answer of our own goes out
    kEnded       // recorded
  };
  enum class RequestBody : uint8_t { kComing, kEnded };

  void enter(State next);
  void choose_and_attempt(const conn::RequestHead& head);
  void attempt(const conn::RequestHead& head, std::shared_ptr<cluster::Endpoint> endpoint,
               bool fresh);
  void send_request(const conn::RequestHead& head, cluster::Endpoint& endpoint);
  void retry(bool same_endpoint);
  void note_attempt();
  void answer(uint16_t status, telemetry::End end, telemetry::By by, telemetry::Phase phase,
              std::string_view reason);
  void cut();
  void record();
  telemetry::Phase phase_now();

  // conn::ServerStreamEvents
  void on_request_data(base::Slice data) override;
  void on_request_end(const conn::Fields& trailers) override;
  void on_response_sent(uint32_t bytes) override;
  void on_closed(const conn::StreamClosed& closed) override;

  Worker& worker_;
  conn::ServerConnection& connection_;
  conn::ServerStream& stream_;
  Attempt attempt_{*this};
  std::shared_ptr<const cluster::Pool> pool_;
  base::Slice head_bytes_;  // keeps the views below, and lets the head be parsed again for a retry
  std::string_view method_, target_, host_;
  base::TraceId trace_;
  base::SpanId span_, parent_;
  base::WallTime arrived_;
  base::Instant attempt_began_{};  // the first
  base::Duration connect_{telemetry::kNotReached};
  Tried tried_;
  std::string tried_text_;
  std::vector<base::Slice> replay_;  // request body handed to the attempt
  uint32_t replay_bytes_ = 0;
  uint64_t body_in_ = 0, body_out_ = 0, up_in_ = 0, up_out_ = 0;
  uint64_t consumed_ = 0;        // of body_in_: credit given back downstream
  uint64_t attempt_credit_ = 0;  // request body bytes the attempt under way has sent
  uint16_t attempts_ = 0;
  uint16_t status_ = 0;
  State state_ = State::kChoosing;
  RequestBody request_body_ = RequestBody::kComing;
  bool replayable_ = true;
  bool keep_tracestate_ = false;
  bool replaced_ = false;  // a dead reused connection was replaced once
  wire::http1::Version version_;
  telemetry::End end_ = telemetry::End::kOk;
  telemetry::By by_ = telemetry::By::kNobody;
  telemetry::Phase phase_ = telemetry::Phase::kNone;
  std::string reason_;
};

}  // namespace giliran::proxy
