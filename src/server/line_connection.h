// One tcp:// connection: each line is a message and gets one line back, in order, one at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/address.h"
#include "base/buffer.h"
#include "net/io.h"
#include "server/loop.h"
#include "server/outcome.h"
#include "server/turn.h"
#include "wire/line/line_parser.h"

namespace giliran::server {

constexpr uint32_t kLineBytesMax = 16384;

class LineConnection final : private net::SocketEvents, private TurnEvents {
 public:
  // Takes over the accepted socket.
  LineConnection(Loop& loop, net::SocketId socket, const base::Address& peer, uint64_t number);
  ~LineConnection();

  // Closes as soon as nothing that was received is unanswered.
  void drain();
  // Cuts now.
  void shut();

 private:
  enum class State : uint8_t {
    kReading,    // a receive is outstanding, or input_ is about to be looked at
    kServing,    // a message has its turn
    kAnswering,  // its answer is being sent
    kLingering,  // refused: the reason is out, our half is shut; reading until the peer closes
    kClosing     // waiting for on_closed, and for the thread that still has the turn
  };

  // net::SocketEvents
  void on_received(net::SocketId socket, net::Received received) override;
  void on_sent(net::SocketId socket, size_t bytes, int error) override;
  void on_hangup(net::SocketId socket) override;
  void on_closed(net::SocketId socket) override;
  // TurnEvents
  void on_turn_over(bool cut) override;

  void enter(State next);
  void on_deadline();
  void process();
  void begin_message(std::string_view line, uint32_t wire_bytes);
  void answer();
  void send_line(std::initializer_list<std::string_view> parts);
  void refuse_line();
  void end_message(const Outcome& outcome);
  // Ends the flow: a message under way ends the same way.
  void end(const Outcome& outcome, net::CloseMode mode);
  void fill(telemetry::Record& record, const Outcome& outcome) const;
  bool message_under_way() const {
    return state_ == State::kServing || state_ == State::kAnswering;
  }

  Loop& loop_;
  net::SocketId socket_;
  State state_ = State::kReading;
  bool peer_ended_ = false;  // half-closed
  bool draining_ = false;
  bool refused_ = false;  // what is being sent is the reason of a refusal
  bool faulty_ = false;
  bool socket_gone_ = false;
  base::Address peer_;
  base::Address local_;
  uint64_t number_;
  wire::line::LineParser parser_{kLineBytesMax};
  std::string input_;  // from at_ on: received and not answered
  size_t at_ = 0;
  base::Slice out_;
  Turn turn_;
  net::MemberTimer<LineConnection, &LineConnection::on_deadline> timer_{*this};
  // The flow.
  base::Instant accepted_{};
  uint64_t messages_ = 0;  // answered
  uint64_t sequence_ = 0;
  uint64_t bytes_in_ = 0;
  uint64_t bytes_out_ = 0;
  // The message under way.
  std::string_view line_;  // into input_
  uint32_t line_wire_bytes_ = 0;
  base::Instant idle_since_{};
  base::Instant first_byte_{};
  base::Instant ready_{};
  base::Instant answered_{};
};

}  // namespace giliran::server
