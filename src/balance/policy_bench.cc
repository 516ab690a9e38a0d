// What one choice costs, by policy and number of endpoints; `down` of every ten are not usable.
#include <benchmark/benchmark.h>

#include <memory>
#include <vector>

#include "balance/policy.h"

namespace giliran::balance {
namespace {

struct alignas(64) Endpoint {
  EndpointLive live;
};

struct World {
  World(const char* policy, size_t size)
      : endpoints(std::make_unique<Endpoint[]>(size)), policy_(*find_policy(policy)) {
    const std::vector<Candidate> candidates(size);
    prepared = policy_->prepare(candidates);
    for (size_t i = 0; i < size; ++i) live.push_back(&endpoints[i].live);
  }
  PoolLive pool;
  std::unique_ptr<Endpoint[]> endpoints;
  std::vector<EndpointLive*> live;
  std::unique_ptr<const Prepared> prepared;

 private:
  const Policy* policy_;
};

void choose(benchmark::State& state, const char* policy) {
  World world(policy, static_cast<size_t>(state.range(0)));
  const auto down = static_cast<uint32_t>(state.range(1));
  const auto usable = [down](uint32_t i) { return i % 10 >= down; };
  base::Rng random(1);
  const Request request{.pool = world.pool, .live = world.live, .usable = usable, .random = random};
  for (auto _ : state) {
    benchmark::DoNotOptimize(world.prepared->choose(request));
  }
}

void prepare(benchmark::State& state, const char* policy) {
  std::vector<Candidate> candidates(static_cast<size_t>(state.range(0)));
  base::Rng random(1);
  for (Candidate& one : candidates) {
    one.weight = static_cast<uint32_t>(1 + random.below(static_cast<uint64_t>(state.range(1))));
  }
  for (auto _ : state) benchmark::DoNotOptimize((*find_policy(policy))->prepare(candidates));
}

BENCHMARK_CAPTURE(choose, round_robin, "round-robin")
    ->ArgNames({"endpoints", "down"})
    ->ArgsProduct({{3, 100, 10'000}, {0, 1}});
BENCHMARK_CAPTURE(choose, least_requests, "least-requests")
    ->ArgNames({"endpoints", "down"})
    ->ArgsProduct({{3, 100, 10'000}, {0, 1}});
BENCHMARK_CAPTURE(prepare, round_robin, "round-robin")
    ->ArgNames({"endpoints", "weights"})
    ->ArgsProduct({{10'000}, {1, 10, 256}})
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace giliran::balance
