#include "proxy/exchange.h"

#include <fmt/format.h>

#include <cstring>

#include "proxy/forward.h"
#include "proxy/worker.h"
#include "wire/http1/parser.h"

namespace giliran::proxy {
namespace {

using telemetry::By;
using telemetry::End;
using telemetry::Phase;

conn::BodyLength body_length(wire::http1::Framing framing, uint64_t content_length) {
  switch (framing) {
    case wire::http1::Framing::kNone:
      return conn::BodyLength::none();
    case wire::http1::Framing::kLength:
      return conn::BodyLength::known(content_length);
    case wire::http1::Framing::kChunked:
    case wire::http1::Framing::kUntilClose:
      return conn::BodyLength::unknown();
  }
  return {};
}

// What is announced for a response without a body of its own (HEAD, 304) is announced unchanged.
conn::BodyLength response_length(const conn::ResponseHead& head, std::string_view method) {
  if (head.framing != wire::http1::Framing::kNone) {
    return body_length(head.framing, head.content_length);
  }
  if (head.has_content_length) return conn::BodyLength::known(head.content_length);
  return method == "HEAD" ? conn::BodyLength::unknown() : conn::BodyLength::none();
}

// How a failed attempt would be recorded if it stayed the last.
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
  }
  return End::kInternal;
}

uint16_t status_of(End end) {
  switch (end) {
    case End::kConnectTimeout:
    case End::kServerTimeout:
    case End::kTotalTimeout:
      return 504;
    case End::kServerClosed:
    case End::kBadResponse:
      return 502;
    case End::kInternal:
      return 500;
    case End::kRateLimited:
      return 429;
    case End::kBodyTooLarge:
      return 413;
    case End::kDenied:
      return 403;
    case End::kOk:
    case End::kClientClosed:
    case End::kClientTimeout:
    case End::kBadRequest:
    case End::kNoServer:
    case End::kConnectRefused:
    case End::kConnectFailed:
    case End::kFault:
    case End::kLimit:
    case End::kQueueTimeout:
    case End::kQueueFull:
    case End::kIdleTimeout:
    case End::kShutdown:
      return 503;
  }
  return 500;
}

bool connect_failure(conn::StreamEnd end) {
  return end == conn::StreamEnd::kConnectRefused || end == conn::StreamEnd::kConnectTimeout ||
         end == conn::StreamEnd::kConnectFailed;
}

// A client on a Unix socket has no address to pass on (RFC 7239, 6.3 calls that one "unknown").
std::string_view forwarded_for(const base::Address& peer, char* out) {
  if (peer.is_unix()) return "unknown";
  return {out, peer.format_host(out)};
}

std::string_view reason_of(const conn::StreamClosed& closed) {
  if (closed.problem != wire::http1::Problem::kNone) {
    return wire::http1::problem_name(closed.problem);
  }
  const char* text = closed.error == 0 ? nullptr : strerrorname_np(closed.error);
  return text == nullptr ? std::string_view() : std::string_view(text);
}

}  // namespace

Exchange::Exchange(Worker& worker, conn::ServerConnection& connection, conn::ServerStream& stream,
                   const conn::RequestHead& head, const base::Slice& bytes)
    : worker_(worker),
      connection_(connection),
      stream_(stream),
      head_bytes_(bytes.share()),
      method_(head.method),
      target_(head.target),
      host_(head.host),
      version_(head.version) {
  const conn::StreamFacts& facts = stream_.facts();
  arrived_ = {worker_.io().clock().wall().ns - (facts.head_done - facts.first_byte).count()};
  const auto parent = base::TraceParent::parse(head.fields.find(wire::http1::Name::kTraceparent));
  keep_tracestate_ = parent.has_value();
  trace_ = parent ? parent->trace : base::TraceId::make(worker_.random());
  if (parent) parent_ = parent->parent;
  span_ = base::SpanId::make(worker_.random());
}

Exchange::~Exchange() = default;

void Exchange::enter(State next) {
  switch (next) {
    case State::kChoosing:
      GILIRAN_ASSERT(state_ == State::kWaiting);
      break;
    case State::kWaiting:
      GILIRAN_ASSERT(state_ == State::kChoosing);
      break;
    case State::kRelaying:
      GILIRAN_ASSERT(state_ == State::kWaiting);
      break;
    case State::kAnswering:
      GILIRAN_ASSERT(state_ == State::kChoosing);
      break;
    case State::kEnded:
      GILIRAN_ASSERT(state_ != State::kEnded);
      break;
  }
  state_ = next;
}

