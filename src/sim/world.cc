#include "sim/world.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/assert.h"
#include "proxy/options.h"

namespace giliran::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr uint16_t kHttpPort = 8080;
constexpr uint16_t kFlowPort = 8081;
constexpr uint16_t kHttpServers = 9000;
constexpr uint16_t kFlowServers = 9100;
constexpr uint16_t kOtherServers = 9200;
constexpr base::Duration kStep = milliseconds(1);
constexpr base::Duration kBound = seconds(300);  // virtual: by then everything is over
constexpr base::Duration kDrainBound = seconds(20);
// Blocks of one connection (docs/threat_model.md).
constexpr uint64_t kHeldMax = 800 << 10;
constexpr uint64_t kTinyHeldMax = 256 << 10;   // mostly of receives
constexpr uint64_t kTurnBytesMax = 256 << 10;  // taken before the limit is looked at
constexpr uint64_t kPipeBytesMax =
    2 * 65'536;  // of a flow: the in-memory network's pipes are blocks

}  // namespace

struct World::Member {
  Member(World& world, uint32_t index)
      : io(world.world_.add_io()),
        keeper(world.ledger_, index),
        worker({.io = io,
                .options = world.options(),
                .snapshot = world.snapshots_.back(),
                .sink = keeper,
                .shared = world.shared_,
                .random = world.random_.split(index),
                .index = index,
                .workers = world.scenario_.workers,
                .notices = world}) {}
  net::Io& io;
  Keeper keeper;
  proxy::Worker worker;
  bool draining = false;
  bool drained = false;
};

struct World::Watched {
  const cluster::Endpoint* endpoint;  // snapshots_ keeps it
  uint32_t in_flight_max;             // 0: no limit
};

World::World(const Scenario& scenario)
    : scenario_(scenario),
      world_(scenario.seed, scenario.network),
      random_(scenario.seed ^ 0x5151),
      peers_(world_.add_io()),
      extra_(scenario.seed ^ 0x77),
      config_(scenario.config) {
  make_servers();
  make_workers();
  make_clients();
}

World::~World() = default;

// --- making ---

// Flows of this size are spliced in some worlds from the first byte on, in some never.
proxy::Options World::options() const {
  proxy::Options options = proxy::Options::of(config_);
  base::Rng random(scenario_.seed ^ 0x5b11ce);
  options.splice = {.receives = static_cast<uint8_t>(random.below(4)),
                    .from_bytes = uint32_t{1} << random.below(16),
                    .down_to_bytes = uint32_t{1} << random.below(12)};
  return options;
}

void World::make_http_servers(size_t pool, uint16_t first_port, uint32_t count) {
  for (uint16_t i = 0; i < count; ++i) {
    const base::Address at = base::Address::loopback(static_cast<uint16_t>(first_port + i));
    all_members_[pool].push_back({.name = at.text(), .address = at});
    http_servers_.push_back(std::make_unique<HttpServer>(
        peers_, ledger_,
        ServerScript{
            .at = at,
            .idle = scenario_.idle,
            .announced = config_.pools[pool].proxy_protocol != config::ProxyProtocol::kNone,
            .on_request = [this] { watch(); }}));
  }
}

void World::make_servers() {
  all_members_.resize(config_.pools.size());
  make_http_servers(0, kHttpServers, scenario_.http_servers);
  make_http_servers(1, kOtherServers, scenario_.other_servers);
  const bool announced = config_.pools[2].proxy_protocol != config::ProxyProtocol::kNone;
  for (uint16_t i = 0; i < scenario_.flow_servers; ++i) {
    const base::Address at = base::Address::loopback(static_cast<uint16_t>(kFlowServers + i));
    all_members_[2].push_back({.name = at.text(), .address = at});
    flow_servers_.push_back(std::make_unique<FlowServer>(peers_, ledger_, at, announced));
  }
  members_of_ = all_members_;
  if (scenario_.extended) shared_.rate_limiter = std::make_unique<proxy::RateLimiter>(1, 64);
  publish();
  if (scenario_.fault > 0 && random_.below(2) == 0) shake();
}

