#include "server/line_connection.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/assert.h"

namespace giliran::server {
namespace {

using telemetry::By;
using telemetry::End;

constexpr base::Duration kWriteTimeout = std::chrono::seconds(30);  // the peer takes nothing
constexpr base::Duration kLinger = std::chrono::seconds(2);

}  // namespace

LineConnection::LineConnection(Loop& loop, net::SocketId socket, const base::Address& peer,
                               uint64_t number)
    : loop_(loop),
      socket_(socket),
      peer_(peer),
      number_(number),
      turn_(loop.io(), loop.site().pool, *this) {
  net::Io& io = loop_.io();
  io.own(socket_, *this);
  local_ = io.local_address(socket_);
  accepted_ = io.now();
  idle_since_ = accepted_;
  io.watch_hangup(socket_);
  io.receive(socket_);
}

LineConnection::~LineConnection() = default;

void LineConnection::enter(State next) {
  switch (next) {
    case State::kReading:
      GILIRAN_ASSERT(state_ == State::kAnswering);
      break;
    case State::kServing:
      GILIRAN_ASSERT(state_ == State::kReading);
      break;
    case State::kAnswering:
      GILIRAN_ASSERT(state_ == State::kServing || state_ == State::kReading);
      break;
    case State::kLingering:
      GILIRAN_ASSERT(state_ == State::kAnswering);
      break;
    case State::kClosing:
      GILIRAN_ASSERT(state_ != State::kClosing);
      break;
  }
  state_ = next;
}

// --- reading ---

void LineConnection::on_received(net::SocketId, net::Received received) {
  if (state_ == State::kLingering) {
    if (received.kind == net::Received::Kind::kData) {
      loop_.io().receive(socket_);
    } else {
      end({.end = End::kBadRequest, .by = By::kClient, .reason = "line-too-long"},
          net::CloseMode::kGraceful);
    }
    return;
  }
  switch (received.kind) {
    case net::Received::Kind::kData:
      bytes_in_ += received.data.size();
      if (at_ == input_.size()) first_byte_ = loop_.io().now();
      input_.erase(0, at_);
      at_ = 0;
      input_.append(received.data.view());
      break;
    case net::Received::Kind::kEnd:
      peer_ended_ = true;
      break;
    case net::Received::Kind::kError:
      end({.end = End::kClientClosed, .by = By::kClient, .reason = error_name(received.error)},
          net::CloseMode::kReset);
      return;
  }
  process();
}

// In kReading: looks at what is there and begins the next message, asks for more, or ends.
void LineConnection::process() {
  const std::string_view rest = std::string_view(input_).substr(at_);
  const wire::line::LineResult result = parser_.next(rest);
  switch (result.kind) {
    case wire::line::LineResult::Kind::kLine:
      begin_message(result.line, result.consumed);
      return;
    case wire::line::LineResult::Kind::kTooLong:
      refuse_line();
      return;
    case wire::line::LineResult::Kind::kNeedMore:
      break;
  }
  if (peer_ended_ && !rest.empty()) {
    // The last line came without its end: `printf hello | nc` is answered too.
    begin_message(rest, static_cast<uint32_t>(rest.size()));
  } else if (peer_ended_ || (draining_ && rest.empty())) {
    end({}, net::CloseMode::kGraceful);
  } else {
    if (rest.empty() && input_.capacity() > 4096) input_ = {};  // an idle connection holds little
    if (rest.empty()) at_ = input_.size();
    loop_.io().receive(socket_);
  }
}

// --- a message ---

void LineConnection::begin_message(std::string_view line, uint32_t wire_bytes) {
  ++sequence_;
  ready_ = loop_.io().now();
  line_ = line;
  line_wire_bytes_ = wire_bytes;
  at_ += wire_bytes;
  enter(State::kServing);
  const Lot lot = loop_.draw(nullptr, nullptr);
  faulty_ = lot.fault;
  if (faulty_ && lot.fault_kind == FaultSpec::Kind::kReset) {
    end({.end = End::kFault, .by = By::kServer, .reason = "reset"}, net::CloseMode::kReset);
  } else if (faulty_) {
    answered_ = ready_;
    send_line({"error ", fmt::to_string(lot.fault_status), " from ", loop_.site().name});
  } else if (turn_.start(ready_, lot)) {
    answer();
  }
}

void LineConnection::on_turn_over(bool cut) {
  if (state_ == State::kClosing) {
    if (socket_gone_) loop_.line_over(*this);
  } else if (cut) {
    shut();
  } else {
    answer();
  }
}

void LineConnection::answer() {
  answered_ = loop_.io().now();
  send_line({loop_.site().name, " ", line_});
}

void LineConnection::send_line(std::initializer_list<std::string_view> parts) {
  size_t size = 1;
  for (const std::string_view part : parts) size += part.size();
  net::Io& io = loop_.io();
  base::Buffer buffer = io.buffers().take(static_cast<uint32_t>(size));
  for (const std::string_view part : parts) buffer.append(part);
  buffer.append("\n");
  out_ = buffer.take();
  enter(State::kAnswering);
  io.send(socket_, {&out_, 1});
  io.arm(timer_, kWriteTimeout);
}

void LineConnection::refuse_line() {
  refused_ = true;
  const std::string text = fmt::format("error: a line of more than {} bytes", kLineBytesMax);
  send_line({text});
}

void LineConnection::on_sent(net::SocketId, size_t bytes, int error) {
  bytes_out_ += bytes;
  net::Io& io = loop_.io();
  io.timers().disarm(timer_);
  if (error != 0) {
    end({.end = End::kClientClosed, .by = By::kClient, .reason = error_name(error)},
        net::CloseMode::kReset);
    return;
  }
  if (refused_) {
    out_.reset();
    enter(State::kLingering);
    io.shutdown_send(socket_);
    io.arm(timer_, kLinger);
    io.receive(socket_);
    return;
  }
  ++messages_;
  end_message(faulty_ ? Outcome{.end = End::kFault, .by = By::kServer, .reason = {}} : Outcome{});
  out_.reset();
  enter(State::kReading);
  idle_since_ = io.now();
  first_byte_ = idle_since_;  // of what is here already
  process();
}

// --- the end ---

void LineConnection::on_deadline() {
  if (state_ == State::kLingering) {
    end({.end = End::kBadRequest, .by = By::kClient, .reason = "line-too-long"},
        net::CloseMode::kGraceful);
  } else {
    end({.end = End::kClientTimeout, .by = By::kClient, .reason = "write-timeout"},
        net::CloseMode::kReset);
  }
}

void LineConnection::on_hangup(net::SocketId) {
  if (state_ == State::kLingering) return;  // the receive under way tells the rest
  end({.end = End::kClientClosed, .by = By::kClient, .reason = "ECONNRESET"},
      net::CloseMode::kReset);
}

void LineConnection::drain() {
  draining_ = true;
  if (state_ == State::kReading && at_ == input_.size()) end({}, net::CloseMode::kGraceful);
}

void LineConnection::shut() {
  if (state_ == State::kClosing) return;
  end({.end = End::kShutdown, .by = By::kServer, .reason = {}}, net::CloseMode::kReset);
}

void LineConnection::fill(telemetry::Record& record, const Outcome& outcome) const {
  record.end = outcome.end;
  record.by = outcome.by;
  record.reason = outcome.reason;
  record.proto = telemetry::Proto::kTcp;
  record.peer = peer_;
  record.local = local_;
  record.connection = number_;
}

void LineConnection::end_message(const Outcome& outcome) {
  telemetry::Record record;
  record.kind = telemetry::Kind::kMessage;
  fill(record, outcome);
  if (loop_.logging()) {
    const base::Instant now = loop_.io().now();
    const bool answered = state_ == State::kAnswering;
    if (outcome.end != End::kOk) {
      record.phase = answered                     ? telemetry::Phase::kData
                     : turn_.waiting_for_thread() ? telemetry::Phase::kQueue
                                                  : telemetry::Phase::kWait;
    }
    record.sequence = sequence_;
    record.idle = std::max(first_byte_ - idle_since_, base::Duration{});
    record.head = ready_ - first_byte_;
    record.queue = turn_.queued();
    record.down_in = line_wire_bytes_;
    if (answered) {
      record.service = turn_.served();
      record.data = now - answered_;
      record.down_out = out_.size();
    }
    record.total = now - first_byte_;
  }
  loop_.finish(record);
}

void LineConnection::end(const Outcome& outcome, net::CloseMode mode) {
  if (message_under_way() && !refused_) end_message(outcome);
  telemetry::Record record;
  record.kind = telemetry::Kind::kFlow;
  fill(record, outcome);
  record.messages = messages_;
  record.down_in = bytes_in_;
  record.down_out = bytes_out_;
  record.total = loop_.io().now() - accepted_;
  record.data = record.total;
  loop_.finish(record);
  loop_.io().timers().disarm(timer_);
  enter(State::kClosing);
  loop_.io().close(socket_, mode);
}

void LineConnection::on_closed(net::SocketId) {
  socket_gone_ = true;
  out_.reset();
  if (turn_.abandon()) loop_.line_over(*this);
}

}  // namespace giliran::server