// --- choosing ---

void Exchange::begin(const conn::RequestHead& head) {
  pool_ = worker_.listener(worker_.listener_of(connection_)).pool;
  if (head.form == wire::http1::TargetForm::kAuthority) {
    answer(405, End::kBadRequest, By::kClient, Phase::kRequest, "connect-not-allowed");
    return;
  }
  choose_and_attempt(head);
}

void Exchange::choose_and_attempt(const conn::RequestHead& head) {
  const base::Instant now = worker_.io().turn_started();
  const auto index =
      choose(*pool_, tried_, now, worker_.options().connect_timeout * 2, worker_.random());
  if (!index) {
    if (tried_.count() == 0) {
      answer(503, End::kNoServer, By::kCoordinator, Phase::kQueue, "every server is marked down");
    } else {
      answer(status_of(end_), end_, By::kServer, phase_, reason_);
    }
    return;
  }
  tried_.add(*index);
  attempt(head, pool_->endpoints[*index], false);
}

void Exchange::attempt(const conn::RequestHead& head, std::shared_ptr<cluster::Endpoint> endpoint,
                       bool fresh) {
  enter(State::kWaiting);
  if (attempts_++ == 0) {
    attempt_began_ = worker_.io().now();
  } else {
    ++worker_.counted().retries;
  }
  attempt_credit_ = 0;
  attempt_.begin(worker_.upstream(), std::move(endpoint), fresh);
  send_request(head, *attempt_.endpoint());
}

void Exchange::send_request(const conn::RequestHead& head, cluster::Endpoint& endpoint) {
  char client_host[base::Address::kTextMax];
  char traceparent[base::TraceParent::kTextSize];
  base::TraceParent{.trace = trace_, .parent = span_}.format(traceparent);
  FieldList& fields = worker_.fields();
  forward_request(head,
                  {.client_host = forwarded_for(connection_.peer(), client_host),
                   .server_host = endpoint.name,
                   .traceparent = {traceparent, sizeof traceparent},
                   .keep_tracestate = keep_tracestate_},
                  fields);
  conn::ClientStream& upstream = attempt_.stream();
  upstream.send_head({.method = head.method,
                      .target = head.path,
                      .fields = fields.all(),
                      .body = body_length(head.framing, head.content_length)});
  for (const base::Slice& part : replay_) upstream.send_data(part.share());
  if (request_body_ == RequestBody::kEnded) upstream.send_end({});
}

// --- the request body ---

void Exchange::on_request_data(base::Slice data) {
  const uint32_t size = data.size();
  body_in_ += size;
  if (!attempt_.active()) {  // an answer of our own, or one that came early: read and dropped
    consumed_ += size;
    stream_.consume(size);
    return;
  }
  if (state_ == State::kWaiting && replayable_) {
    replay_bytes_ += size;
    if (replay_bytes_ <= kReplayBytesMax) {
      replay_.push_back(data.share());
    } else {
      replayable_ = false;
      replay_.clear();
    }
  }
  attempt_.stream().send_data(std::move(data));
}

void Exchange::on_request_end(const conn::Fields& trailers) {
  request_body_ = RequestBody::kEnded;
  if (!attempt_.active()) return;
  if (trailers.count != 0) replayable_ = false;
  FieldList& fields = worker_.fields();
  forward_trailers(trailers, fields);
  attempt_.stream().send_end(fields.all());
}

void Exchange::on_upstream_credit(uint32_t bytes) {
  attempt_credit_ += bytes;  // of this attempt: what an earlier one took is not given back twice
  if (attempt_credit_ <= consumed_) return;
  const auto fresh = static_cast<uint32_t>(attempt_credit_ - consumed_);
  consumed_ = attempt_credit_;
  stream_.consume(fresh);
}

// --- the response ---

void Exchange::on_upstream_interim(const conn::ResponseHead& head) {
  FieldList& fields = worker_.fields();
  forward_response(head, fields);
  stream_.send_interim(head.status, fields.all());
}

void Exchange::on_upstream_head(const conn::ResponseHead& head) {
  enter(State::kRelaying);
  replay_.clear();
  status_ = head.status;
  FieldList& fields = worker_.fields();
  forward_response(head, fields);
  stream_.send_head({.status = head.status,
                     .reason = head.reason,
                     .fields = fields.all(),
                     .body = response_length(head, method_)});
}

void Exchange::on_upstream_data(base::Slice data) {
  stream_.send_data(std::move(data));
}