// --- configurations ---

void World::publish() {
  const cluster::Bound bound[] = {
      {.listener = &config_.listeners[0], .address = base::Address::loopback(kHttpPort)},
      {.listener = &config_.listeners[1], .address = base::Address::loopback(kFlowPort)}};
  const cluster::Snapshot* before = snapshots_.empty() ? nullptr : snapshots_.back().get();
  snapshots_.push_back(*cluster::make_snapshot(config_, members_of_, bound, before));
  note_bounds();
  for (const auto& member : members_) {
    member->worker.publish(snapshots_.back(), options());
  }
}

namespace {

// 0 is more than anything.
template <typename T>
void loosen(T& bound, T value) {
  bound = bound == T{} || value == T{} ? T{} : std::max(bound, value);
}

void note(Bounds::OfPool& bounds, const cluster::Pool& pool) {
  const config::Pool& options = pool.options;
  bounds.queue_max = std::max(bounds.queue_max, options.queue_max);
  bounds.queue_timeout = std::max(bounds.queue_timeout, options.queue_timeout);
  bounds.budget_part = std::max(bounds.budget_part, options.retry_budget);
  bounds.budget_floor = std::max(bounds.budget_floor, options.retry_budget_floor);
  bounds.retries_max = std::max(bounds.retries_max, options.retries_max);
  bounds.limited = bounds.limited || pool.limited;
}

}  // namespace

void World::note_bounds() {
  Bounds& bounds = ledger_.bounds;
  bounds.reloaded = snapshots_.size() > 1;
  if (!bounds.reloaded) {
    bounds.total_timeout = config_.timeouts.total_timeout;
    bounds.body_bytes_max = config_.limits.body_bytes_max;
    bounds.requests_per_connection_max = config_.limits.requests_per_connection_max;
  }
  loosen(bounds.total_timeout, config_.timeouts.total_timeout);
  for (const auto& pool : snapshots_.back()->pools) {
    note(bounds.pools[pool->name], *pool);
    for (size_t i = 0; i < pool->endpoints.size(); ++i) {
      const auto found = std::ranges::find(watched_, pool->endpoints[i].get(), &Watched::endpoint);
      if (found == watched_.end()) {
        watched_.push_back({pool->endpoints[i].get(), pool->in_flight_max[i]});
      } else {
        loosen(found->in_flight_max, pool->in_flight_max[i]);
      }
    }
  }
}

// Servers come, go, and change their weights and limits.
void World::revise_members() {
  const size_t pool = extra_.below(all_members_.size());
  std::vector<cluster::Member>& members = members_of_[pool];
  members.clear();
  for (cluster::Member member : all_members_[pool]) {
    if (extra_.below(4) == 0) continue;
    member.weight = static_cast<uint32_t>(1 + extra_.below(3));
    if (config_.pools[pool].in_flight_max != 0) {
      member.in_flight_max = static_cast<uint32_t>(extra_.below(4));
    }
    members.push_back(member);
  }
  if (members.empty()) members.push_back(all_members_[pool].front());
}

void World::reload() {
  if (extra_.below(2) == 0) {
    revise_members();
  } else {
    revise(config_, extra_);
  }
  publish();
}

void World::make_workers() {
  shared_.wake = [this](uint32_t i) {
    members_[i]->io.post([&worker = members_[i]->worker] { worker.serve_queues(); });
  };
  for (uint32_t i = 0; i < scenario_.workers; ++i) {
    members_.push_back(std::make_unique<Member>(*this, i));
    proxy::Worker& worker = members_.back()->worker;
    const bool listening = worker.listen(0, base::Address::loopback(kHttpPort), true) &&
                           worker.listen(1, base::Address::loopback(kFlowPort), true);
    GILIRAN_ASSERT(listening);
  }
}

