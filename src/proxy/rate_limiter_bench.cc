// What the rate limit costs a request, by number of clients.
#include <benchmark/benchmark.h>

#include "proxy/rate_limiter.h"

namespace giliran::proxy {
namespace {

void admit(benchmark::State& state) {
  static RateLimiter limiter(1);
  const RateLimit limit = RateLimit::of(1000, 100);
  const auto clients = static_cast<uint32_t>(state.range(0));
  base::Instant now{std::chrono::seconds(1)};
  uint32_t i = 0;
  for (auto _ : state) {
    now += base::Duration(1000);
    i = i * 1664525 + 1013904223;
    const auto who = base::Address::ipv4(0x0a000000 + (i >> 8) % clients, 1);
    benchmark::DoNotOptimize(limiter.admit(who, now, limit));
  }
}
BENCHMARK(admit)->Arg(1)->Arg(1000)->Arg(50'000)->Arg(1'000'000);

}  // namespace
}  // namespace giliran::proxy
