// What a world has beside plain requests and flows: limits, queues, retries, routes, tunnels, PROXY
// headers, stickiness, reloads.
#include <algorithm>

#include "sim/scenario.h"

namespace giliran::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr base::Duration kCalmQueue = seconds(25);

template <typename T, size_t kN>
T one_of(base::Rng& random, const T (&choices)[kN]) {
  return choices[random.below(kN)];
}

uint32_t below(base::Rng& random, uint64_t bound) {
  return static_cast<uint32_t>(random.below(bound));
}

bool one_in(base::Rng& random, uint64_t n) {
  return random.below(n) == 0;
}

void queue(config::Pool& pool, base::Rng& random, bool calm) {
  pool.in_flight_max = 1 + below(random, 3);
  pool.queue_max = calm ? 1024 : below(random, 6);
  pool.queue_timeout = calm ? kCalmQueue : random_us(random, 1000, 60'000);
}

void add_routes(config::Listener& listener) {
  listener.routes = {
      {.name = "other", .path = "/other", .pool = "other"},
      {.name = "go",
       .path = "/go",
       .redirect = config::Redirect{.status = kRedirectStatus, .to = "http://elsewhere{path}"}},
      {.name = "page",
       .path = "/page",
       .answer = config::Answer{.status = 200, .body = std::string(kPage)}}};
  for (config::Route& route : listener.routes) {
    route.request_headers.push_back({.name = "X-Route", .value = route.name});
    route.response_headers.push_back({.name = "X-Routed", .value = route.name});
  }
}

}  // namespace

Scenario Scenario::from_seed(uint64_t seed) {
  Scenario s = basic(seed);
  base::Rng random(seed ^ 0x3eed);
  if (!one_in(random, 8)) s.extend(random);
  return s;
}

