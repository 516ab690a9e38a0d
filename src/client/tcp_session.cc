#include "client/tcp_session.h"

#include <algorithm>
#include <cerrno>

#include "client/failure_text.h"

namespace giliran::client {

using telemetry::End;
using telemetry::Phase;

namespace {

constexpr size_t kJoinedBytesMax = base::BufferPool::kCapacityMax;

End end_of_connect(int error) {
  switch (error) {
    case ECONNREFUSED:
      return End::kConnectRefused;
    case ETIMEDOUT:
      return End::kConnectTimeout;
    default:
      return End::kConnectFailed;
  }
}

telemetry::By by(End end) {
  return end == End::kOk ? telemetry::By::kNobody : telemetry::By::kCoordinator;
}

std::string_view first_word(std::string_view line) {
  return line.substr(0, line.find_first_of(" \t"));
}

}  // namespace

TcpSession::TcpSession(Station& station)
    : Session(station), out_(base::Slice::of_static(station.plan.line)) {}

void TcpSession::ask() {
  asked_ = station().io.now();
  ready_to_send_ = {};
  sent_ = {};
  message_out_ = 0;
  new_flow_ = socket_.none();
  if (new_flow_) {
    open();
  } else {
    ready_to_send_ = asked_;
    send_line();
  }
}

void TcpSession::open() {
  take_address();
  connection_ = station().next_connection_number();
  connect_began_ = asked_;
  connected_ = {};
  messages_ = sequence_ = flow_out_ = flow_in_ = 0;
  local_ = {};
  parser_ = wire::line::LineParser();
  socket_ = station().io.connect(address(), {.source = station().next_source()}, *this);
}

void TcpSession::on_connected(net::SocketId, int error) {
  if (error != 0) {
    connect_failed(error);
    return fail(end_of_connect(error), Phase::kConnect, errno_name(error));
  }
  connected_ = station().io.now();
  ready_to_send_ = connected_;
  connected(connected_ - connect_began_);
  if (station().sink != nullptr) local_ = station().io.local_address(socket_);
  station().io.receive(socket_);
  send_line();
}

void TcpSession::send_line() {
  ++sequence_;
  station().io.send(socket_, {&out_, 1});
}

void TcpSession::on_sent(net::SocketId, size_t bytes, int error) {
  message_out_ += bytes;
  flow_out_ += bytes;
  if (error != 0) return fail(End::kServerClosed, Phase::kSend, errno_name(error));
  if (station().sink != nullptr) sent_ = station().io.now();
  if (!input_.empty()) read_lines();
}

void TcpSession::on_received(net::SocketId, net::Received received) {
  const bool idle = state() == State::kIdle;
  if (idle) withdraw();
  if (received.kind != net::Received::Kind::kData) {
    const bool reset = received.kind == net::Received::Kind::kError;
    const std::string_view reason = reset ? errno_name(received.error) : std::string_view();
    if (state() == State::kAsking) return fail(End::kServerClosed, Phase::kWait, reason);
    return close(reset ? End::kServerClosed : End::kOk, Phase::kData, reason);
  }
  flow_in_ += received.data.size();
  if (idle) return close(End::kBadResponse, Phase::kData, "unasked-line");
  if (input_.empty()) {
    input_ = std::move(received.data);
  } else {
    join(received.data);
  }
  read_lines();
}

// What does not fit a block is behind the longest line, so that the flow ends with it: as too long,
// or as unasked.
void TcpSession::join(const base::Slice& more) {
  const size_t bytes = size_t{input_.size()} + more.size();
  base::Buffer joined =
      station().io.buffers().take(static_cast<uint32_t>(std::min(bytes, kJoinedBytesMax)));
  joined.append(input_.view());
  joined.append(more.view());
  input_ = joined.take();
}

// A line is an answer only to a message that is wholly sent.
void TcpSession::read_lines() {
  if (station().io.sending(socket_)) return;
  const auto result = parser_.next(input_.view());
  switch (result.kind) {
    case wire::line::LineResult::Kind::kTooLong:
      return fail(End::kBadResponse, Phase::kWait, "line-too-long");
    case wire::line::LineResult::Kind::kNeedMore:
      station().io.receive(socket_);
      return;
    case wire::line::LineResult::Kind::kLine:
      break;
  }
  const base::Slice answer = input_.share(0, result.consumed);
  const std::string_view line = result.line;
  input_.drop_front(result.consumed);
  answered(line, result.consumed);
}

void TcpSession::answered(std::string_view line, uint32_t bytes) {
  const base::Instant now = station().io.now();
  ++messages_;
  Ending ending = timed(End::kOk, asked_, ready_to_send_, now);
  ending.server = station().recorder.server(first_word(line));
  ending.bytes_out = message_out_;
  ending.bytes_in = bytes;
  ending.body_bytes = line.size();
  write_message(ending, now, Phase::kNone, line, {});
  ended(ending);
  if (!input_.empty()) return close(End::kBadResponse, Phase::kData, "unasked-line");
  if (plan().new_connection) return close(End::kOk, Phase::kNone, {});
  station().io.receive(socket_);
  ready();
}

// The message in flight and its flow end with the same reason.
void TcpSession::fail(End end, Phase phase, std::string_view reason) {
  const base::Instant now = station().io.now();
  Ending ending = timed(end, asked_, ready_to_send_, now);
  ending.bytes_out = message_out_;
  ending.bytes_in = input_.size();
  write_message(ending, now, phase, {}, reason);
  ended(ending);
  close(end, phase, reason);
}

void TcpSession::on_time_over() {
  if (connected_ == base::Instant{}) {
    connect_failed(0);
    return fail(End::kConnectTimeout, Phase::kConnect, {});
  }
  fail(End::kServerTimeout, sent_ == base::Instant{} ? Phase::kSend : Phase::kWait, {});
}

bool TcpSession::leave() {
  if (socket_.none()) return false;
  close(End::kOk, Phase::kNone, {});
  return true;
}

void TcpSession::close(End end, Phase phase, std::string_view reason) {
  write_flow(end, station().io.now(), phase, reason);
  input_.reset();
  station().io.close(socket_);
}

void TcpSession::on_closed(net::SocketId) {
  socket_ = {};
  if (state() == State::kLeaving) return left();
  ready();
}

void TcpSession::write_message(const Ending& ending, base::Instant now, Phase phase,
                               std::string_view got, std::string_view reason) {
  station().last_answer = now;
  if (station().sink == nullptr) return;
  telemetry::Record record;
  record.arrived = station().wall(asked_);
  record.tier = telemetry::Tier::kClient;
  record.kind = telemetry::Kind::kMessage;
  record.end = ending.end;
  record.by = by(ending.end);
  record.phase = phase;
  record.proto = telemetry::Proto::kTcp;
  record.reused = !new_flow_;
  record.id = ticket();
  record.connection = connection_;
  record.sequence = sequence_;
  record.peer = address();
  record.local = local_;
  record.total = now - asked_;
  record.lag = lateness(ending);
  if (!new_flow_) {
    record.connect = {};
  } else if (connected_ != base::Instant{}) {
    record.connect = connected_ - connect_began_;
  } else if (phase == Phase::kConnect) {
    record.connect = now - connect_began_;
  }
  // Until its end it was in its last phase, however it ended.
  if (sent_ != base::Instant{}) {
    record.send = sent_ - ready_to_send_;
    record.wait = now - sent_;
  } else if (phase == Phase::kSend) {
    record.send = now - ready_to_send_;
  }
  record.up_out = ending.bytes_out;
  record.up_in = ending.bytes_in;
  record.body_in = ending.bytes_out == 0 ? 0 : ending.bytes_out - 1;
  record.body_out = ending.body_bytes;
  record.sent = std::string_view(plan().line).substr(0, plan().line.size() - 1);
  record.got = got;
  record.reason = reason;
  if (ending.server != kNoServer) record.server = station().recorder.server_name(ending.server);
  station().sink->write(record);
}

void TcpSession::write_flow(End end, base::Instant now, Phase phase, std::string_view reason) {
  if (station().sink == nullptr) return;
  telemetry::Record record;
  record.arrived = station().wall(connect_began_);
  record.tier = telemetry::Tier::kClient;
  record.kind = telemetry::Kind::kFlow;
  record.end = end;
  record.by = by(end);
  record.phase = phase;
  record.proto = telemetry::Proto::kTcp;
  record.id = connection_;
  record.connection = connection_;
  record.messages = messages_;
  record.peer = address();
  record.local = local_;
  record.total = now - connect_began_;
  if (connected_ != base::Instant{}) {
    record.connect = connected_ - connect_began_;
    record.data = now - connected_;
  } else if (phase == Phase::kConnect) {
    record.connect = now - connect_began_;
  }
  record.up_out = flow_out_;
  record.up_in = flow_in_;
  record.reason = reason;
  station().sink->write(record);
}

}  // namespace giliran::client
