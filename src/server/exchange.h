// One HTTP request on the server, from its head to its record.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "conn/stream.h"
#include "server/ask.h"
#include "server/fan_out.h"
#include "server/loop.h"
#include "server/outcome.h"
#include "server/turn.h"

namespace giliran::server {

class Exchange final : public conn::ServerStreamEvents, private TurnEvents, private FanOutEvents {
 public:
  Exchange(Loop& loop, HttpPeer& peer, conn::ServerStream& stream);

  // Once, with the head the stream began with.
  void begin(const conn::RequestHead& head, const base::Slice& bytes);

 private:
  enum class State : uint8_t {
    kReading,    // the request is not complete
    kServing,    // its turn: waiting for a thread, working, delayed
    kCalling,    // calls to other servers are under way
    kAnswering,  // the response head is out
    kGone        // the stream is over; a thread still has the turn
  };
  enum class Source : uint8_t {
    kLiteral,  // the body is literal_
    kText,     // text_
    kPattern,  // as many bytes as were asked for
    kEcho      // what the request's is
  };

  // conn::ServerStreamEvents
  void on_request_data(base::Slice data) override;
  void on_request_end(const conn::Fields& trailers) override;
  void on_response_sent(uint32_t bytes) override;
  void on_closed(const conn::StreamClosed& closed) override;
  // TurnEvents, FanOutEvents
  void on_turn_over(bool cut) override;
  void on_fan_out_over(FanOut& fan_out) override;

  void enter(State next);
  void read_ask(const conn::RequestHead& head);
  void read_targets(const conn::RequestHead& head);
  void serve();
  void after_turn();
  void call_others();
  void fail_on_purpose();
  void answer();
  void answer_text(uint16_t status, std::string text, std::string_view type);
  void send_head(uint16_t status, std::string_view type, conn::BodyLength length);
  void start_body();
  void send_body();
  base::Slice next_piece();
  void cut_connection(const Outcome& outcome);
  void write_record(const Outcome& outcome);
  telemetry::Phase phase() const;

  static constexpr uint32_t kWindowBytes = 256 * 1024;  // of response body on its way

  Loop& loop_;
  HttpPeer& peer_;
  conn::ServerStream& stream_;
  State state_ = State::kReading;
  Source source_ = Source::kLiteral;
  telemetry::Proto proto_ = telemetry::Proto::kHttp11;
  bool faulty_ = false;  // failed on purpose
  bool request_ended_ = false;
  bool body_ended_ = false;  // send_end() was called
  uint8_t depth_ = 0;        // of fan-outs above this one
  uint8_t trace_flags_ = 1;
  uint16_t status_ = 0;
  base::TraceId trace_;
  base::SpanId parent_;
  base::SpanId span_;
  base::Slice head_bytes_;  // keeps the views alive
  std::string_view method_, target_, host_;
  Ask ask_;
  std::optional<Refusal> refusal_;
  Lot lot_;
  Turn turn_;
  std::vector<Target> targets_;
  FanOut* fan_out_ = nullptr;  // the loop's; null unless under way
  base::Instant ready_{};      // the request was complete (an echo's: its head)
  base::Instant answered_{};   // the response head went out
  base::Duration service_{};
  conn::BodyLength echo_length_;
  std::vector<base::Slice> echo_;  // came before the answer began
  std::string_view literal_;       // static, or the site's
  std::string text_;
  uint64_t body_left_ = 0;  // not handed over yet
  uint64_t body_in_ = 0;
  uint64_t body_out_ = 0;
  uint32_t in_flight_ = 0;
};

}  // namespace giliran::server
