#include "sim/exchange_fuzz_target.h"

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/assert.h"
#include "cluster/snapshot.h"
#include "net/memory.h"
#include "proxy/worker.h"
#include "sim/ledger.h"
#include "sim/link.h"
#include "wire/http1/parser.h"

namespace giliran::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using wire::http1::BodyEvent;
using wire::http1::Parse;

constexpr std::string_view kCut = "\n=====\n";
constexpr uint16_t kProxyPort = 8080;
constexpr uint16_t kServerPort = 9000;

std::string_view take_part(std::string_view& rest, std::string_view cut) {
  const size_t end = std::min(rest.find(cut), rest.size());
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(std::min(rest.size(), end + cut.size()));
  return part;
}

struct Plan {
  explicit Plan(std::string_view input) {
    for (const char c : take_part(input, "\n")) {
      seed = (seed ^ static_cast<unsigned char>(c)) * 1099511628211U;  // FNV-1a
    }
    client = take_part(input, kCut);
    do answers.push_back(take_part(input, kCut));
    while (!input.empty());
  }
  uint64_t seed = 14695981039346656037U;
  std::string_view client;
  std::vector<std::string_view> answers;  // at least one
};

// The end of what a server is told: reads it strictly, counts the requests, says what is planned.
class Server final : private net::AcceptEvents {
 public:
  Server(net::Io& io, const Plan& plan);
  ~Server();

  void stop();
  uint64_t requests = 0;

 private:
  class Connection;

  void on_accepted(net::ListenerId, net::SocketId socket, const base::Address&) override;
  void on_accept_paused(net::ListenerId, int) override {}
  void on_listener_closed(net::ListenerId) override {}

  net::Io& io_;
  const Plan& plan_;
  net::ListenerId listener_;
  std::vector<std::unique_ptr<Connection>> connections_;
};

class Server::Connection final : private LinkEvents {
 public:
  Connection(Server& server, net::SocketId socket) : server_(server), link_(server.io_, *this) {
    link_.adopt(socket);
  }
  void close() { link_.close(net::CloseMode::kGraceful); }

 private:
  enum class State : uint8_t { kHead, kBody, kTunnel };

  bool read_head() {
    if (link_.input.empty()) return false;
    const auto result = parser_.parse(link_.input, head_);
    GILIRAN_ASSERT(result.parse != Parse::kError);
    if (result.parse == Parse::kNeedMore) return false;
    const auto& answers = server_.plan_.answers;
    const std::string_view answer = answers[std::min(server_.requests, answers.size() - 1)];
    ++server_.requests;
    const bool asks_tunnel = head_.upgrade || head_.method == "CONNECT";
    state_ = asks_tunnel ? State::kTunnel : State::kBody;
    body_.start(head_.framing, head_.content_length);
    link_.input.erase(0, result.consumed);
    link_.send(answer);
    if (answer.ends_with('.')) link_.end();
    return true;
  }
  bool read_body() {
    const BodyEvent event = body_.next(link_.input, nullptr);
    GILIRAN_ASSERT(event.kind != BodyEvent::Kind::kError);
    if (event.kind == BodyEvent::Kind::kEnd) state_ = State::kHead;
    link_.input.erase(0, event.consumed);
    return event.kind != BodyEvent::Kind::kNeedMore;
  }
  bool read() {
    switch (state_) {
      case State::kHead:
        return read_head();
      case State::kBody:
        return read_body();
      case State::kTunnel:  // or not: what follows may be raw bytes
        link_.input.clear();
        break;
    }
    return false;
  }
  void on_link_up(Link&) override {}
  void on_link_data(Link&) override {
    while (link_.open() && read()) {
    }
  }
  void on_link_end(Link&) override { link_.end_and_close(); }
  void on_link_broken(Link&) override { link_.close(net::CloseMode::kReset); }
  void on_link_closed(Link&) override {}

  Server& server_;
  Link link_;
  wire::http1::RequestParser parser_{
      {.head_bytes_max = 65536, .target_bytes_max = 65536, .fields_max = wire::http1::kFieldsMax}};
  wire::http1::RequestHead head_;
  wire::http1::BodyParser body_;
  State state_ = State::kHead;
};

Server::Server(net::Io& io, const Plan& plan) : io_(io), plan_(plan) {
  listener_ = *io_.listen(base::Address::loopback(kServerPort), {}, *this);
}

Server::~Server() = default;

void Server::on_accepted(net::ListenerId, net::SocketId socket, const base::Address&) {
  connections_.push_back(std::make_unique<Connection>(*this, socket));
}

void Server::stop() {
  io_.stop_listening(listener_);
  for (const auto& connection : connections_) connection->close();
}

class Client final : private LinkEvents {
 public:
  Client(net::Io& io, std::string_view text, bool ends) : link_(io, *this), ends_(ends) {
    link_.send(text);
    link_.connect(base::Address::loopback(kProxyPort));
  }
  void close() { link_.close(net::CloseMode::kReset); }

