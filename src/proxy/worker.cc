#include "proxy/worker.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "proxy/outcome.h"
#include "proxy/proxy_status.h"
#include "proxy/sticky.h"
#include "wire/proxy_header/proxy_header.h"

namespace giliran::proxy {

// A client's HTTP connection, in the list of all of this worker.
struct Worker::Client {
  Client(Worker& worker, size_t listener_number, net::SocketId socket, const base::Address& peer,
         uint64_t number, conn::Arrival arrival, bool above_limit)
      : connection(worker.io_, socket, peer, number, worker.server_options_, worker,
                   std::move(arrival)),
        listener(static_cast<uint32_t>(listener_number)),
        over_limit(above_limit) {
    connection.user = this;
  }
  uint64_t held() const { return connection.held() + (exchange == nullptr ? 0 : exchange->held()); }
  conn::ServerConnection connection;
  uint32_t listener;
  bool over_limit;
  Exchange* exchange = nullptr;  // under way
  Client* next = nullptr;
  Client* previous = nullptr;
};

struct Worker::Announcing {
  Announcing(Worker& worker, size_t listener_number, net::SocketId socket,
             const base::Address& peer, bool above_limit)
      : preamble(worker.io_, socket, peer, worker.options_.head_timeout, worker),
        listener(listener_number),
        over_limit(above_limit) {
    preamble.user = this;
  }
  conn::Preamble preamble;
  size_t listener;
  bool over_limit;
  Announcing* next = nullptr;
  Announcing* previous = nullptr;
};

namespace {

// Of a body, delivered and not sent on, before no more of it is received.
constexpr uint32_t kWindowBytes = 65536;
constexpr uint32_t kScarceWindowBytes = 16384;  // while memory is scarce

conn::ServerOptions server_options(const Options& options) {
  return {.limits = options.head_limits(),
          .head_timeout = options.head_timeout,
          .idle_timeout = options.idle_timeout,
          .body_timeout = options.body_timeout,
          .write_timeout = options.write_timeout,
          .tunnel_idle_timeout = options.tunnel_idle_timeout,
          .window_bytes = kWindowBytes,
          .requests_max = options.requests_per_connection_max,
          .body_rate_min = options.body_rate_min,
          .body_rate_grace = options.body_rate_grace};
}

// Of a response: what we add to it (Via, a cookie, a route's changes) still fits one block with it.
constexpr uint32_t kResponseHeadBytesMax = 65536 - 8192;
static_assert(config::kHeaderChangeBytesMax + 2048 < 8192);

conn::UpstreamOptions upstream_options(const Options& options) {
  return {.client = {.limits = {.head_bytes_max = kResponseHeadBytesMax},
                     .connect_timeout = options.connect_timeout,
                     .response_timeout = options.response_timeout,
                     .body_timeout = options.body_timeout,
                     .write_timeout = options.write_timeout,
                     .tunnel_idle_timeout = options.tunnel_idle_timeout,
                     .window_bytes = kWindowBytes,
                     .source = {},
                     .tcp = {.keepalive_idle = options.keepalive_idle,
                             .unacknowledged_timeout = options.unacknowledged_timeout}},
          .idle_timeout = options.upstream_idle_timeout,
          .idle_max = options.upstream_idle_max};
}

// Every exchange holds its listener. Were references to it counted by all workers together, they
// would pass the cache line with the count, and with the listener's first bytes, to and fro.
std::vector<std::shared_ptr<const cluster::Listener>> counted_here(
    const cluster::Snapshot& snapshot) {
  std::vector<std::shared_ptr<const cluster::Listener>> listeners;
  listeners.reserve(snapshot.listeners.size());
  for (const auto& listener : snapshot.listeners) {
    const auto holder = std::make_shared<std::shared_ptr<const cluster::Listener>>(listener);
    listeners.emplace_back(holder, holder->get());
  }
  return listeners;
}

// Puts `item` at the head of a list of all; and takes it out.
template <typename T>
void link(T*& first, T& item) {
  item.next = first;
  if (first != nullptr) first->previous = &item;
  first = &item;
}

template <typename T>
void unlink(T*& first, T& item) {
  if (item.previous != nullptr) {
    item.previous->next = item.next;
  } else {
    first = item.next;
  }
  if (item.next != nullptr) item.next->previous = item.previous;
}

}  // namespace

Worker::Worker(Setup setup)
    : io_(setup.io),
      options_(setup.options),
      snapshot_(std::move(setup.snapshot)),
      listeners_(counted_here(*snapshot_)),
      sink_(setup.sink),
      shared_(setup.shared),
      random_(setup.random),
      notices_(setup.notices),
      server_options_(server_options(setup.options)),
      upstream_options_(upstream_options(setup.options)),
      upstream_(io_, upstream_options_, setup.index + 1, setup.workers),
      fields_(std::make_unique<FieldList>()),
      admission_(setup.index, [this](uint32_t worker) { wake(worker); }),
      route_scratch_(std::make_unique<RouteScratch>()),
      rate_limit_(RateLimit::of(setup.options.request_rate_max, setup.options.request_burst)),
      next_connection_(setup.index + 1),
      connection_stride_(setup.workers),
      index_(setup.index),
      workers_(setup.workers),
      gauges_(setup.gauges),
      memory_(setup.io, *this) {
  memory_.set_limit(options_.memory_max / workers_);
}

Worker::~Worker() = default;

void WorkerCounts::add(const WorkerCounts& other) {
  connections += other.connections;
  exchanges += other.exchanges;
  flows += other.flows;
  failed += other.failed;
  refused += other.refused;
  silent += other.silent;
  retries += other.retries;
  retries_refused += other.retries_refused;
  over_limit += other.over_limit;
  accept_pauses += other.accept_pauses;
  cut += other.cut;
  cut_for_memory += other.cut_for_memory;
  for (size_t i = 0; i < ends.size(); ++i) ends[i] += other.ends[i];
}

// --- listening ---

base::Result<base::Address> Worker::listen(size_t listener, const base::Address& address,
                                           bool reuse_port) {
  const net::ListenerId id = GILIRAN_TRY(io_.listen(address, {.reuse_port = reuse_port}, *this));
  listening_.push_back({.id = id, .listener = listener});
  return io_.listener_address(id);
}

base::Result<void> Worker::listen_on(size_t listener, int fd, bool shared) {
  const net::ListenerId id = GILIRAN_TRY(io_.listen_on(fd, shared, *this));
  listening_.push_back({.id = id, .listener = listener});
  return {};
}

void Worker::stop_listening(size_t listener) {
  const std::vector<Listening> listening = listening_;
  for (const Listening& l : listening) {
    if (l.listener == listener) io_.stop_listening(l.id);
  }
}

void Worker::on_accepted(net::ListenerId listener, net::SocketId socket,
                         const base::Address& peer) {
  const auto it = std::ranges::find(listening_, listener, &Listening::id);
  GILIRAN_ASSERT(it != listening_.end());
  ++counts_.connections;
  const cluster::Listener& on = this->listener(it->listener);
  const Room room = count_in(it->listener);
  const bool over = room != Room::kYes;
  if (room == Room::kDrop) {
    count_out(it->listener);
    io_.close(socket, net::CloseMode::kReset);
  } else if (base::any_contains(on.options.proxy_protocol_from, peer)) {
    link(first_announcing_, announcing_.make(*this, it->listener, socket, peer, over));
  } else {
    begin_connection(it->listener, socket, peer, {}, over);
  }
}

void Worker::begin_connection(size_t number, net::SocketId socket, const base::Address& peer,
                              conn::Arrival arrival, bool over) {
  const uint64_t connection = next_connection_;
  next_connection_ += connection_stride_;
  switch (listener(number).options.listen.scheme) {
    case config::Scheme::kHttp:
      link(first_client_,
           clients_.make(*this, number, socket, peer, connection, std::move(arrival), over));
      break;
    case config::Scheme::kTcp:
      link(first_flow_,
           flows_.make(*this, number, socket, peer, connection, std::move(arrival), over));
      break;
  }
}

void Worker::on_announced(conn::Preamble& preamble, conn::Announced announced) {
  auto& announcing = *static_cast<Announcing*>(preamble.user);
  const size_t number = announcing.listener;
  const bool over = announcing.over_limit;
  const base::Address peer = preamble.peer();
  unlink(first_announcing_, announcing);
  announcing_.destroy(announcing);
  begin_connection(number, announced.socket, peer,
                   {.early = std::move(announced.early),
                    .client = announced.source,
                    .local = announced.destination},
                   over);
}

// No request has begun: counted, not recorded.
void Worker::on_preamble_failed(conn::Preamble& preamble, const conn::PreambleFailure& failure) {
  auto& announcing = *static_cast<Announcing*>(preamble.user);
  ++(failure.end == conn::StreamEnd::kBadMessage ? counts_.refused : counts_.silent);
  count_out(announcing.listener);
  unlink(first_announcing_, announcing);
  announcing_.destroy(announcing);
  check_done();
}

// --- limits ---

// Of a limit, so much more is still answered instead of reset.
constexpr uint32_t refused_max(uint32_t limit) {
  return limit / 8 + 16;
}

Worker::Room Worker::count_in(size_t number) {
  const cluster::Listener& on = listener(number);
  const uint32_t all = shared_.connections.fetch_add(1, std::memory_order_relaxed) + 1;
  const uint32_t here = on.state->connections.fetch_add(1, std::memory_order_relaxed) + 1;
  const uint32_t all_max = options_.connections_max == 0 ? UINT32_MAX : options_.connections_max;
  const uint32_t here_max =
      on.options.connections_max == 0 ? UINT32_MAX : on.options.connections_max;
  if (all <= all_max && here <= here_max) return Room::kYes;
  ++counts_.over_limit;
  notices_.connections_full(all > all_max ? std::string() : on.name);
  const bool far = (all > all_max && all - all_max > refused_max(all_max)) ||
                   (here > here_max && here - here_max > refused_max(here_max));
  return far ? Room::kDrop : Room::kRefuse;
}

void Worker::count_out(size_t number) {
  shared_.connections.fetch_sub(1, std::memory_order_relaxed);
  listener(number).state->connections.fetch_sub(1, std::memory_order_relaxed);
}

bool Worker::over_limit(const conn::ServerConnection& connection) const {
  return static_cast<const Client*>(connection.user)->over_limit;
}

// Windows are looked at when more is to be received.
void Worker::on_memory_scarce(bool scarce) {
  const uint32_t window = scarce ? kScarceWindowBytes : kWindowBytes;
  server_options_.window_bytes = window;
  upstream_options_.client.window_bytes = window;
}

void Worker::free_memory(uint64_t bytes) {
  struct Holder {
    uint64_t held;
    Client* client;
    Flow* flow;
  };
  std::vector<Holder> holders;
  holders.reserve(clients_.live() + flows_.live());
  for (Client* c = first_client_; c != nullptr; c = c->next) {
    holders.push_back({c->held(), c, nullptr});
  }
  for (Flow* f = first_flow_; f != nullptr; f = f->next) holders.push_back({f->held(), nullptr, f});
  std::ranges::sort(holders, std::greater{}, &Holder::held);
  uint64_t freed = 0;
  uint32_t ended = 0;
  for (const Holder& holder : holders) {
    if (freed >= bytes || holder.held == 0) break;
    const bool gives = holder.flow != nullptr ? holder.flow->give_up_memory()
                                              : holder.client->connection.give_up_memory();
    if (!gives) continue;
    freed += holder.held;
    ++ended;
  }
  counts_.cut_for_memory += ended;
  if (ended != 0) notices_.memory_full(ended);
}

void Worker::on_accept_paused(net::ListenerId, int error) {
  ++counts_.accept_pauses;
  notices_.accept_paused(error);
}

void Worker::on_listener_closed(net::ListenerId listener) {
  std::erase_if(listening_, [&](const Listening& l) { return l.id == listener; });
  if (!done_) return;
  // Those it accepted last belong to the drain too.
  for (Client* c = first_client_; c != nullptr; c = c->next) c->connection.drain();
  for (Announcing* a = first_announcing_; a != nullptr; a = a->next) a->preamble.shut();
  check_done();
}

// --- exchanges ---

size_t Worker::listener_of(const conn::ServerConnection& connection) const {
  return static_cast<const Client*>(connection.user)->listener;
}

conn::ServerStreamEvents& Worker::on_request(conn::ServerConnection& connection,
                                             conn::ServerStream& stream,
                                             const conn::RequestHead& head,
                                             const base::Slice& bytes) {
  Exchange& exchange = exchanges_.make(*this, connection, stream, head, bytes);
  static_cast<Client*>(connection.user)->exchange = &exchange;
  exchange.begin(head);
  return exchange;
}

void Worker::on_refused(conn::ServerConnection& connection, const conn::StreamFacts& facts,
                        const conn::StreamClosed& why, uint16_t status, std::string_view bytes) {
  const base::Instant now = io_.now();
  telemetry::Record r;
  const bool bad = why.end == conn::StreamEnd::kBadMessage;
  r.end = bad                                        ? telemetry::End::kBadRequest
          : why.end == conn::StreamEnd::kHeadTimeout ? telemetry::End::kClientTimeout
          : why.end == conn::StreamEnd::kShutdown    ? telemetry::End::kShutdown
          : why.end == conn::StreamEnd::kMemory      ? telemetry::End::kLimit
                                                     : telemetry::End::kClientClosed;
  r.by = by_coordinator(r.end) ? telemetry::By::kCoordinator : telemetry::By::kClient;
  r.phase = telemetry::Phase::kRequest;
  r.arrived = {io_.clock().wall().ns - (now - facts.first_byte).count()};
  r.status = status;
  r.trace = base::TraceId::make(random_);
  r.span = base::SpanId::make(random_);
  r.connection = facts.connection;
  r.sequence = facts.sequence;
  r.peer = connection.peer();
  r.local = connection.local();
  r.idle = facts.first_byte - facts.began;
  r.total = now - facts.first_byte;
  r.down_in = facts.bytes_in;
  r.down_out = facts.bytes_out;
  if (status != 0) r.body_out = connection.own_body_sent();
  // What can be shown of a request that could not be read: its first line.
  r.target = bytes.substr(0, bytes.find_first_of("\r\n"));
  r.reason = bad ? wire::http1::problem_name(why.problem) : conn::name(why.end);
  r.process_name = listener(listener_of(connection)).name;
  if (!(connection.client() == r.peer)) r.client = connection.client();
  if (bad) ++counts_.refused;
  if (gauges_) read_gauges(listener(listener_of(connection)), nullptr, nullptr, false, r);
  count_record(r);
  sink_.write(r);
}

bool Worker::end_gives_up(const conn::ServerConnection& connection) {
  return listener(listener_of(connection)).options.half_close == config::HalfClose::kCancel;
}

void Worker::on_connection_closed(conn::ServerConnection& connection) {
  auto& client = *static_cast<Client*>(connection.user);
  if (!connection.carried_any()) ++counts_.silent;
  count_out(client.listener);
  unlink(first_client_, client);
  clients_.destroy(client);
  check_done();
}

void Worker::destroy(Exchange& exchange) {
  static_cast<Client*>(exchange.connection().user)->exchange = nullptr;
  exchanges_.destroy(exchange);
}

void Worker::destroy(Flow& flow) {
  count_out(flow.listener());
  unlink(first_flow_, flow);
  flows_.destroy(flow);
  check_done();
}

void Worker::count_record(const telemetry::Record& record) {
  ++(record.kind == telemetry::Kind::kFlow ? counts_.flows : counts_.exchanges);
  ++counts_.ends[static_cast<size_t>(record.end)];
  if (record.end != telemetry::End::kOk) ++counts_.failed;
}

std::optional<base::Duration> Worker::over_rate(const base::Address& client) {
  if (rate_limit_.interval.count() == 0 || shared_.rate_limiter == nullptr) return std::nullopt;
  const auto verdict = shared_.rate_limiter->admit(client, io_.turn_started(), rate_limit_);
  if (verdict.allowed) return std::nullopt;
  return verdict.retry_after;
}

uint32_t Worker::preferred(const cluster::Pool& pool, const conn::Fields& fields) const {
  const auto endpoint_of = [&pool](uint64_t token) { return pool.sticky.find(token); };
  return find_by_cookie(fields, pool.options.sticky_cookie, endpoint_of).value_or(kNobody);
}

std::string Worker::sticky_cookie(const cluster::Pool& pool, uint32_t index) const {
  std::string out(pool.options.sticky_cookie.size() + kSetCookieBytes, ' ');
  out.resize(format_set_cookie(pool.options.sticky_cookie, pool.sticky.token(index), out).size());
  return out;
}

// --- queues ---

void Worker::release(const cluster::Pool& pool, cluster::Endpoint& endpoint) {
  release_slot(endpoint);
  if (pool.limited) admission_.release(pool.state->queue);
}

void Worker::pump_queues() {
  if (admission_.waits() && !pump_timer_.armed()) io_.arm(pump_timer_, Admission::kPumpInterval);
}

void Worker::on_pump() {
  admission_.pump();
  pump_queues();
}

void Worker::wake(uint32_t worker) {
  if (worker == index_) {
    io_.post([this] { serve_queues(); });
  } else {
    shared_.wake(worker);
  }
}

// --- what answers and records say ---

conn::OwnAnswer Worker::own_answer(const conn::ServerConnection& connection,
                                   const conn::StreamClosed& why, uint16_t status) {
  const std::string_view reason =
      why.problem == wire::http1::Problem::kNone ? conn::name(why.end) : reason_of(why);
  const telemetry::End end = end_of_client(why.end);
  Exchange* exchange = static_cast<const Client*>(connection.user)->exchange;
  return answer_text(
      status, {.end = end,
               .by = by_coordinator(end) ? telemetry::By::kCoordinator : telemetry::By::kClient,
               .phase = exchange == nullptr ? telemetry::Phase::kRequest : exchange->phase_now(),
               .reason = reason});
}

conn::OwnAnswer Worker::answer_text(uint16_t status, const Failure& failure) {
  conn::OwnAnswer answer;
  answer.proxy_status =
      format_proxy_status(failure.end, failure.by, failure.phase, failure.reason, proxy_status_);
  if (const auto found = snapshot_->answers.find(status); found != snapshot_->answers.end()) {
    answer.content_type = found->second.content_type;
    answer.body = found->second.body;
    return answer;
  }
  answer_body_ = fmt::format("giliran: {}", telemetry::name(failure.end));
  if (!failure.reason.empty()) answer_body_ += fmt::format(" ({})", failure.reason);
  answer_body_ += '\n';
  answer.body = answer_body_;
  return answer;
}

void Worker::append_proxy_header(const cluster::Pool& pool, const base::Address& client,
                                 const base::Address& local, std::string& out) {
  const auto version = pool.options.proxy_protocol == config::ProxyProtocol::kV1
                           ? wire::proxy_header::Version::kV1
                           : wire::proxy_header::Version::kV2;
  wire::proxy_header::append(version, client, local, out);
}

void Worker::read_gauges(const cluster::Listener& on, const cluster::Pool* pool,
                         const cluster::Endpoint* endpoint, bool held,
                         telemetry::Record& record) const {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  record.gauges_known = true;
  record.gauges.connections = shared_.connections.load(kRelaxed);
  record.gauges.listener_connections = on.state->connections.load(kRelaxed);
  if (pool != nullptr) {
    for (const balance::EndpointLive* live : pool->live) {
      record.gauges.pool_in_flight += live->in_flight.load(kRelaxed);
    }
  }
  if (endpoint == nullptr) return;
  const uint32_t itself = held ? 0 : 1;
  record.gauges.pool_in_flight += itself;
  record.gauges.server_in_flight = endpoint->live.in_flight.load(kRelaxed) + itself;
}

// --- snapshots, drain ---

void Worker::publish(std::shared_ptr<const cluster::Snapshot> snapshot, const Options& options) {
  snapshot_ = std::move(snapshot);
  listeners_ = counted_here(*snapshot_);
  options_ = options;
  server_options_ = server_options(options);
  upstream_options_ = upstream_options(options);
  rate_limit_ = RateLimit::of(options.request_rate_max, options.request_burst);
  memory_.set_limit(options_.memory_max / workers_);
  on_memory_scarce(memory_.scarce());
}

void Worker::drain(std::function<void()> done) {
  done_ = std::move(done);
  const std::vector<Listening> listening = listening_;
  for (const Listening& l : listening) io_.stop_listening(l.id);
  for (Client* c = first_client_; c != nullptr; c = c->next) c->connection.drain();
  for (Announcing* a = first_announcing_; a != nullptr; a = a->next) a->preamble.shut();
  upstream_.drain();
  check_done();
}

void Worker::shut() {
  for (Announcing* a = first_announcing_; a != nullptr; a = a->next) a->preamble.shut();
  for (Client* c = first_client_; c != nullptr; c = c->next) c->connection.shut();
  for (Flow* f = first_flow_; f != nullptr; f = f->next) f->shut();
  upstream_.shut();
}

void Worker::check_done() {
  if (!done_ || !listening_.empty() || open() != 0) return;
  upstream_.shut();
  if (upstream_.open() != 0) {
    upstream_.on_empty = [this] { check_done(); };
    return;
  }
  const auto done = std::exchange(done_, nullptr);
  done();
}

}  // namespace giliran::proxy
