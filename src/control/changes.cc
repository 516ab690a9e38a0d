#include "control/changes.h"

#include <fmt/format.h>

#include <algorithm>

namespace giliran::control {
namespace {

std::string_view plural(size_t count) {
  return count == 1 ? "" : "s";
}

void add(std::string& list, std::string_view separator, std::string_view item) {
  if (item.empty()) return;
  if (!list.empty()) list += separator;
  list += item;
}

// "2 servers added, 1 removed": the noun is said once.
struct Tally {
  std::string_view noun;
  std::string text;
  void say(size_t count, std::string_view what) {
    if (count == 0) return;
    add(text, ", ",
        text.empty() ? fmt::format("{} {}{} {}", count, noun, plural(count), what)
                     : fmt::format("{} {}", count, what));
  }
};

bool same_routes(const cluster::Listener& a, const cluster::Listener& b) {
  return a.options == b.options && a.name == b.name;
}

std::string listener_changes(const cluster::Snapshot& old, const cluster::Snapshot& now) {
  size_t added = 0, removed = 0, changed = 0;
  for (size_t i = 0; i < now.listeners.size(); ++i) {
    const cluster::Listener& listener = *now.listeners[i];
    if (i >= old.listeners.size()) {
      ++added;
    } else if (listener.retired != old.listeners[i]->retired) {
      ++removed;
    } else if (!listener.retired && !same_routes(listener, *old.listeners[i])) {
      ++changed;
    }
  }
  Tally tally{.noun = "listener", .text = {}};
  tally.say(added, "added");
  tally.say(removed, "removed");
  tally.say(changed, "changed");
  return tally.text;
}

size_t missing(const cluster::Pool& from, const cluster::Pool& in) {
  return static_cast<size_t>(std::ranges::count_if(from.endpoints, [&](const auto& endpoint) {
    return std::ranges::find(in.endpoints, endpoint) == in.endpoints.end();
  }));
}

size_t reweighted(const cluster::Pool& old, const cluster::Pool& now) {
  size_t count = 0;
  for (size_t i = 0; i < now.endpoints.size(); ++i) {
    const auto it = std::ranges::find(old.endpoints, now.endpoints[i]);
    if (it == old.endpoints.end()) continue;
    const auto was = static_cast<size_t>(it - old.endpoints.begin());
    if (old.weights[was] != now.weights[i] || old.in_flight_max[was] != now.in_flight_max[i]) {
      ++count;
    }
  }
  return count;
}

// Whether anything but servers and the policy is said differently.
bool other_options(config::Pool a, config::Pool b) {
  a.servers = b.servers;
  a.policy = b.policy;
  return a != b;
}

std::string pool_changes(const cluster::Pool& old, const cluster::Pool& now) {
  if (&old == &now) return {};
  Tally servers{.noun = "server", .text = {}};
  servers.say(missing(now, old), "added");
  servers.say(missing(old, now), "removed");
  servers.say(reweighted(old, now), "changed");
  std::string text = servers.text;
  if (old.policy != now.policy) add(text, ", ", fmt::format("policy {}", now.policy));
  if (other_options(old.options, now.options)) add(text, ", ", "options changed");
  return text.empty() ? std::string() : fmt::format("pool {}: {}", now.name, text);
}

const cluster::Pool* pool_of(const cluster::Snapshot& snapshot, const std::string& name) {
  for (const auto& pool : snapshot.pools) {
    if (pool->name == name) return pool.get();
  }
  return nullptr;
}

void say_pools(const cluster::Snapshot& old, const cluster::Snapshot& now, std::string& text) {
  for (const auto& pool : now.pools) {
    const cluster::Pool* const was = pool_of(old, pool->name);
    add(text, "; ",
        was != nullptr ? pool_changes(*was, *pool)
                       : fmt::format("pool {} added ({} server{})", pool->name,
                                     pool->endpoints.size(), plural(pool->endpoints.size())));
  }
  for (const auto& pool : old.pools) {
    if (pool_of(now, pool->name) == nullptr) {
      add(text, "; ", fmt::format("pool {} removed", pool->name));
    }
  }
}

std::string_view text_of(config::LogFormat format) {
  switch (format) {
    case config::LogFormat::kJson:
      return "json";
    case config::LogFormat::kHttplog:
      return "httplog";
    case config::LogFormat::kTcplog:
      return "tcplog";
    case config::LogFormat::kCombined:
      return "combined";
  }
  return "";
}

}  // namespace

std::string changes(const config::Coordinator& before, const cluster::Snapshot& old,
                    const config::Coordinator& after, const cluster::Snapshot& now) {
  std::string text = listener_changes(old, now);
  say_pools(old, now, text);
  if (before.timeouts != after.timeouts) add(text, "; ", "timeouts changed");
  if (before.limits != after.limits) add(text, "; ", "limits changed");
  if (before.backoff_first != after.backoff_first || before.backoff_max != after.backoff_max) {
    add(text, "; ", "backoff changed");
  }
  if (before.answers != after.answers) add(text, "; ", "answers changed");
  if (before.drain_timeout != after.drain_timeout) add(text, "; ", "drain_timeout changed");
  return text.empty() ? "nothing changed" : text;
}

std::vector<std::string> needs_restart(const Plan& running, const Plan& next) {
  const config::Coordinator& is = running.config;
  const config::Coordinator& wanted = next.config;
  std::vector<std::string> all;
  const auto stays = [&](std::string_view what, const auto& value) {
    all.push_back(fmt::format("{} stays {} until a restart", what, value));
  };
  if (running.workers != next.workers_wanted) stays("threads", running.workers);
  if (is.log.path != wanted.log.path) stays("log", is.log.path.empty() ? "off" : is.log.path);
  if (is.log.format != wanted.log.format) stays("log format", text_of(is.log.format));
  if (is.log.full != wanted.log.full) {
    stays("log full", is.log.full == config::LogFull::kWait ? "wait" : "drop");
  }
  if (is.seed != wanted.seed) {
    stays("seed", is.seed == 0 ? std::string("random") : fmt::format("{}", is.seed));
  }
  if (is.quiet != wanted.quiet) stays("quiet", is.quiet);
  return all;
}

void keep_until_restart(const Plan& running, Plan& next) {
  next.config.threads = running.config.threads;
  next.config.log = running.config.log;
  next.config.seed = running.config.seed;
  next.config.quiet = running.config.quiet;
}

}  // namespace giliran::control
