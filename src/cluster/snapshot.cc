#include "cluster/snapshot.h"

#include <atomic>

namespace giliran::cluster {
namespace {

uint32_t next_endpoint_id() {
  static std::atomic<uint32_t> next{0};
  return next.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

base::Result<std::shared_ptr<const Pool>> make_pool(std::string name, const std::string& policy,
                                                    const std::vector<Member>& members) {
  const balance::Policy* rule = GILIRAN_TRY(balance::find_policy(policy));
  auto pool = std::make_shared<Pool>();
  pool->name = std::move(name);
  pool->policy = rule->name();
  pool->turns = std::make_shared<balance::PoolLive>();
  std::vector<balance::Candidate> candidates;
  for (const Member& member : members) {
    auto endpoint = std::make_shared<Endpoint>();
    endpoint->id = next_endpoint_id();
    endpoint->name = member.name;
    endpoint->address = member.address;
    endpoint->weight = member.weight;
    candidates.push_back({.id = endpoint->id, .weight = member.weight});
    pool->live.push_back(&endpoint->live);
    pool->endpoints.push_back(std::move(endpoint));
  }
  pool->prepared = rule->prepare(candidates);
  return pool;
}

}  // namespace giliran::cluster
