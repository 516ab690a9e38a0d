// A tcp:// client: sends a line, waits for a line.
#pragma once

#include "client/session.h"
#include "wire/line/line_parser.h"

namespace giliran::client {

class TcpSession final : public Session, private net::SocketEvents {
 public:
  explicit TcpSession(Station& station);
  bool has_connection() const override { return !socket_.none(); }

 private:
  void ask() override;
  void on_time_over() override;
  bool leave() override;

  void open();
  void send_line();
  void join(const base::Slice& more);
  void read_lines();
  void answered(std::string_view line, uint32_t bytes);
  void fail(telemetry::End end, telemetry::Phase phase, std::string_view reason);
  void write_message(const Ending& ending, base::Instant now, telemetry::Phase phase,
                     std::string_view got, std::string_view reason);
  void close(telemetry::End end, telemetry::Phase phase, std::string_view reason);
  void write_flow(telemetry::End end, base::Instant now, telemetry::Phase phase,
                  std::string_view reason);

  // net::SocketEvents
  void on_connected(net::SocketId socket, int error) override;
  void on_received(net::SocketId socket, net::Received received) override;
  void on_sent(net::SocketId socket, size_t bytes, int error) override;
  void on_closed(net::SocketId socket) override;

  base::Slice out_;  // the line
  base::Slice input_;
  wire::line::LineParser parser_;

  // The flow.
  net::SocketId socket_;  // none between connections
  uint64_t connection_ = 0;
  base::Instant connect_began_{};
  base::Instant connected_{};  // zero: not yet
  uint64_t messages_ = 0;      // answered
  uint64_t sequence_ = 0;      // sent
  uint64_t flow_out_ = 0;
  uint64_t flow_in_ = 0;
  base::Address local_;

  // The message in flight.
  base::Instant asked_{};
  base::Instant ready_to_send_{};
  base::Instant sent_{};  // zero: not wholly; kept only where there is a log
  uint64_t message_out_ = 0;
  bool new_flow_ = false;  // it made its connection
};

}  // namespace giliran::client
