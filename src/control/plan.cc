#include "control/plan.h"

#include <fmt/format.h>

#include <thread>

#include "net/listen.h"

namespace giliran::control {
namespace {

base::Result<std::vector<cluster::Member>> resolve_members(const config::Pool& pool) {
  std::vector<cluster::Member> members;
  for (const config::Server& server : pool.servers) {
    const std::string& host_port = server.spec.host_port;
    for (const base::Address& address : GILIRAN_TRY(net::resolve(host_port))) {
      for (const cluster::Member& other : members) {
        if (other.address == address) {
          return base::fail(fmt::format(
              "--server {} and --server {} are the same server ({}); give it once, with "
              "=WEIGHT for a larger share",
              other.name, host_port, address.text()));
        }
      }
      members.push_back({.name = server.name.empty() ? host_port : server.name,
                         .address = address,
                         .weight = server.spec.weight,
                         .in_flight_max = server.in_flight_max});
    }
  }
  return members;
}

}  // namespace

base::Result<Plan> make_plan(config::Coordinator config) {
  if (config.listeners.empty()) {
    return base::fail("nowhere to listen; give --listen http://127.0.0.1:8080");
  }
  Plan plan;
  plan.config = std::move(config);
  plan.descriptors = net::raise_descriptor_limit();
  const uint32_t processors = std::max(1U, std::thread::hardware_concurrency());
  plan.workers = plan.config.threads == 0 ? processors : plan.config.threads;
  for (const config::Pool& pool : plan.config.pools) {
    plan.members.push_back(GILIRAN_TRY(resolve_members(pool)));
  }
  for (const config::Listener& listener : plan.config.listeners) {
    for (const base::Address& address : GILIRAN_TRY(net::resolve(listener.listen.host_port))) {
      GILIRAN_TRY_VOID(net::probe_listen(address, "--listen"));
      plan.bound.push_back({.listener = &listener, .address = address});
    }
  }
  return plan;
}

std::string describe(const Plan& plan) {
  std::string text = "giliran coordinator:";
  for (size_t i = 0; i < plan.members.size(); ++i) {
    text += fmt::format("{} {} over {} server{}", i == 0 ? "" : ",", plan.config.pools[i].policy,
                        plan.members[i].size(), plan.members[i].size() == 1 ? "" : "s");
  }
  text += fmt::format(", {} worker{}, {} descriptors, log {}\n", plan.workers,
                      plan.workers == 1 ? "" : "s", plan.descriptors,
                      plan.config.log.path.empty() ? "off" : plan.config.log.path);
  for (const auto& members : plan.members) {
    for (const cluster::Member& member : members) {
      text += fmt::format("  server {} weight {}\n", member.name, member.weight);
    }
  }
  return text;
}

}  // namespace giliran::control