void World::make_clients() {
  for (uint32_t c = 0; c < scenario_.clients; ++c) {
    ClientScript script{.proxy = base::Address::loopback(kHttpPort), .requests = {}};
    const bool http10 = random_.below(6) == 0;
    for (uint32_t i = 0; i < scenario_.requests_each; ++i) {
      script.requests.push_back(ledger_.add(scenario_.plan_request(random_, http10)));
    }
    // Whoever speaks HTTP/1.0 cannot know whether the connection outlives an answer.
    if (!http10 && random_.below(3) == 0)
      script.depth = static_cast<uint32_t>(2 + random_.below(4));
    if (random_.below(3) == 0) script.pace = random_us(random_, 0, scenario_.calm ? 2000 : 20'000);
    script.start = random_us(random_, 0, 20'000);
    script.half_close = random_.below(6) == 0;
    if (random_.uniform() < scenario_.fault) {
      script.act =
          random_.below(2) == 0 ? ClientScript::Act::kAbort : ClientScript::Act::kStopReading;
      script.act_after = random_us(random_, 0, 50'000);
    }
    if (scenario_.extended) extend(script, c);
    clients_.push_back(std::make_unique<HttpClient>(peers_, ledger_, script));
  }
  for (uint32_t f = 0; f < scenario_.flows; ++f) {
    const uint64_t id = ledger_.add(scenario_.plan_flow(random_));
    flows_.push_back(std::make_unique<FlowClient>(
        peers_, ledger_, base::Address::loopback(kFlowPort), id, random_us(random_, 0, 30'000),
        scenario_.announce ? base::Address::ipv4(0x0a010000 + f, 1234) : base::Address()));
  }
}

void World::extend(ClientScript& script, uint32_t number) {
  script.cookies = true;
  // Where an answer may be the last of its connection, what was sent behind it is lost.
  if (scenario_.calm && config_.limits.requests_per_connection_max != 0) script.depth = 1;
  if (!scenario_.announce) return;
  script.announce = base::Address::ipv4(0x0a000000 + number, 4321);
  script.how = number % 2 == 0 ? ClientScript::Announce::kV1 : ClientScript::Announce::kV2;
  if (extra_.uniform() < scenario_.bad_announce) script.how = ClientScript::Announce::kWrong;
}

// --- running ---

void World::shake() {
  const bool http = random_.below(3) != 0;
  const uint64_t i = random_.below(http ? scenario_.http_servers : scenario_.flow_servers);
  const auto at =
      base::Address::loopback(static_cast<uint16_t>((http ? kHttpServers : kFlowServers) + i));
  switch (random_.below(4)) {
    case 0:  // killed
      world_.set_reach(at, net::MemoryWorld::Reach::kRefused);
      world_.reset_all(at);
      ++ledger_.kills;
      break;
    case 1:  // its cable is pulled, for who connects
      world_.set_reach(at, net::MemoryWorld::Reach::kSilent);
      break;
    default:
      world_.set_reach(at, net::MemoryWorld::Reach::kNormal);
      break;
  }
}

void World::shake_network() {
  const bool slow = extra_.below(3) == 0;
  world_.options().delay_max =
      slow ? random_us(extra_, 50'000, 400'000) : scenario_.network.delay_max;
}

// Blocks in use, for those who are connected; pieces of a few bytes hold no more than their bytes.
void World::watch_memory() {
  const uint64_t each = scenario_.tiny() ? kTinyHeldMax : kHeldMax;
  const uint64_t limit = config_.limits.memory_max / scenario_.workers;
  for (const auto& member : members_) {
    const uint64_t used = member->io.buffers().bytes_in_use();
    const uint64_t open = member->worker.open();
    if (used > open * each) {
      ledger_.wrong(fmt::format("{} bytes of blocks are in use for {} connections", used, open));
    }
    // Of those that are cut the sockets close a little later; what is in a pipe does not count.
    const uint64_t beside = kTurnBytesMax + member->worker.open_flows() * kPipeBytesMax;
    if (limit != 0 && used > limit + beside) {
      ledger_.wrong(fmt::format("{} bytes of blocks are in use, the limit is {}", used, limit));
    }
  }
}

void World::watch() {
  watch_memory();
  for (const Watched& watched : watched_) {
    const uint32_t n = watched.endpoint->live.in_flight;
    if (watched.in_flight_max != 0 && n > watched.in_flight_max) {
      ledger_.wrong(fmt::format("{} in flight on {}, which may have {}", n, watched.endpoint->name,
                                watched.in_flight_max));
    }
  }
  for (const auto& pool : snapshots_.back()->pools) {
    const uint32_t waiting = pool->state->queue.waiting;
    if (waiting > ledger_.bounds.pools[pool->name].queue_max) {
      ledger_.wrong(fmt::format("{} wait for pool {}", waiting, pool->name));
    }
  }
}

bool World::clients_done() const {
  return std::ranges::all_of(clients_, [](const auto& c) { return c->done(); }) &&
         std::ranges::all_of(flows_, [](const auto& f) { return f->done(); });
}

bool World::drained() const {
  return std::ranges::all_of(members_, [](const auto& m) { return m->drained; });
}

bool World::servers_done() const {
  return std::ranges::all_of(http_servers_, [](const auto& s) { return s->open() == 0; }) &&
         std::ranges::all_of(flow_servers_, [](const auto& s) { return s->open() == 0; });
}

void World::drain() {
  for (const auto& member : members_) {
    if (member->draining) continue;
    member->draining = true;
    member->worker.drain([m = member.get()] { m->drained = true; });
  }
}

void World::wait(base::Duration bound, const char* what, bool (World::*done)() const) {
  const base::Instant end = world_.clock().now() + bound;
  const base::Instant stop_at = base::Instant{} + scenario_.stop_after;
  base::Instant shake_at = world_.clock().now() + random_us(random_, 1000, 100'000);
  base::Instant reload_at = world_.clock().now() + random_us(extra_, 0, 60'000);
  bool stopped = scenario_.stop == Scenario::Stop::kAtTheEnd;
  while (!(this->*done)()) {
    const base::Instant now = world_.clock().now();
    if (now >= end) {
      ledger_.wrong(fmt::format("not over after {} s: {}", base::to_seconds(bound), what));
      return;
    }
    if (!stopped && now >= stop_at) {
      stopped = true;
      drain();
      if (scenario_.stop == Scenario::Stop::kShut) {
        world_.run_for(random_us(random_, 0, 20'000));
        for (const auto& member : members_) member->worker.shut();
      }
    }
    if (scenario_.fault > 0 && now >= shake_at) {
      shake();
      if (scenario_.slow_spells) shake_network();
      shake_at = now + random_us(random_, 1000, 100'000);
    }
    if (reloads_ < scenario_.reloads && now >= reload_at) {
      ++reloads_;
      reload();
      reload_at = now + random_us(extra_, 0, 60'000);
    }
    watch();
    world_.run_for(kStep);
  }
}

Outcome World::run() {
  wait(kBound, "clients", &World::clients_done);
  world_.options().delay_max = scenario_.network.delay_max;
  drain();
  wait(kDrainBound, "workers", &World::drained);
  world_.run_for(seconds(1));  // what is under way still arrives
  for (const auto& server : http_servers_) server->stop();
  for (const auto& server : flow_servers_) server->stop();
  for (const auto& server : http_servers_) server->close_all();
  for (const auto& server : flow_servers_) server->close_all();
  wait(kDrainBound, "servers", &World::servers_done);
  world_.run_for(seconds(1));
  ledger_.bounds.span = world_.clock().now() - base::Instant{};
  check_leaks();
  check_let_go();
  check_counts();
  check_retries(ledger_);
  check_requests(ledger_, scenario_);
  check_flows(ledger_, scenario_);
  return outcome();
}

// --- looking ---

void World::check_leaks() {
  for (const auto& member : members_) {
    if (!member->drained) member->worker.shut();  // so that the rest can be looked at
  }
  world_.run_for(seconds(1));
  for (const auto& member : members_) {
    if (member->io.sockets() != 0 || member->worker.open() != 0) {
      ledger_.wrong(fmt::format("{} sockets and {} connections or flows are left of a worker",
                                member->io.sockets(), member->worker.open()));
    }
    if (member->io.buffers().blocks_in_use() != 0) {
      ledger_.wrong(fmt::format("{} buffers are left", member->io.buffers().blocks_in_use()));
    }
    if (member->io.timers().armed() != 0) ledger_.wrong("a timer is left armed");
  }
  if (peers_.sockets() != 0) ledger_.wrong("the peers have sockets left");
}

// Whatever lives longer than an exchange was given back.
void World::check_let_go() {
  for (const Watched& watched : watched_) {
    if (const uint32_t n = watched.endpoint->live.in_flight; n != 0) {
      ledger_.wrong(fmt::format("{} in flight on {} after the end", n, watched.endpoint->name));
    }
  }
  for (const auto& pool : snapshots_.back()->pools) {
    if (const uint32_t n = pool->state->queue.waiting; n != 0) {
      ledger_.wrong(fmt::format("{} wait for pool {} after the end", n, pool->name));
    }
  }
  if (const uint32_t n = shared_.connections; n != 0) {
    ledger_.wrong(fmt::format("{} connections after the end", n));
  }
  for (const auto& listener : snapshots_.back()->listeners) {
    if (const uint32_t n = listener->state->connections; n != 0) {
      ledger_.wrong(fmt::format("{} connections of {} after the end", n, listener->name));
    }
  }
  for (const auto& snapshot : snapshots_) {
    if (snapshot != snapshots_.back() && snapshot.use_count() > 1) {
      ledger_.wrong("a snapshot that was replaced is still held");
    }
  }
}

void World::check_counts() {
  proxy::WorkerCounts counts;
  for (const auto& member : members_) counts.add(member->worker.counts());
  uint64_t exchanges = 0, flows = 0, failed = 0, retries = 0;
  for (const KeptRecord& kept : ledger_.records) {
    ++(kept.record.kind == telemetry::Kind::kFlow ? flows : exchanges);
    failed += kept.record.end == telemetry::End::kOk ? 0 : 1;
    retries += kept.record.attempts > 1 ? kept.record.attempts - 1U : 0;
  }
  if (counts.exchanges != exchanges || counts.flows != flows || counts.failed != failed ||
      counts.retries != retries) {
    ledger_.wrong(
        fmt::format("counted {} exchanges, {} flows, {} failed, {} retries; recorded {}, "
                    "{}, {}, {}",
                    counts.exchanges, counts.flows, counts.failed, counts.retries, exchanges, flows,
                    failed, retries));
  }
}

Outcome World::outcome() {
  Outcome outcome{.wrongs = ledger_.wrongs, .wrong_count = ledger_.wrong_count};
  for (const RequestSeen& seen : ledger_.seen) {
    outcome.requests += seen.begun ? 1 : 0;
    outcome.complete += seen.complete ? 1 : 0;
  }
  outcome.flows = ledger_.flows.size() - 1;
  outcome.records = ledger_.records.size();
  for (const KeptRecord& kept : ledger_.records) ++outcome.ends[kept.record.end];
  for (const auto& member : members_) {
    outcome.retries += member->worker.counts().retries;
    outcome.splices += member->io.counters().splices;
  }
  outcome.took = world_.clock().now() - base::Instant{};
  return outcome;
}

}  // namespace giliran::sim