void Exchange::on_response_sent(uint32_t bytes) {
  body_out_ += bytes;
  if (state_ == State::kRelaying && attempt_.active()) attempt_.stream().consume(bytes);
}

void Exchange::on_upstream_end(const conn::Fields& trailers) {
  FieldList& fields = worker_.fields();
  forward_trailers(trailers, fields);
  stream_.send_end(fields.all());
}

// --- an attempt is over ---

void Exchange::note_attempt() {
  const AttemptFacts& facts = attempt_.facts();
  up_in_ += facts.stream.bytes_in;
  up_out_ += facts.stream.bytes_out;
  const bool was_connected = facts.stream.connected != base::Instant{};
  if (was_connected) {
    connect_ = facts.stream.reused && attempts_ == 1 ? base::Duration{0}
                                                     : facts.stream.connected - attempt_began_;
    const bool alive = !facts.stream.reused || facts.stream.bytes_in != 0;
    if (alive) worker_.connected(*attempt_.endpoint());
  }
}

void Exchange::on_attempt_closed(const conn::StreamClosed& closed) {
  note_attempt();
  if (closed.end == conn::StreamEnd::kComplete) {
    // A response that came before the request was over: the rest is read and dropped.
    if (body_in_ > consumed_) stream_.consume(static_cast<uint32_t>(body_in_ - consumed_));
    consumed_ = body_in_;
    return;
  }
  const bool connect_failed = connect_failure(closed.end);
  if (connect_failed) worker_.connect_failed(*attempt_.endpoint(), closed.error);
  end_ = end_of(closed.end);
  phase_ = connect_failed                         ? Phase::kConnect
           : state_ == State::kRelaying           ? Phase::kData
           : request_body_ == RequestBody::kEnded ? Phase::kWait
                                                  : Phase::kSend;
  reason_ = reason_of(closed);
  if (state_ == State::kRelaying) {
    cut();
    return;
  }
  enter(State::kChoosing);
  const bool reused_died = closed.retry == base::Retry::kIfReused && idempotent(method_);
  if (replayable_ && !replaced_ && attempt_.facts().stream.reused &&
      (closed.retry == base::Retry::kAlways || reused_died)) {
    replaced_ =
        true;  // the connection was dead, not the server: the same one again, on a fresh one
    retry(true);
  } else if (replayable_ && closed.retry == base::Retry::kAlways) {
    retry(false);
  } else {
    answer(status_of(end_), end_, By::kServer, phase_, reason_);
  }
}

void Exchange::retry(bool same_endpoint) {
  if (!tried_text_.empty()) tried_text_ += "; ";
  tried_text_ += attempt_.endpoint()->name;
  tried_text_ += ' ';
  tried_text_ += same_endpoint ? "connection-was-dead" : telemetry::name(end_);
  conn::RequestHead head;
  wire::http1::RequestParser parser(worker_.options().head_limits());
  const auto parsed = parser.parse(head_bytes_.view(), head);
  GILIRAN_ASSERT(parsed.parse == wire::http1::Parse::kDone);
  if (same_endpoint) {
    // attempt() takes the endpoint over from the attempt that has ended.
    attempt(head, attempt_.shared_endpoint(), true);
  } else {
    choose_and_attempt(head);
  }
}

// --- endings ---

void Exchange::answer(uint16_t status, End end, By by, Phase phase, std::string_view reason) {
  enter(State::kAnswering);
  end_ = end;
  by_ = by;
  phase_ = phase;
  reason_ = std::string(reason);
  status_ = status;
  replay_.clear();
  if (body_in_ > consumed_) {
    const auto rest = static_cast<uint32_t>(body_in_ - consumed_);
    consumed_ = body_in_;
    stream_.consume(rest);
  }
  std::string body = fmt::format("giliran: {}", telemetry::name(end));
  if (!reason_.empty()) body += fmt::format(" ({})", reason_);
  body += '\n';
  const conn::Field fields[] = {{.name = "Content-Type", .value = "text/plain"}};
  stream_.send_head({.status = status,
                     .reason = {},
                     .fields = fields,
                     .body = conn::BodyLength::known(body.size()),
                     .close = end == End::kBadRequest});
  stream_.send_data(worker_.io().buffers().copy(body));
  stream_.send_end({});
}

// The response is partly out and cannot be completed: the client must see that.
void Exchange::cut() {
  by_ = By::kServer;
  record();
  stream_.abort();
  worker_.destroy(*this);
}

