#include "client/http_session.h"

#include "base/text.h"
#include "client/failure_text.h"
#include "client/server_timing.h"

namespace giliran::client {

using telemetry::End;
using telemetry::Phase;

namespace {

constexpr std::string_view kServerHeader = "X-Giliran-Server";
// The session's own deadline covers the whole request, so that the connection's never come first.
constexpr base::Duration kNever = std::chrono::hours(24);

End end_of(conn::StreamEnd end) {
  switch (end) {
    case conn::StreamEnd::kComplete:
      return End::kOk;
    case conn::StreamEnd::kConnectRefused:
      return End::kConnectRefused;
    case conn::StreamEnd::kConnectTimeout:
      return End::kConnectTimeout;
    case conn::StreamEnd::kConnectFailed:
      return End::kConnectFailed;
    case conn::StreamEnd::kPeerClosed:
    case conn::StreamEnd::kPeerReset:
      return End::kServerClosed;
    case conn::StreamEnd::kHeadTimeout:
    case conn::StreamEnd::kBodyTimeout:
    case conn::StreamEnd::kWriteTimeout:
    case conn::StreamEnd::kBodyTooSlow:
    case conn::StreamEnd::kTunnelIdle:
      return End::kServerTimeout;
    case conn::StreamEnd::kBadMessage:
      return End::kBadResponse;
    case conn::StreamEnd::kShutdown:
      return End::kShutdown;
    case conn::StreamEnd::kMemory:
      break;  // of the coordinator only
  }
  return End::kInternal;
}

telemetry::By by(End end) {
  if (end == End::kOk) return telemetry::By::kNobody;
  return end == End::kShutdown ? telemetry::By::kClient : telemetry::By::kCoordinator;
}

}  // namespace

HttpStation::HttpStation(const Plan& plan) : request(plan) {
  const size_t count = plan.sources.empty() ? 1 : plan.sources.size();
  for (size_t i = 0; i < count; ++i) {
    options_.push_back({.connect_timeout = kNever,
                        .response_timeout = kNever,
                        .body_timeout = kNever,
                        .write_timeout = kNever,
                        .source = plan.sources.empty() ? base::Address() : plan.sources[i]});
  }
}

const conn::ClientOptions& HttpStation::next_options() {
  next_ = (next_ + 1) % options_.size();
  return options_[next_];
}

void HttpSession::ask() {
  attempt_ = Attempt::kFirst;
  first_attempt_bytes_ = 0;
  asked_ = {};
  trace_ = base::TraceId::make(station().rng);
  span_ = base::SpanId::make(station().rng);
  begin_stream();
}

void HttpSession::begin_stream() {
  if (!connection_.has_value()) {
    if (attempt_ == Attempt::kFirst) asked_ = station().io.now();
    take_address();
    conn::ClientConnectionOwner& owner = *this;
    connection_.emplace(station().io, address(), station().next_connection_number(),
                        http_.next_options(), owner);
  }
  head_done_ = {};
  body_bytes_ = 0;
  server_ = kNoServer;
  status_ = 0;
  tiers_.clear();
  stream_ = &connection_->start(*this);
  if (asked_ == base::Instant{}) asked_ = stream_->facts().began;  // an idle connection
  stream_->send_head(http_.request.with(ticket(), trace_, span_));
  http_.request.send_body(*stream_, station().io.buffers());
  stream_->send_end();
}

void HttpSession::on_interim(const conn::ResponseHead&) {}

void HttpSession::on_response_head(const conn::ResponseHead& head) {
  head_done_ = stream_->facts().head_done;
  status_ = head.status;
  version_ = head.version;
  for (const conn::Field& field : head.fields.all()) {
    if (field.id == wire::http1::Name::kServerTiming) {
      read_tiers(field.value);
    } else if (field.id == wire::http1::Name::kOther && !field.value.empty() &&
               (field.name == kServerHeader ||  // nearly always, and quicker
                base::equals_ignoring_case(field.name, kServerHeader))) {
      server_ = station().recorder.server(field.value);
    }
  }
}

void HttpSession::read_tiers(std::string_view value) {
  ServerTimingReader reader(value);
  while (const auto metric = reader.next()) {
    if (!metric->took_ns) continue;
    tiers_.add(station().recorder.tier(metric->name), *metric->took_ns);
  }
}

void HttpSession::on_response_data(base::Slice data) {
  body_bytes_ += data.size();
  stream_->consume(data.size());
}

void HttpSession::on_response_end(const conn::Fields&) {}
void HttpSession::on_request_sent(uint32_t) {}

// It is dropped when it is closed.
void HttpSession::on_unusable(conn::ClientConnection&) {
  if (state() == State::kIdle) withdraw();
}

void HttpSession::on_closed(const conn::StreamClosed& closed) {
  const conn::StreamFacts& facts = stream_->facts();
  if (facts.reused && closed.retry != base::Retry::kNever && attempt_ == Attempt::kFirst) {
    attempt_ = Attempt::kSecondDue;  // on_connection_closed follows
    first_attempt_bytes_ = facts.bytes_out;
    station().recorder.retried();
    stream_ = nullptr;
    return;
  }
  const End end = end_of(closed.end);
  const std::string_view reason = end == End::kBadResponse
                                      ? wire::http1::problem_name(closed.problem)
                                      : errno_name(closed.error);
  finish(end, end == End::kOk ? Phase::kNone : phase(), reason, closed.error);
}

void HttpSession::on_time_over() {
  if (attempt_ == Attempt::kSecondDue) {  // between the attempts: nothing to abort
    const base::Instant now = station().io.now();
    Ending ending = timed(End::kServerTimeout, asked_, {}, now);
    ending.bytes_out = first_attempt_bytes_;
    write_record(ending, now, Phase::kConnect, {});
    return ended(ending);
  }
  const bool connecting = stream_->facts().connected == base::Instant{};
  const Phase where = phase();
  conn::ClientStream* const stream = stream_;
  finish(connecting ? End::kConnectTimeout : End::kServerTimeout, where, {}, 0);
  stream->abort();
}

Phase HttpSession::phase() const {
  const conn::StreamFacts& facts = stream_->facts();
  if (facts.connected == base::Instant{}) return Phase::kConnect;
  if (head_done_ != base::Instant{}) return Phase::kData;
  return facts.request_sent == base::Instant{} ? Phase::kSend : Phase::kWait;
}

// The request is over, whatever becomes of its connection.
void HttpSession::finish(End end, Phase phase, std::string_view reason, int error) {
  const conn::StreamFacts& facts = stream_->facts();
  const base::Instant now = station().io.now();
  if (facts.connected == base::Instant{}) {
    connect_failed(error);
  } else if (!facts.reused) {
    connected(connection_->connect_took());
  }
  Ending ending = timed(end, asked_, facts.connected, now);
  ending.status = status_;
  ending.server = server_;
  if (tiers_.told != 0) ending.tiers = &tiers_;
  ending.bytes_out = first_attempt_bytes_ + facts.bytes_out;
  ending.bytes_in = facts.bytes_in;
  ending.body_bytes = body_bytes_;
  write_record(ending, now, phase, reason);
  stream_ = nullptr;
  ended(ending);
}

void HttpSession::on_idle(conn::ClientConnection& connection) {
  if (plan().new_connection) return connection.shut();  // on_connection_closed follows
  ready();
}

void HttpSession::on_connection_closed(conn::ClientConnection&) {
  connection_.reset();
  switch (state()) {
    case State::kAsking:  // the server had given the idle connection up
      attempt_ = Attempt::kSecond;
      begin_stream();
      break;
    case State::kBetween:
      ready();
      break;
    case State::kLeaving:
      left();
      break;
    case State::kIdle:
    case State::kPausing:
    case State::kDone:
      break;
  }
}

bool HttpSession::leave() {
  if (!connection_.has_value()) return false;
  connection_->shut();
  return true;
}

void HttpSession::write_record(const Ending& ending, base::Instant now, Phase phase,
                               std::string_view reason) {
  station().last_answer = now;
  if (station().sink == nullptr) return;
  telemetry::Record record;
  record.arrived = station().wall(asked_);
  record.tier = telemetry::Tier::kClient;
  record.kind = telemetry::Kind::kExchange;
  record.end = ending.end;
  record.by = by(ending.end);
  record.phase = phase;
  if (version_ == wire::http1::Version::k10) record.proto = telemetry::Proto::kHttp10;
  record.status = ending.status;
  record.trace = trace_;
  record.span = span_;
  record.id = ticket();
  record.peer = address();
  record.total = now - asked_;
  record.lag = lateness(ending);
  record.up_out = ending.bytes_out;
  record.up_in = ending.bytes_in;
  record.body_out = ending.body_bytes;
  const HttpRequest::Asked asked = http_.request.asked(ticket());
  record.method = asked.method;
  record.target = asked.target;
  record.host = asked.host;
  record.reason = reason;
  if (attempt_ != Attempt::kFirst && reason.empty()) record.reason = "retried";
  if (ending.server != kNoServer) record.server = station().recorder.server_name(ending.server);
  if (stream_ != nullptr) put_phases(record, asked.body_bytes, now);
  // The time until the end belongs to the phase in which it ended; the attempt before is in none.
  if (stream_ != nullptr && ending.end != End::kOk) put_last_phase(record, now);
  station().sink->write(record);
}

void HttpSession::put_phases(telemetry::Record& record, uint64_t body_bytes,
                             base::Instant now) const {
  const conn::StreamFacts& facts = stream_->facts();
  record.peer = connection_->to();
  record.local = connection_->local();
  record.connection = facts.connection;
  record.sequence = facts.sequence;
  record.reused = facts.reused;
  constexpr base::Instant kNot{};
  if (facts.connected == kNot) return;
  record.connect = facts.reused ? base::Duration{} : connection_->connect_took();
  if (facts.request_sent != kNot) {
    record.send = facts.request_sent - facts.connected;
    record.body_in = body_bytes;
  }
  if (head_done_ == kNot) return;
  // An answer that came before the request was over waited since the connection was ready.
  const bool early = facts.request_sent == kNot || facts.request_sent > head_done_;
  record.wait = head_done_ - (early ? facts.connected : facts.request_sent);
  record.data = now - head_done_;
}

void HttpSession::put_last_phase(telemetry::Record& record, base::Instant now) const {
  const conn::StreamFacts& facts = stream_->facts();
  switch (record.phase) {
    case Phase::kConnect:
      record.connect = now - facts.began;
      break;
    case Phase::kSend:
      record.send = now - facts.connected;
      break;
    case Phase::kWait:
      record.wait = now - facts.request_sent;
      break;
    case Phase::kNone:
    case Phase::kRequest:
    case Phase::kQueue:
    case Phase::kData:
      break;
  }
}

}  // namespace giliran::client
