// What a whole choice costs: the policy, what is down, what was tried, a slot taken. Of every ten
// endpoints `down` are out. `pools` of them take turns: one stays in the processor's caches, many
// do not, so that each choice finds its pool as a worker does that did much else in between.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "proxy/choose.h"

namespace giliran::proxy {
namespace {

constexpr base::Instant kNow{std::chrono::seconds(1)};
constexpr base::Duration kTrial = std::chrono::seconds(5);

std::shared_ptr<const cluster::Pool> pool_of(const char* policy, size_t size, size_t down) {
  config::Pool options;
  options.name = "p";
  options.policy = policy;
  std::vector<cluster::Member> members(size);
  for (size_t i = 0; i < size; ++i) {
    members[i].name = "s" + std::to_string(i);
    members[i].address = base::Address::ipv4(0x7f000001 + static_cast<uint32_t>(i), 9000);
  }
  auto pool = *cluster::make_pool(options, members);
  base::Rng random(1);
  const health::BackoffOptions hours{.first = std::chrono::hours(9), .max = std::chrono::hours(9)};
  for (size_t i = 0; i < size; ++i) {
    if (i % 10 < down) pool->endpoints[i]->backoff.connect_failed(kNow, hours, random);
  }
  return pool;
}

void choose_one(benchmark::State& state, const char* policy) {
  std::vector<std::shared_ptr<const cluster::Pool>> pools;
  for (int64_t i = 0; i < state.range(2); ++i) {
    pools.push_back(
        pool_of(policy, static_cast<size_t>(state.range(0)), static_cast<size_t>(state.range(1))));
  }
  base::Rng random(1);
  const Tried tried{};
  size_t next = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(choose(*pools[next], {.tried = tried}, kNow, kTrial, random));
    if (++next == pools.size()) next = 0;
  }
}

BENCHMARK_CAPTURE(choose_one, round_robin, "round-robin")
    ->ArgNames({"endpoints", "down", "pools"})
    ->ArgsProduct({{3, 100, 10'000}, {0, 1}, {1}})
    ->ArgsProduct({{10'000}, {0, 1}, {50}});
BENCHMARK_CAPTURE(choose_one, least_requests, "least-requests")
    ->ArgNames({"endpoints", "down", "pools"})
    ->ArgsProduct({{3, 100, 10'000}, {0, 1}, {1}})
    ->ArgsProduct({{10'000}, {0, 1}, {50}});

}  // namespace
}  // namespace giliran::proxy
