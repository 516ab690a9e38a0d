// What a worker makes of the outcomes of attempts: servers are marked down and up, and an operator
// hears of it. The rules are health/backoff.h.
#include <algorithm>

#include "proxy/outcome.h"
#include "proxy/worker.h"

namespace giliran::proxy {
namespace {

// Of one that stays in use; the whiles of one that is left out bound themselves.
constexpr base::Duration kKeptAgain = std::chrono::seconds(10);

// Whether an operator is to hear that it fails and stays in use: of all workers one says it. A row
// of failures that begins too soon after another is told later, where it lasts.
bool kept_is_due(cluster::Endpoint& endpoint, base::Instant now) {
  if (endpoint.trouble_told) return false;
  base::Instant told = endpoint.kept_told.load(std::memory_order_relaxed);
  if (told != base::Instant{} && now - told < kKeptAgain) return false;
  return endpoint.kept_told.compare_exchange_strong(told, now, std::memory_order_relaxed);
}

bool others_up(const cluster::Pool& pool, const cluster::Endpoint& endpoint, base::Instant now) {
  return std::ranges::any_of(pool.endpoints, [&](const auto& other) {
    return other.get() != &endpoint && other->backoff.look(now) != health::Verdict::kDown;
  });
}

}  // namespace

void Worker::connected(cluster::Endpoint& endpoint) {
  if (endpoint.backoff.connected()) tell_up(endpoint);
}

void Worker::tell_up(cluster::Endpoint& endpoint) {
  if (endpoint.trouble_told.exchange(false)) notices_.server_up(endpoint);
}

void Worker::tell_failed(const cluster::Pool& pool, cluster::Endpoint& endpoint,
                         const Trouble& trouble, base::Duration left_out, bool alone) {
  endpoint.trouble_told = true;
  notices_.server_failed({.server = endpoint,
                          .pool = pool,
                          .why = describe(trouble),
                          .left_out = left_out,
                          .alone = alone});
}

void Worker::connect_failed(const cluster::Pool& pool, cluster::Endpoint& endpoint,
                            const conn::StreamClosed& closed) {
  const uint32_t before = endpoint.backoff.failures();
  const base::Instant now = io_.turn_started();
  const base::Duration left_out = endpoint.backoff.connect_failed(now, options_.backoff, random_);
  if (endpoint.backoff.failures() == before) return;
  tell_failed(pool, endpoint, {.closed = closed}, left_out, !others_up(pool, endpoint, now));
}

void Worker::answering(const cluster::Pool& pool, cluster::Endpoint& endpoint, uint16_t status) {
  if (status >= 500 && pool.options.mark_down_on_5xx) {
    failed(pool, endpoint, {.status = status});
  } else if (endpoint.backoff.look(io_.turn_started()) != health::Verdict::kUp) {
    answered(pool, endpoint, status);
  }
}

void Worker::answered(const cluster::Pool& pool, cluster::Endpoint& endpoint, uint16_t status) {
  if (status >= 500 && pool.options.mark_down_on_5xx) return;
  if (endpoint.backoff.succeeded(pool.options.mark_down_after)) tell_up(endpoint);
}

void Worker::failed(const cluster::Pool& pool, cluster::Endpoint& endpoint,
                    const Trouble& trouble) {
  const base::Instant now = io_.turn_started();
  const uint32_t after = pool.options.mark_down_after;
  const bool alone = !others_up(pool, endpoint, now);
  std::optional<base::Duration> told;
  if (alone) {  // the last one is better than none
    if (endpoint.backoff.failed_and_kept(after) && kept_is_due(endpoint, now)) {
      told = base::Duration{0};
    }
  } else {
    told = endpoint.backoff.failed(now, after, options_.backoff, random_);
  }
  if (told) tell_failed(pool, endpoint, trouble, *told, alone);
}

}  // namespace giliran::proxy
