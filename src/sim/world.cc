#include "sim/world.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/assert.h"

namespace giliran::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr uint16_t kHttpPort = 8080;
constexpr uint16_t kFlowPort = 8081;
constexpr uint16_t kHttpServers = 9000;
constexpr uint16_t kFlowServers = 9100;
constexpr base::Duration kStep = milliseconds(1);
constexpr base::Duration kBound = seconds(300);  // virtual: by then everything is over
constexpr base::Duration kDrainBound = seconds(20);

}  // namespace

struct World::Member {
  Member(World& world, uint32_t index)
      : io(world.world_.add_io()),
        keeper(world.ledger_, index),
        worker({.io = io,
                .options = world.scenario_.proxy,
                .snapshot = std::make_unique<cluster::Snapshot>(world.snapshot_),
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

World::World(const Scenario& scenario)
    : scenario_(scenario),
      world_(scenario.seed, scenario.network),
      random_(scenario.seed ^ 0x5151),
      peers_(world_.add_io()) {
  make_servers();
  make_workers();
  make_clients();
}

World::~World() = default;

// --- making ---

void World::make_servers() {
  std::vector<cluster::Member> http;
  for (uint16_t i = 0; i < scenario_.http_servers; ++i) {
    const base::Address at = base::Address::loopback(static_cast<uint16_t>(kHttpServers + i));
    http.push_back({.name = at.text(), .address = at});
    http_servers_.push_back(std::make_unique<HttpServer>(peers_, ledger_, at, scenario_.idle));
  }
  std::vector<cluster::Member> flow;
  for (uint16_t i = 0; i < scenario_.flow_servers; ++i) {
    const base::Address at = base::Address::loopback(static_cast<uint16_t>(kFlowServers + i));
    flow.push_back({.name = at.text(), .address = at});
    flow_servers_.push_back(std::make_unique<FlowServer>(peers_, ledger_, at));
  }
  snapshot_.pools = {*cluster::make_pool({.name = "http", .policy = scenario_.policy}, http),
                     *cluster::make_pool({.name = "tcp", .policy = scenario_.policy}, flow)};
  snapshot_.listeners = {cluster::make_listener(config::Scheme::kHttp, "http", snapshot_.pools[0]),
                         cluster::make_listener(config::Scheme::kTcp, "tcp", snapshot_.pools[1])};
  if (scenario_.fault > 0 && random_.below(2) == 0) shake();
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
    clients_.push_back(std::make_unique<HttpClient>(peers_, ledger_, script));
  }
  for (uint32_t f = 0; f < scenario_.flows; ++f) {
    const uint64_t id = ledger_.add(scenario_.plan_flow(random_));
    flows_.push_back(std::make_unique<FlowClient>(
        peers_, ledger_, base::Address::loopback(kFlowPort), id, random_us(random_, 0, 30'000)));
  }
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
      shake_at = now + random_us(random_, 1000, 100'000);
    }
    world_.run_for(kStep);
  }
}

Outcome World::run() {
  wait(kBound, "clients", &World::clients_done);
  drain();
  wait(kDrainBound, "workers", &World::drained);
  world_.run_for(seconds(1));  // what is under way still arrives
  for (const auto& server : http_servers_) server->stop();
  for (const auto& server : flow_servers_) server->stop();
  for (const auto& server : http_servers_) server->close_all();
  for (const auto& server : flow_servers_) server->close_all();
  wait(kDrainBound, "servers", &World::servers_done);
  world_.run_for(seconds(1));
  check_leaks();
  check_counts();
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
  for (const auto& pool : snapshot_.pools) {
    for (const auto& endpoint : pool->endpoints) {
      if (const uint32_t n = endpoint->live.in_flight; n != 0) {
        ledger_.wrong(fmt::format("{} in flight on {} after the end", n, endpoint->name));
      }
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
  for (const auto& member : members_) outcome.retries += member->worker.counts().retries;
  outcome.took = world_.clock().now() - base::Instant{};
  return outcome;
}

}  // namespace giliran::sim
