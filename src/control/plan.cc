#include "control/plan.h"

#include <fmt/format.h>

#include <thread>

#include "base/parse.h"
#include "net/listen.h"

namespace giliran::control {
namespace {

base::Result<std::vector<cluster::Member>> resolve_members(
    const std::vector<config::ServerSpec>& servers) {
  std::vector<cluster::Member> members;
  for (const config::ServerSpec& server : servers) {
    for (const base::Address& address : GILIRAN_TRY(net::resolve(server.host_port))) {
      for (const cluster::Member& other : members) {
        if (other.address == address) {
          return base::fail(fmt::format(
              "--server {} and --server {} are the same server ({}); give it once, with "
              "=WEIGHT for a larger share",
              other.name, server.host_port, address.text()));
        }
      }
      members.push_back({.name = server.host_port, .address = address, .weight = server.weight});
    }
  }
  return members;
}

}  // namespace

base::Result<Plan> make_plan(const CoordinatorOptions& options) {
  if (options.listens.empty()) {
    return base::fail("nowhere to listen; give --listen http://127.0.0.1:8080");
  }
  if (options.servers.empty()) {
    return base::fail("no server to give requests to; give --server 127.0.0.1:9001");
  }
  Plan plan;
  plan.descriptors = net::raise_descriptor_limit();
  const uint32_t processors = std::max(1U, std::thread::hardware_concurrency());
  plan.workers = options.threads == 0 ? processors : options.threads;
  const std::vector<cluster::Member> members = GILIRAN_TRY(resolve_members(options.servers));
  const auto pool = GILIRAN_TRY(cluster::make_pool("default", options.policy, members));
  auto snapshot = std::make_shared<cluster::Snapshot>();
  for (const config::ListenSpec& listen : options.listens) {
    const std::vector<base::Address> found = GILIRAN_TRY(net::resolve(listen.host_port));
    for (const base::Address& address : found) {
      GILIRAN_TRY_VOID(net::probe_listen(address, "--listen"));
      plan.listeners.push_back({.scheme = listen.scheme, .name = address.text()});
      plan.addresses.push_back(address);
      snapshot->pool_of_listener.push_back(pool);
    }
  }
  plan.snapshot = std::move(snapshot);
  return plan;
}

std::string describe(const Plan& plan, const CoordinatorOptions& options) {
  std::string text = fmt::format("giliran coordinator: {} over {} server{}, {} worker{}",
                                 plan.snapshot->pool_of_listener.front()->policy,
                                 plan.snapshot->pool_of_listener.front()->endpoints.size(),
                                 options.servers.size() == 1 ? "" : "s", plan.workers,
                                 plan.workers == 1 ? "" : "s");
  text += fmt::format(", {} descriptors, log {}\n", plan.descriptors,
                      options.log.empty() ? "off" : options.log);
  for (const auto& endpoint : plan.snapshot->pool_of_listener.front()->endpoints) {
    text += fmt::format("  server {} weight {}\n", endpoint->name, endpoint->weight);
  }
  return text;
}

}  // namespace giliran::control
