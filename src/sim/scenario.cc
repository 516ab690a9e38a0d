#include "sim/scenario.h"

#include <fmt/format.h>

namespace giliran::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr uint64_t kBodyMax = 200 * 1024;

// Most bodies are small; some are larger than every window.
uint64_t random_size(base::Rng& random) {
  const uint64_t kind = random.below(10);
  if (kind == 0) return 0;
  if (kind < 7) return random.below(1000);
  if (kind < 9) return random.below(20000);
  return random.below(kBodyMax + 1);
}

config::Coordinator coordinator(base::Rng& random) {
  config::Coordinator config;
  config::Timeouts& options = config.timeouts;
  options.connect_timeout = milliseconds(200);
  options.head_timeout = seconds(1);
  options.response_timeout = seconds(1);
  options.body_timeout = seconds(1);
  options.write_timeout = seconds(1);
  options.idle_timeout = seconds(2);
  options.upstream_idle_timeout = milliseconds(1 + random.below(500));
  options.flow_idle_timeout = milliseconds(100 + random.below(2000));
  config.limits.upstream_idle_max = static_cast<uint32_t>(random.below(8));
  config.backoff_first = milliseconds(50);
  config.backoff_max = milliseconds(500);
  config.pools = {{.name = "http"}, {.name = "other"}, {.name = "tcp"}};
  config.listeners = {{.name = "http", .pool = "http"}, {.name = "tcp", .pool = "tcp"}};
  config.listeners[1].listen.scheme = config::Scheme::kTcp;
  return config;
}

template <typename T, size_t kN>
T one_of(base::Rng& random, const T (&choices)[kN]) {
  return choices[random.below(kN)];
}

}  // namespace

base::Duration random_us(base::Rng& random, uint64_t from, uint64_t to) {
  return std::chrono::microseconds(from + random.below(to - from + 1));
}

Scenario Scenario::basic(uint64_t seed) {
  base::Rng random(seed);
  Scenario s;
  s.seed = seed;
  s.calm = random.below(4) == 0;
  s.network.delay_min = random_us(random, 1, 50);
  s.network.delay_max = s.network.delay_min + random_us(random, 0, 2000);
  s.network.split = random.uniform() * 0.8;
  s.network.window_bytes = uint32_t{2048} << random.below(6);
  s.config = coordinator(random);
  const std::string policy = random.below(2) == 0 ? "round-robin" : "least-requests";
  for (config::Pool& pool : s.config.pools) pool.policy = policy;
  s.workers = static_cast<uint32_t>(1 + random.below(3));
  s.http_servers = static_cast<uint32_t>(1 + random.below(4));
  s.flow_servers = static_cast<uint32_t>(1 + random.below(2));
  s.clients = static_cast<uint32_t>(1 + random.below(6));
  s.flows = static_cast<uint32_t>(random.below(8));
  s.requests_each = static_cast<uint32_t>(1 + random.below(12));
  // In a calm world who half-closes is answered, too.
  if (s.calm || seed % 2 == 0) s.config.listeners[0].half_close = config::HalfClose::kWait;
  if (s.calm) return s;
  if (random.below(2) == 0) s.network.reset = random.uniform() * 0.01;
  if (random.below(4) != 0) s.fault = random.uniform() * 0.4;
  if (random.below(2) == 0) s.idle = random_us(random, 100, 400'000);
  s.stop = one_of(random, {Stop::kAtTheEnd, Stop::kAtTheEnd, Stop::kDrain, Stop::kShut});
  s.stop_after = random_us(random, 0, 100'000);
  return s;
}

std::string Scenario::text() const {
  constexpr const char* kStops[] = {"end", "drain", "shut"};
  return fmt::format(
      "seed {}: calm {}, {} workers, {} HTTP servers, {} TCP servers, {} clients x {} requests, "
      "{} flows, {}, window {}, delay {}..{} us, split {:.2f}, reset {:.4f}, fault {:.2f}, server "
      "idle {} us, stop {} after {} us",
      seed, calm, workers, http_servers, flow_servers, clients, requests_each, flows,
      config.pools[0].policy, network.window_bytes, base::to_us(network.delay_min),
      base::to_us(network.delay_max), network.split, network.reset, fault, base::to_us(idle),
      kStops[static_cast<int>(stop)], base::to_us(stop_after));
}

RequestPlan Scenario::plan_request(base::Rng& random, bool http10) const {
  RequestPlan plan;
  plan.http10 = http10;
  plan.keep_alive = random.below(8) != 0;
  plan.method = one_of<std::string_view>(random, {"GET", "GET", "HEAD", "POST", "PUT", "DELETE"});
  const bool with_body = plan.method == "POST" || plan.method == "PUT" || random.below(20) == 0;
  if (with_body) {
    plan.body_in = random_size(random);
    plan.request_framing = http10 || random.below(2) == 0 ? Framing::kLength : Framing::kChunked;
  }
  plan.status = one_of<uint16_t>(random, {200, 200, 200, 200, 200, 200, 201, 404, 204, 304});
  plan.body_out = plan.status == 204 ? 0 : random_size(random);
  plan.response_framing =
      one_of(random, {Framing::kLength, Framing::kLength, Framing::kChunked, Framing::kUntilClose});
  plan.server_delay = random_us(random, 0, 5000);
  if (random.below(10) == 0) plan.server_act = ServerAct::kInterim;
  if (random.uniform() < fault) {
    plan.server_act =
        one_of(random, {ServerAct::kEarly, ServerAct::kAnswerAndClose, ServerAct::kAnswerAndClose,
                        ServerAct::kClose, ServerAct::kReset, ServerAct::kCutBody,
                        ServerAct::kGarbage, ServerAct::kSilent});
  }
  // A close with the request unread is a reset, and a reset no end of a body.
  if (plan.server_act == ServerAct::kEarly || plan.server_act == ServerAct::kCutBody) {
    if (plan.response_framing == Framing::kUntilClose) plan.response_framing = Framing::kLength;
  }
  if (random.uniform() < fault / 4) {
    plan.send_act = one_of(random, {SendAct::kTruncated, SendAct::kPaused});
  }
  if (extended) plan_extension(random, plan);
  return plan;
}

FlowPlan Scenario::plan_flow(base::Rng& random) const {
  FlowPlan plan;
  plan.up = random_size(random);
  plan.down = random_size(random);
  if (tiny()) {
    plan.up %= kTinyBodyMax;
    plan.down %= kTinyBodyMax;
  }
  plan.act = one_of(random, {FlowPlan::Act::kNormal, FlowPlan::Act::kServerFirst});
  plan.act_after = random_us(random, 0, 20'000);
  if (random.uniform() < fault) {
    plan.act = one_of(
        random, {FlowPlan::Act::kClientReset, FlowPlan::Act::kServerReset, FlowPlan::Act::kIdle});
  }
  return plan;
}

}  // namespace giliran::sim
