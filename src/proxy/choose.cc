#include "proxy/choose.h"

namespace giliran::proxy {

std::optional<uint32_t> choose(const cluster::Pool& pool, const Tried& tried, base::Instant now,
                               base::Duration trial, base::Rng& random) {
  if (tried.full()) return std::nullopt;
  Tried out = tried;  // and those whose trial another worker won meanwhile
  while (!out.full()) {
    auto usable = [&](uint32_t i) {
      return !out.has(i) && pool.endpoints[i]->backoff.look(now) != health::Verdict::kDown;
    };
    const auto index = pool.prepared->choose({.pool = pool.state->turns,
                                              .live = pool.live,
                                              .usable = usable,
                                              .retry = out.count() != 0,
                                              .random = random});
    if (!index) return std::nullopt;
    if (pool.endpoints[*index]->backoff.admit(now, trial) != health::Verdict::kDown) return index;
    out.add(*index);
  }
  return std::nullopt;
}

}  // namespace giliran::proxy