void Scenario::extend(base::Rng& random) {
  extended = true;
  other_servers = 1 + below(random, 2);
  for (config::Pool& pool : config.pools) {
    if (one_in(random, 3)) queue(pool, random, calm);
    if (one_in(random, 4)) {
      pool.proxy_protocol =
          one_of(random, {config::ProxyProtocol::kV1, config::ProxyProtocol::kV2});
    }
  }
  if (one_in(random, 3)) config.pools[0].sticky_cookie = "turn";
  if (one_in(random, 2)) {
    add_routes(config.listeners[0]);
    routed = 0.5;
  }
  if (one_in(random, 2)) upgrades = 0.3;
  if (one_in(random, 4)) {
    announce = true;
    for (config::Listener& listener : config.listeners) {
      listener.proxy_protocol_from = {*base::Network::parse("127.0.0.0/8")};
    }
  }
  if (one_in(random, 2)) reloads = 1 + below(random, 4);
  config.timeouts.tunnel_idle_timeout =
      calm ? base::Duration(seconds(20)) : random_us(random, 50'000, 2'000'000);
  if (!calm) limit(random);
  if (one_in(random, 12)) network.piece_bytes_max = 1 + below(random, 3);
  if (!calm && one_in(random, 4)) config.limits.memory_max = uint64_t{65'536} << random.below(4);
}

// Only where something may fail.
void Scenario::limit(base::Rng& random) {
  config::Limits& limits = config.limits;
  if (one_in(random, 3)) config.timeouts.total_timeout = random_us(random, 5'000, 1'000'000);
  if (one_in(random, 3)) config.timeouts.attempt_timeout = random_us(random, 3'000, 300'000);
  if (one_in(random, 4)) limits.body_bytes_max = 100 + random.below(30'000);
  if (one_in(random, 5)) limits.connections_max = 1 + below(random, 6);
  if (one_in(random, 5)) {
    limits.request_rate_max = static_cast<double>(20 + random.below(2000));
    limits.request_burst = 1 + below(random, 10);
  }
  if (one_in(random, 4)) limits.requests_per_connection_max = 1 + below(random, 4);
  for (config::Pool& pool : config.pools) {
    if (one_in(random, 2)) pool.retry_on.statuses = {502, 503};
    if (one_in(random, 4)) pool.retry_on.statuses.push_back(504);
    pool.retry_budget = random.uniform() * 0.5;
    pool.retry_budget_floor = one_of<uint32_t>(random, {0, 0, 1, 10});
    pool.retries_max = below(random, 5);
    pool.mark_down_after = below(random, 6);
    pool.mark_down_on_5xx = one_in(random, 3);
  }
  if (one_in(random, 2)) busy = 0.4;
  if (one_in(random, 3)) denied = 0.05;
  if (announce && one_in(random, 2)) bad_announce = 0.1;
  slow_spells = one_in(random, 4);
}

void revise(config::Coordinator& config, base::Rng& random) {
  config::Pool& pool = config.pools[random.below(config.pools.size())];
  switch (random.below(5)) {
    case 0:
      pool.policy = pool.policy == "round-robin" ? "least-requests" : "round-robin";
      break;
    case 1:
      if (pool.in_flight_max != 0) pool.in_flight_max = 1 + below(random, 4);
      break;
    case 2:
      if (pool.queue_max < 100) pool.queue_max = below(random, 8);
      break;
    case 3:
      config.limits.upstream_idle_max = below(random, 8);
      break;
    case 4:
      if (config.timeouts.total_timeout.count() != 0) {
        config.timeouts.total_timeout = random_us(random, 5'000, 1'000'000);
      }
      break;
  }
}

// --- requests ---

void Scenario::plan_extension(base::Rng& random, RequestPlan& plan) const {
  if (tiny()) {
    plan.body_in %= kTinyBodyMax;
    plan.body_out %= kTinyBodyMax;
  }
  if (random.uniform() < denied) {
    plan.method = "TRACE";
    plan.where = Where::kDenied;
    plan.request_framing = Framing::kNone;
    plan.body_in = 0;
    return;
  }
  if (fault > 0 && one_in(random, 20)) plan.server_act = ServerAct::kStopReading;
  if (random.uniform() < busy) {
    plan.busy_times = 1 + below(random, 3);
    plan.busy_status = one_of<uint16_t>(random, {502, 503});
  }
  if (random.uniform() < routed) {
    plan.where =
        one_of(random, {Where::kOtherPool, Where::kOtherPool, Where::kRedirect, Where::kPage});
    if (plan.local()) {
      plan.status = plan.where == Where::kRedirect ? kRedirectStatus : 200;
      plan.body_out = plan.where == Where::kRedirect ? 0 : kPage.size();
      plan.response_framing = Framing::kLength;
      plan.server_act = ServerAct::kAnswer;
      plan.busy_times = 0;
      // Answered before its body has come, it may be the last of its connection.
      if (calm) {
        plan.request_framing = Framing::kNone;
        plan.body_in = 0;
      }
    }
  }
  if (!plan.local() && !plan.http10 && random.uniform() < upgrades) plan_upgrade(random, plan);
}

void Scenario::plan_upgrade(base::Rng& random, RequestPlan& plan) const {
  plan.upgrade = true;
  plan.method = "GET";
  plan.keep_alive = true;
  plan.request_framing = one_of(random, {Framing::kNone, Framing::kLength, Framing::kChunked});
  if (plan.request_framing != Framing::kNone) {
    plan.body_first = random.below(3) == 0 ? random.below(100'000) : random.below(500);
  }
  plan.body_in = 0;
  plan.busy_times = 0;
  switch (plan.server_act) {
    case ServerAct::kEarly:
    case ServerAct::kAnswerAndClose:
    case ServerAct::kCutBody:
    case ServerAct::kStopReading:
      plan.server_act = ServerAct::kAnswer;
      break;
    case ServerAct::kAnswer:
    case ServerAct::kInterim:
    case ServerAct::kClose:
    case ServerAct::kReset:
    case ServerAct::kGarbage:
    case ServerAct::kSilent:
      break;
  }
  if (one_in(random, 3)) return;  // declined
  plan.status = 101;
  plan.body_in = random.below(3) == 0 ? random.below(100'000) : random.below(500);
  plan.body_out = random.below(3) == 0 ? random.below(100'000) : random.below(500);
  if (tiny()) {
    plan.body_in %= kTinyBodyMax;
    plan.body_out %= kTinyBodyMax;
  }
  plan.tunnel_end = one_of(random, {TunnelEnd::kClientFirst, TunnelEnd::kServerFirst});
  if (random.uniform() < fault) {
    plan.tunnel_end =
        one_of(random, {TunnelEnd::kClientReset, TunnelEnd::kServerReset, TunnelEnd::kNobody});
  }
  plan.tunnel_act_after = random_us(random, 0, 20'000);
}

}  // namespace giliran::sim
