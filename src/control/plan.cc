#include "control/plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "balance/policy.h"
#include "base/parse.h"
#include "base/text.h"
#include "control/descriptors.h"
#include "net/listen.h"

namespace giliran::control {
namespace {

constexpr std::string_view kInherited = "fd@";

// Of a pool, with their names resolved.
class Members {
 public:
  Members(const config::Pool& pool, bool from_file) : pool_(pool), from_file_(from_file) {}

  base::Result<void> add(const config::Server& server) {
    const std::string& host_port = server.spec.host_port;
    const auto addresses = net::resolve(host_port);
    if (!addresses) {
      const std::string& why = addresses.error().message;
      return base::fail(from_file_ ? fmt::format("pool '{}', server '{}': {}", pool_.name,
                                                 server.name.empty() ? host_port : server.name, why)
                                   : fmt::format("--server: {}", why));
    }
    for (const base::Address& address : *addresses) {
      for (size_t i = 0; i < all_.size(); ++i) {
        const bool both_named = !server.name.empty() && named_[i];
        if (all_[i].address == address && !both_named) return same(all_[i], server);
      }
      all_.push_back({.name = server.name.empty() ? host_port : server.name,
                      .address = address,
                      .weight = server.spec.weight,
                      .in_flight_max = server.in_flight_max});
      named_.push_back(!server.name.empty());
    }
    return {};
  }
  std::vector<cluster::Member> take() { return std::move(all_); }

 private:
  std::unexpected<base::Error> same(const cluster::Member& first, const config::Server& server) {
    const std::string flag = from_file_ ? std::string() : "--server ";
    return base::fail(fmt::format(
        "{}{}{} and {}{} are the same server ({}); give it once, with {} for a larger share, or "
        "give each a name{}",
        from_file_ ? fmt::format("pool '{}': ", pool_.name) : "", flag, first.name, flag,
        server.name.empty() ? server.spec.host_port : server.name, first.address.text(),
        from_file_ ? "a weight" : "=WEIGHT", from_file_ ? "" : " in a file"));
  }

  const config::Pool& pool_;
  bool from_file_;
  std::vector<cluster::Member> all_;
  std::vector<bool> named_;  // of all_: by its configuration
};

base::Result<std::vector<cluster::Member>> resolve_members(const config::Pool& pool,
                                                           bool from_file) {
  Members members(pool, from_file);
  for (const config::Server& server : pool.servers) GILIRAN_TRY_VOID(members.add(server));
  return members.take();
}

// The addresses of a listener, or the inherited socket it names.
base::Result<std::vector<Place>> places_of(size_t index, const config::Listener& listener,
                                           const Surroundings& surroundings) {
  const std::string& where = listener.listen.host_port;
  std::vector<Place> places;
  if (where.starts_with(kInherited)) {
    const uint64_t number = GILIRAN_TRY(base::parse_uint(where.substr(kInherited.size()), 65535));
    for (const auto& [fd, address] : surroundings.inherited) {
      if (static_cast<uint64_t>(fd) != number) continue;
      places.push_back({.listener = index, .address = address, .descriptor = fd});
      return places;
    }
    return base::fail(
        fmt::format("descriptor {} was not passed at the start as a listening socket", number));
  }
  for (const base::Address& address : GILIRAN_TRY(net::resolve(where))) {
    places.push_back({.listener = index, .address = address});
  }
  return places;
}

bool free_port(const base::Address& address) {
  return !address.is_unix() && address.port() == 0;
}

base::Result<void> add_places(Plan& plan, size_t index, const Surroundings& surroundings) {
  const config::Listener& listener = plan.config.listeners[index];
  auto places = places_of(index, listener, surroundings);
  if (!places) {
    const Place nowhere{.listener = index, .address = {}};
    return base::fail(fmt::format("{}: {}", plan.name_of(nowhere), places.error().message),
                      places.error().code);
  }
  for (const Place& place : *places) {
    const auto same = std::ranges::find(plan.places, place.address, &Place::address);
    if (same != plan.places.end() && !free_port(place.address)) {
      return base::fail(fmt::format("{} and {} listen on the same address, {}", plan.name_of(*same),
                                    plan.name_of(place), place.address.text()));
    }
    plan.places.push_back(place);
  }
  return {};
}

void apply_descriptors(Plan& plan) {
  DescriptorPlan descriptors = plan_descriptors(
      {.limit = plan.descriptors, .workers = plan.workers, .listeners = plan.places.size()},
      plan.config.limits);
  plan.limits = plan.config.limits;
  plan.limits.connections_max = descriptors.connections_max;
  plan.limits.upstream_idle_max = descriptors.upstream_idle_max;
  plan.pipes_max = descriptors.pipes_max;
  if (!descriptors.warning.empty()) plan.warnings.push_back(std::move(descriptors.warning));
}

}  // namespace

std::string Plan::name_of(const Place& place) const {
  const config::Listener& listener = config.listeners[place.listener];
  if (!listener.name.empty()) {
    return fmt::format("listener '{}' ({})", listener.name, listener.listen.host_port);
  }
  if (!from_file) return fmt::format("--listen {}", listener.listen.host_port);
  return fmt::format("listener {} ({})", place.listener + 1, listener.listen.host_port);
}

proxy::Options Plan::options() const {
  proxy::Options options = proxy::Options::of(config);
  static_cast<config::Limits&>(options) = limits;
  return options;
}

base::Result<Plan> make_plan(config::Coordinator config, const Surroundings& surroundings) {
  Plan plan;
  plan.config = std::move(config);
  plan.from_file = surroundings.from_file;
  if (plan.config.listeners.empty()) {
    return base::fail(plan.from_file ? "nowhere to listen: the file has no [[listener]]"
                                     : "nowhere to listen; give --listen http://127.0.0.1:8080");
  }
  plan.descriptors = surroundings.descriptors;
  plan.workers_wanted =
      plan.config.threads == 0 ? std::max(1U, surroundings.processors) : plan.config.threads;
  plan.workers = surroundings.workers == 0 ? plan.workers_wanted : surroundings.workers;
  for (const config::Pool& pool : plan.config.pools) {
    if (const auto policy = balance::find_policy(pool.policy); !policy) {
      return base::fail(plan.from_file
                            ? fmt::format("pool '{}': {}", pool.name, policy.error().message)
                            : policy.error().message);
    }
    plan.members.push_back(GILIRAN_TRY(resolve_members(pool, plan.from_file)));
  }
  for (size_t i = 0; i < plan.config.listeners.size(); ++i) {
    GILIRAN_TRY_VOID(add_places(plan, i, surroundings));
  }
  apply_descriptors(plan);
  return plan;
}

std::string describe(const Plan& plan) {
  std::string text = "giliran coordinator:";
  for (size_t i = 0; i < plan.members.size(); ++i) {
    text += fmt::format("{} {} over {} server{}", i == 0 ? "" : ",", plan.config.pools[i].policy,
                        plan.members[i].size(), base::plural(plan.members[i].size()));
  }
  text += fmt::format(", {} worker{}, {} connections ({} descriptors), log {}\n", plan.workers,
                      base::plural(plan.workers), plan.limits.connections_max, plan.descriptors,
                      plan.config.log.path.empty() ? "off" : plan.config.log.path);
  for (size_t i = 0; i < plan.members.size(); ++i) {
    const std::string pool =
        plan.members.size() > 1 ? fmt::format(" of pool {}", plan.config.pools[i].name) : "";
    for (const cluster::Member& member : plan.members[i]) {
      text += fmt::format("  server {}{} weight {}\n", member.name, pool, member.weight);
    }
  }
  return text;
}

}  // namespace giliran::control