 private:
  void on_link_up(Link&) override {
    if (ends_) link_.end();
  }
  void on_link_data(Link&) override { link_.input.clear(); }
  void on_link_end(Link&) override { link_.end_and_close(); }
  void on_link_broken(Link&) override { link_.close(net::CloseMode::kReset); }
  void on_link_closed(Link&) override {}

  Link link_;
  bool ends_;
};

class NoNotices final : public proxy::Notices {
  void accept_paused(int) override {}
  void connections_full(const std::string&) override {}
  void memory_full(uint32_t) override {}
  void server_failed(const proxy::ServerTrouble&) override {}
  void server_up(const cluster::Endpoint&) override {}
};

net::MemoryOptions network(base::Rng& random) {
  return {.delay_max = std::chrono::microseconds(20 + random.below(2000)),
          .split = random.uniform(),
          .window_bytes = uint32_t{512} << random.below(8)};
}

proxy::Options options(base::Rng& random) {
  proxy::Options options;
  options.head_timeout = options.response_timeout = options.body_timeout = options.write_timeout =
      milliseconds(100);
  options.idle_timeout = options.tunnel_idle_timeout = options.upstream_idle_timeout =
      milliseconds(200);
  if (random.below(3) == 0) options.body_bytes_max = random.below(64);
  if (random.below(3) == 0) options.requests_per_connection_max = 1 + uint32_t(random.below(3));
  if (random.below(3) == 0) options.total_timeout = milliseconds(50);
  return options;
}

std::shared_ptr<const cluster::Snapshot> snapshot(base::Rng& random) {
  config::Pool pool{.name = "p", .sticky_cookie = random.below(2) == 0 ? "c" : ""};
  if (random.below(2) == 0) pool.retry_on.statuses = {502, 503, 504};
  config::Listener listener{.name = "l", .pool = "p"};
  listener.connect = random.below(2) == 0;
  listener.forwarded = random.below(2) == 0;
  if (random.below(4) != 0) listener.half_close = config::HalfClose::kWait;
  config::Coordinator config{.listeners = {listener}, .pools = {pool}};
  const std::vector<cluster::Member> members[] = {
      {{.name = "s", .address = base::Address::loopback(kServerPort)}}};
  const cluster::Bound bound[] = {
      {.listener = &config.listeners[0], .address = base::Address::loopback(kProxyPort)}};
  return *cluster::make_snapshot(config, members, bound);
}

void check(const Ledger& ledger, const proxy::WorkerCounts& counts, uint64_t requests) {
  std::set<std::pair<uint64_t, uint64_t>> places;
  uint64_t attempts = 0, answered = 0, last = 0;
  for (const KeptRecord& kept : ledger.records) {
    GILIRAN_ASSERT(places.insert({kept.record.connection, kept.record.sequence}).second);
    attempts += kept.record.attempts;
    last = std::max(last, kept.record.sequence);
    answered += kept.record.end == telemetry::End::kOk && kept.record.attempts != 0 ? 1 : 0;
    GILIRAN_ASSERT(kept.record.end != telemetry::End::kInternal);
  }
  GILIRAN_ASSERT(last == places.size());
  GILIRAN_ASSERT(counts.exchanges == ledger.records.size());
  GILIRAN_ASSERT(requests <= attempts && answered <= requests);
}

}  // namespace

void fuzz_exchange(std::string_view input) {
  const Plan plan(input);
  base::Rng random(plan.seed);
  net::MemoryWorld world(plan.seed, network(random));
  net::Io& io = world.add_io();
  net::Io& peers = world.add_io();
  Server server(peers, plan);
  Ledger ledger;
  Keeper keeper(ledger, 0);
  proxy::Shared shared;
  NoNotices notices;
  const auto configured = snapshot(random);
  proxy::Worker worker({.io = io,
                        .options = options(random),
                        .snapshot = configured,
                        .sink = keeper,
                        .shared = shared,
                        .random = random.split(1),
                        .notices = notices});
  GILIRAN_ASSERT(worker.listen(0, base::Address::loopback(kProxyPort), true).has_value());
  Client client(peers, plan.client, random.below(2) == 0);
  world.run_for(milliseconds(1 + random.below(400)));
  bool drained = false;
  worker.drain([&] { drained = true; });
  world.run_for(milliseconds(random.below(300)));
  client.close();
  world.run_for(seconds(1));
  server.stop();
  if (!drained) worker.shut();
  world.run_for(seconds(2));
  GILIRAN_ASSERT(drained && worker.open() == 0 && worker.open_exchanges() == 0);
  GILIRAN_ASSERT(io.sockets() == 0 && peers.sockets() == 0);
  GILIRAN_ASSERT(io.buffers().blocks_in_use() == 0);
  GILIRAN_ASSERT(io.timers().armed() == 0);
  GILIRAN_ASSERT(shared.connections == 0);
  GILIRAN_ASSERT(configured->pools[0]->endpoints[0]->live.in_flight == 0);
  check(ledger, worker.counts(), server.requests);
}

}  // namespace giliran::sim
