#include "proxy/worker.h"

#include <algorithm>

namespace giliran::proxy {

// A client's HTTP connection, in the list of all of this worker.
struct Worker::Client {
  Client(Worker& worker, size_t listener_index, net::SocketId socket, const base::Address& peer,
         uint64_t number)
      : connection(worker.io_, socket, peer, number, worker.server_options_, worker),
        listener(listener_index) {
    connection.user = this;
  }
  conn::ServerConnection connection;
  size_t listener;
  Client* next = nullptr;
  Client* previous = nullptr;
};

namespace {

conn::ServerOptions server_options(const Options& options) {
  return {.limits = options.head_limits(),
          .head_timeout = options.head_timeout,
          .idle_timeout = options.idle_timeout,
          .body_timeout = options.body_timeout,
          .write_timeout = options.write_timeout};
}

conn::UpstreamOptions upstream_options(const Options& options) {
  return {.client = {.connect_timeout = options.connect_timeout,
                     .response_timeout = options.response_timeout,
                     .body_timeout = options.body_timeout,
                     .write_timeout = options.write_timeout,
                     .source = {}},
          .idle_timeout = options.upstream_idle_timeout,
          .idle_max = options.upstream_idle_max};
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
      sink_(setup.sink),
      random_(setup.random),
      notices_(setup.notices),
      server_options_(server_options(setup.options)),
      upstream_options_(upstream_options(setup.options)),
      upstream_(io_, upstream_options_, setup.index + 1, setup.workers),
      fields_(std::make_unique<FieldList>()),
      next_connection_(setup.index + 1),
      connection_stride_(setup.workers) {}

Worker::~Worker() = default;

void WorkerCounts::add(const WorkerCounts& other) {
  connections += other.connections;
  exchanges += other.exchanges;
  flows += other.flows;
  failed += other.failed;
  refused += other.refused;
  silent += other.silent;
  retries += other.retries;
  accept_pauses += other.accept_pauses;
  cut += other.cut;
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
  const uint64_t number = next_connection_;
  next_connection_ += connection_stride_;
  ++counts_.connections;
  switch (this->listener(it->listener).options.listen.scheme) {
    case config::Scheme::kHttp:
      link(first_client_, clients_.make(*this, it->listener, socket, peer, number));
      break;
    case config::Scheme::kTcp:
      link(first_flow_, flows_.make(*this, it->listener, socket, peer, number));
      break;
  }
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
                                                     : telemetry::End::kClientClosed;
  r.by = r.end == telemetry::End::kShutdown ? telemetry::By::kCoordinator : telemetry::By::kClient;
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
  // What can be shown of a request that could not be read: its first line.
  r.target = bytes.substr(0, bytes.find_first_of("\r\n"));
  r.reason = bad ? wire::http1::problem_name(why.problem) : conn::name(why.end);
  r.process_name = listener(listener_of(connection)).name;
  if (bad) ++counts_.refused;
  count_record(r);
  sink_.write(r);
}

void Worker::on_connection_closed(conn::ServerConnection& connection) {
  auto& client = *static_cast<Client*>(connection.user);
  if (!connection.carried_any()) ++counts_.silent;
  unlink(first_client_, client);
  clients_.destroy(client);
  check_done();
}

void Worker::destroy(Flow& flow) {
  unlink(first_flow_, flow);
  flows_.destroy(flow);
  check_done();
}

void Worker::count_record(const telemetry::Record& record) {
  ++(record.kind == telemetry::Kind::kFlow ? counts_.flows : counts_.exchanges);
  if (record.end != telemetry::End::kOk) ++counts_.failed;
}

void Worker::connected(cluster::Endpoint& endpoint) {
  if (endpoint.backoff.failures() == 0) return;
  endpoint.backoff.connected();
  notices_.server_up(endpoint);
}

void Worker::connect_failed(cluster::Endpoint& endpoint, int error) {
  const uint32_t before = endpoint.backoff.failures();
  const base::Duration left_out =
      endpoint.backoff.connect_failed(io_.turn_started(), options_.backoff, random_);
  if (endpoint.backoff.failures() != before) notices_.server_down(endpoint, left_out, error);
}

// --- snapshots, drain ---

void Worker::publish(std::shared_ptr<const cluster::Snapshot> snapshot, const Options& options) {
  snapshot_ = std::move(snapshot);
  options_ = options;
  server_options_ = server_options(options);
  upstream_options_ = upstream_options(options);
}

void Worker::drain(std::function<void()> done) {
  done_ = std::move(done);
  const std::vector<Listening> listening = listening_;
  for (const Listening& l : listening) io_.stop_listening(l.id);
  for (Client* c = first_client_; c != nullptr; c = c->next) c->connection.drain();
  upstream_.drain();
  check_done();
}

void Worker::shut() {
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
