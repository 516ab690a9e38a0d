// From a request head to an attempt: may it, where to, to whom?
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/parse.h"
#include "base/text.h"
#include "proxy/canary.h"
#include "proxy/client_address.h"
#include "proxy/exchange.h"
#include "proxy/forward.h"
#include "proxy/header_changes.h"
#include "proxy/outcome.h"
#include "proxy/route.h"
#include "proxy/upgrade.h"
#include "proxy/worker.h"
#include "wire/http1/parser.h"

namespace giliran::proxy {
namespace {

using telemetry::By;
using telemetry::End;
using telemetry::Phase;
using wire::http1::Name;

// What may not be repeated goes to a connection that the server cannot have given up meanwhile.
constexpr base::Duration kJustUsed = std::chrono::seconds(1);

conn::BodyLength body_length(const conn::RequestHead& head) {
  switch (head.framing) {
    case wire::http1::Framing::kNone:
      return conn::BodyLength::none();
    case wire::http1::Framing::kLength:
      return conn::BodyLength::known(head.content_length);
    case wire::http1::Framing::kChunked:
    case wire::http1::Framing::kUntilClose:
      return conn::BodyLength::unknown();
  }
  return {};
}

// Of OPTIONS (RFC 9110, 7.6.2); absent where there is none that is a number.
std::optional<uint64_t> max_forwards(const conn::Fields& fields) {
  for (const conn::Field& f : fields.all()) {
    if (f.id == Name::kOther && base::equals_ignoring_case(f.name, "Max-Forwards")) {
      const auto number = base::parse_uint(f.value);
      if (number) return *number;
    }
  }
  return std::nullopt;
}

// A client on a Unix socket has no address to pass on (RFC 7239, 6.3 calls that one "unknown").
std::string_view forwarded_for(const base::Address& client, char* out) {
  if (client.is_unix()) return "unknown";
  return {out, client.format_host(out)};
}

}  // namespace

Exchange::Exchange(Worker& worker, conn::ServerConnection& connection, conn::ServerStream& stream,
                   const conn::RequestHead& head, const base::Slice& bytes)
    : worker_(worker),
      connection_(connection),
      stream_(stream),
      listener_(worker.shared_listener(worker.listener_of(connection))),
      head_bytes_(worker.io().buffers().fitted(bytes.share())),
      method_(kept(head.method, bytes)),
      target_(kept(head.target, bytes)),
      host_(kept(head.host, bytes)),
      version_(head.version) {
  const conn::StreamFacts& facts = stream_.facts();
  arrived_ = {worker_.io().clock().wall().ns - (facts.head_done - facts.first_byte).count()};
  std::string_view parent_text;
  for (const conn::Field& field : head.fields.all()) {
    if (field.id == Name::kOther) continue;
    if (field.id == Name::kTraceparent && parent_text.empty()) parent_text = field.value;
    if (field.id == Name::kUserAgent) user_agent_ = kept(field.value, bytes);
    if (field.id == Name::kReferer) referer_ = kept(field.value, bytes);
  }
  const auto parent = base::TraceParent::parse(parent_text);
  keep_tracestate_ = parent.has_value();
  trace_ = parent ? parent->trace : base::TraceId::make(worker_.random());
  if (parent) parent_ = parent->parent;
  span_ = base::SpanId::make(worker_.random());
  const Asker asker = find_asker(head.fields, connection_.client(), listener_->options.trusted);
  client_ = asker.client;
  asked_proto_ = asker.proto;  // a literal
  asked_host_ = kept(asker.host, bytes);
}

// A part of the head where it is kept: a receive has a block of 16 KiB or more, a head a few 100
// bytes, and an exchange may last for hours.
std::string_view Exchange::kept(std::string_view part, const base::Slice& bytes) const {
  const auto at = static_cast<size_t>(part.data() - bytes.data());
  return part.empty() ? std::string_view() : head_bytes_.view().substr(at, part.size());
}

Exchange::~Exchange() = default;

void Exchange::begin(const conn::RequestHead& head) {
  if (worker_.options().total_timeout.count() != 0 && !broken(Mistake::kNoTotalTimeout)) {
    total_deadline_ = stream_.facts().first_byte + worker_.options().total_timeout;
    arm_timer();
  }
  if (within_limits() && routed(head)) choose_and_attempt(head);
}

// --- may it? ---

bool Exchange::within_limits() {
  if (worker_.over_limit(connection_)) {
    fail({.end = End::kLimit, .reason = "connections"});
    return false;
  }
  if (const auto wait = worker_.over_rate(client_)) {
    fail({.end = End::kRateLimited,
          .by = By::kClient,
          .reason = "request-rate",
          .retry_after = *wait});
    return false;
  }
  return true;
}

// --- where to? ---

bool Exchange::routed(const conn::RequestHead& head) {
  const bool connect = head.form == wire::http1::TargetForm::kAuthority;
  if (connect && !listener_->options.connect) {
    fail({.end = End::kDenied, .by = By::kClient, .reason = "connect-not-allowed", .status = 405});
    return false;
  }
  if (head.method == "TRACE") {  // would show a script the credentials it cannot read
    fail({.end = End::kDenied, .by = By::kClient, .reason = "trace-not-allowed", .status = 405});
    return false;
  }
  if (head.method == "OPTIONS" && max_forwards(head.fields) == 0) {  // we are who it asks
    respond(200, nullptr, 0, {}, false);
    return false;
  }
  pool_ = listener_->pool.get();
  if (!listener_->routes.empty()) {
    const auto found = find_route(
        static_cast<uint32_t>(listener_->routes.size()),
        [this](uint32_t i) -> const config::Route& { return listener_->routes[i].options; }, head,
        worker_.route_scratch());
    if (found.kind == RouteFound::Kind::kAmbiguous) {
      fail({.end = End::kBadRequest, .by = By::kClient, .reason = "ambiguous-path"});
      return false;
    }
    if (found.kind == RouteFound::Kind::kRoute) {
      route_ = &listener_->routes[found.index];
      if (!taken_by_route(*route_, head)) return false;
      pool_ = route_->pool.get();
    }
  }
  if (pool_ == nullptr) {
    fail({.end = End::kDenied, .by = By::kCoordinator, .reason = "no-route"});
    return false;
  }
  body_bytes_max_ = worker_.options().body_bytes_max;
  if (route_ != nullptr) body_bytes_max_ = route_->options.body_bytes_max.value_or(body_bytes_max_);
  if (body_bytes_max_ != 0 && head.framing == wire::http1::Framing::kLength &&
      head.content_length > body_bytes_max_) {
    fail({.end = End::kBodyTooLarge, .by = By::kClient, .reason = "content-length"});
    return false;
  }
  asks_tunnel_ = connect || (listener_->options.upgrade && asks_for_upgrade(head));
  if (connect) upgrade_ = method_;
  if (!pool_->options.sticky_cookie.empty()) preferred_ = worker_.preferred(*pool_, head.fields);
  pool_->state->retry_budget.deposit(
      {.part = pool_->options.retry_budget, .floor_per_s = pool_->options.retry_budget_floor});
  return true;
}

// False where the route answers by itself.
bool Exchange::taken_by_route(const cluster::Route& route, const conn::RequestHead& head) {
  conn::Field fields[2];
  if (const auto& redirect = route.options.redirect) {
    char location[2048];
    const auto to = expand_redirect(redirect->to, head, location);
    if (!to) {
      fail({.end = End::kBadRequest, .by = By::kClient, .reason = "cannot-redirect"});
      return false;
    }
    fields[0] = {.name = "Location", .value = *to};
    respond(redirect->status, fields, 1, {}, false);
    return false;
  }
  if (const auto& answer = route.options.answer) {
    fields[0] = {.name = "Content-Type", .value = answer->content_type};
    respond(answer->status, fields, answer->body.empty() ? 0 : 1, answer->body, false);
    return false;
  }
  return true;
}

// --- to whom? ---

Choice Exchange::choose_now(bool waited) {
  return choose(*pool_, {.tried = tried_, .preferred = preferred_, .waited = waited},
                worker_.io().turn_started(), worker_.options().connect_timeout * 2,
                worker_.random());
}

void Exchange::choose_and_attempt(const conn::RequestHead& head) {
  if (!pool_->limited) {
    if (take() == Turn::kTaken) {
      attempt(head, chosen_, false);
    } else {
      nobody_left();
    }
    return;
  }
  const uint32_t more = broken(Mistake::kLongQueue) ? 2 : 0;
  switch (worker_.admission().admit(pool_->state->queue, pool_->options.queue_max + more,
                                    tried_.count() != 0, *this)) {
    case Admission::Outcome::kGranted:
      attempt(head, chosen_, false);
      break;
    case Admission::Outcome::kQueued:
      enter(State::kQueued);
      queued_behind_ = waited_behind();
      queue_deadline_ = worker_.io().turn_started() + pool_->options.queue_timeout;
      if (broken(Mistake::kNoQueueTimeout)) queue_deadline_ = base::kNoDeadline;
      arm_timer();
      worker_.pump_queues();
      break;
    case Admission::Outcome::kQueueFull:
      fail({.end = End::kQueueFull, .phase = Phase::kQueue});
      break;
    case Admission::Outcome::kNone:
      nobody_left();
      break;
  }
}

Turn Exchange::take() {
  const Choice choice = choose_now(waits());
  switch (choice.kind) {
    case Choice::Kind::kOne:
      chosen_ = choice.index;
      return Turn::kTaken;
    case Choice::Kind::kFull:
      return Turn::kFull;
    case Choice::Kind::kNone:
      break;
  }
  return Turn::kNone;
}

void Exchange::on_turn(Turn turn) {
  enter(State::kChoosing);
  queue_deadline_ = base::kNoDeadline;
  if (turn == Turn::kTaken) {
    attempt(parse_again(), chosen_, false);
  } else {
    nobody_left();
  }
}

void Exchange::leave_queue() {
  if (state_ != State::kQueued) return;
  worker_.admission().leave(*this);
  queue_deadline_ = base::kNoDeadline;
  enter(State::kChoosing);
}

void Exchange::nobody_left() {
  if (tried_.count() == 0) {
    fail({.end = End::kNoServer, .phase = Phase::kQueue, .reason = "every server is marked down"});
  } else {
    tried_text_.resize(tried_before_);  // it was the last one after all
    fail({.end = end_, .by = By::kServer, .phase = phase_, .reason = reason_});
  }
}

// --- an attempt ---

void Exchange::attempt(const conn::RequestHead& head, uint32_t index, bool fresh) {
  enter(State::kWaiting);
  cluster::Endpoint& endpoint = *pool_->endpoints[index];
  slot_ = &endpoint;
  chosen_ = index;
  if (!tried_.has(index)) tried_.add(index);
  attempt_began_ = worker_.io().now();
  attempt_spent_ = false;
  if (attempts_++ != 0) ++worker_.counted().retries;
  attempt_credit_ = 0;
  conn::LeaseOptions lease{.fresh = fresh};
  if (!idempotent(method_)) lease.idle_at_most = kJustUsed;
  std::string preamble;
  if (pool_->options.proxy_protocol != config::ProxyProtocol::kNone) {
    worker_.append_proxy_header(*pool_, client_, connection_.local(), preamble);
    lease = {.fresh = true, .exclusive = true, .preamble = preamble};
  }
  attempt_.begin(worker_.upstream(), endpoint, lease);
  if (worker_.options().attempt_timeout.count() != 0) {
    attempt_deadline_ = worker_.io().turn_started() + worker_.options().attempt_timeout;
    arm_timer();
  }
  send_request(head, endpoint);
}

// Who asks was read in fields of one kind (X-Forwarded-For, or Forwarded), and a server is to see
// it in those of the other, too.
bool Exchange::tells_asker(const conn::RequestHead& head) const {
  return client_ != connection_.client() &&
         (listener_->options.forwarded || head.fields.find(Name::kXForwardedFor).data() == nullptr);
}

void Exchange::send_request(const conn::RequestHead& head, cluster::Endpoint& endpoint) {
  char client_host[base::Address::kTextMax], asker_host[base::Address::kTextMax];
  char traceparent[base::TraceParent::kTextSize];
  base::TraceParent{.trace = trace_, .parent = span_}.format(traceparent);
  FieldList& fields = worker_.fields();
  const config::Listener& options = listener_->options;
  forward_request(
      head,
      {.client_host = forwarded_for(connection_.client(), client_host),
       .asker_host = tells_asker(head) ? forwarded_for(client_, asker_host) : std::string_view(),
       .asked_proto = asked_proto_,
       .asked_host = asked_host_,
       .server_host = endpoint.name,
       .traceparent = {traceparent, sizeof traceparent},
       .keep_tracestate = keep_tracestate_,
       .forwarding = options.forwarding,
       .trusted = base::any_contains(options.trusted, connection_.client()),
       .forwarded = options.forwarded,
       .upgrade = asks_tunnel_ && head.method != "CONNECT"},
      fields);
  std::string hops;
  if (head.method == "OPTIONS") {
    if (const auto max = max_forwards(head.fields)) {
      hops = std::to_string(*max - 1);
      for (conn::Field& f : fields.every()) {
        if (base::equals_ignoring_case(f.name, "Max-Forwards")) f.value = hops;
      }
    }
  }
  if (route_ != nullptr) apply_changes(route_->options.request_headers, fields);
  conn::ClientStream& upstream = attempt_.stream();
  const bool connect = head.form == wire::http1::TargetForm::kAuthority;
  upstream.send_head({.method = head.method,
                      .target = connect ? head.target : head.path,
                      .fields = fields.all(),
                      .body = body_length(head),
                      .upgrade = asks_tunnel_});
  for (const base::Slice& part : replay_) upstream.send_data(part.share());
  if (request_body_ == RequestBody::kEnded) send_request_end(upstream);
}

void Exchange::send_request_end(conn::ClientStream& upstream) {
  FieldList& fields = worker_.fields();
  fields.clear();
  if (trailers_ != nullptr) {
    for (const auto& [name, value] : *trailers_) fields.add(name, value);
  }
  upstream.send_end(fields.all());
}

// The head again, for another attempt. Used during one call only.
conn::RequestHead& Exchange::parse_again() {
  thread_local conn::RequestHead head;
  // Not by the limits of today, which may be narrower than those it was read by.
  wire::http1::RequestParser parser({.head_bytes_max = UINT32_MAX / 2,
                                     .target_bytes_max = UINT32_MAX / 2,
                                     .fields_max = wire::http1::kFieldsMax});
  const auto parsed = parser.parse(head_bytes_.view(), head);
  GILIRAN_ASSERT(parsed.parse == wire::http1::Parse::kDone);
  return head;
}

}  // namespace giliran::proxy