void Exchange::on_closed(const conn::StreamClosed& closed) {
  const bool was_active = attempt_.active();
  if (was_active) {
    note_attempt();
    attempt_.abandon();
  }
  if (closed.end == conn::StreamEnd::kComplete) {
    if (state_ == State::kRelaying) end_ = End::kOk;
  } else {
    phase_ = phase_now();
    by_ = By::kClient;
    reason_ = std::string(reason_of(closed));
    if (closed.answered != 0) status_ = closed.answered;
    switch (closed.end) {
      case conn::StreamEnd::kBadMessage:
        end_ = End::kBadRequest;
        break;
      case conn::StreamEnd::kHeadTimeout:
      case conn::StreamEnd::kBodyTimeout:
      case conn::StreamEnd::kWriteTimeout:
      case conn::StreamEnd::kBodyTooSlow:
      case conn::StreamEnd::kTunnelIdle:
        end_ = End::kClientTimeout;
        break;
      case conn::StreamEnd::kShutdown:
        end_ = End::kShutdown;
        by_ = By::kCoordinator;
        ++worker_.counted().cut;
        break;
      case conn::StreamEnd::kComplete:
      case conn::StreamEnd::kConnectRefused:
      case conn::StreamEnd::kConnectTimeout:
      case conn::StreamEnd::kConnectFailed:
      case conn::StreamEnd::kPeerClosed:
      case conn::StreamEnd::kPeerReset:
        end_ = End::kClientClosed;
        break;
    }
  }
  record();
  worker_.destroy(*this);
}

Phase Exchange::phase_now() {
  switch (state_) {
    case State::kChoosing:
      return Phase::kQueue;
    case State::kWaiting:
      if (request_body_ == RequestBody::kComing) return Phase::kSend;
      return attempt_.facts().stream.connected == base::Instant{} ? Phase::kConnect : Phase::kWait;
    case State::kRelaying:
    case State::kAnswering:
    case State::kEnded:
      return Phase::kData;
  }
  return Phase::kNone;
}

void Exchange::record() {
  enter(State::kEnded);
  const conn::StreamFacts& down = stream_.facts();
  const conn::StreamFacts& up = attempt_.facts().stream;
  const base::Instant now = worker_.io().now();
  telemetry::Record r;
  r.arrived = arrived_;
  r.end = end_;
  r.by = end_ == End::kOk ? By::kNobody : by_;
  r.phase = end_ == End::kOk ? Phase::kNone : phase_;
  r.proto =
      version_ == wire::http1::Version::k10 ? telemetry::Proto::kHttp10 : telemetry::Proto::kHttp11;
  r.status = status_;
  r.attempts = attempts_;
  r.trace = trace_;
  r.span = span_;
  r.parent = parent_;
  r.connection = down.connection;
  r.sequence = down.sequence;
  r.peer = connection_.peer();
  r.local = connection_.local();
  r.idle = down.first_byte - down.began;
  r.head = down.head_done - down.first_byte;
  r.total = now - down.first_byte;
  r.down_in = down.bytes_in;
  r.down_out = down.bytes_out;
  r.up_out = up_out_;
  r.up_in = up_in_;
  r.body_in = body_in_;
  r.body_out = body_out_;
  r.method = method_;
  r.target = target_;
  r.host = host_;
  r.tried = tried_text_;
  r.reason = end_ == End::kOk ? std::string_view() : std::string_view(reason_);
  if (attempts_ != 0) {
    const cluster::Endpoint& endpoint = *attempt_.endpoint();
    r.server = endpoint.name;
    r.upstream = endpoint.address;
    r.upstream_local = attempt_.facts().local;
    r.reused = up.reused;
    // On an idle connection the attempt begins when it is leased: the phases then add up exactly.
    const bool leased = up.reused && attempts_ == 1;
    r.queue = (leased ? up.connected : attempt_began_) - down.head_done;
    r.connect = connect_;
    if (connect_ != telemetry::kNotReached && up.request_sent != base::Instant{}) {
      r.send = up.request_sent - up.connected;
    }
    if (up.head_done != base::Instant{}) {
      // An answer may come before the request is over.
      const bool early = up.request_sent == base::Instant{} || up.request_sent > up.head_done;
      r.wait = up.head_done - (early ? up.connected : up.request_sent);
      r.data = now - up.head_done;
    }
  }
  if (pool_ != nullptr) {
    r.pool = pool_->name;
    r.policy = pool_->policy;
  }
  r.process_name = worker_.listener(worker_.listener_of(connection_)).name;
  worker_.count_record(r);
  worker_.sink().write(r);
}

}  // namespace giliran::proxy
