// A person who reloads wants to see that what was meant has happened: which server, which key, and
// what it was before.
#include "control/changes.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <map>
#include <span>

#include "base/text.h"
#include "config/keys.h"

namespace giliran::control {
namespace {

constexpr size_t kNamedMax = 8;   // of one list; a hundred servers would be a page
constexpr size_t kValueMax = 40;  // a longer value is not shown

void add(std::string& list, std::string_view separator, std::string_view item) {
  if (item.empty()) return;
  if (!list.empty()) list += separator;
  list += item;
}

// "a, b", of many the first and how many more; items that have commas of their own stand apart.
std::string listed(const std::vector<std::string>& items) {
  const bool plain = std::ranges::none_of(
      items, [](const std::string& item) { return item.find(", ") != std::string::npos; });
  std::string text;
  for (size_t i = 0; i < std::min(items.size(), kNamedMax); ++i) {
    add(text, plain ? ", " : "; ", items[i]);
  }
  if (items.size() > kNamedMax) text += fmt::format(" and {} more", items.size() - kNamedMax);
  return text;
}

// "2 servers added (c, d), 1 removed (a)": the noun is said once.
struct Tally {
  std::string_view noun;
  std::string text;
  void say(const std::vector<std::string>& names, std::string_view what) {
    const size_t count = names.size();
    if (count == 0) return;
    const std::string items = text.empty()
                                  ? fmt::format("{} {}{}", count, noun, base::plural(count))
                                  : std::to_string(count);
    add(text, ", ", fmt::format("{} {} ({})", items, what, listed(names)));
  }
};

std::string was(std::string_view name, const auto& now, const auto& before) {
  return fmt::format("{} {}, was {}", name, now, before);
}

// As a person writes it who gives it as a flag.
std::string unquoted(std::string text) {
  std::erase(text, '"');
  return text.empty() ? "absent" : text;
}

// The keys whose values differ, with both: "idle_timeout 1s, was 1m". Tables by their name alone.
template <typename T>
std::string changed_keys(std::span<const config::Key<T>> keys, const T& before, const T& now,
                         std::initializer_list<std::string_view> told_elsewhere = {}) {
  std::vector<std::string> changed;
  for (const config::Key<T>& key : keys) {
    if (std::ranges::find(told_elsewhere, key.name) != told_elsewhere.end()) continue;
    if (key.write) {
      const std::string a = key.write(before), b = key.write(now);
      if (a == b) continue;
      const bool is_short = a.size() <= kValueMax && b.size() <= kValueMax;
      changed.push_back(is_short ? was(key.name, unquoted(b), unquoted(a)) : std::string(key.name));
    } else if (key.write_tables) {
      std::string a, b;
      key.write_tables(before, std::string(key.name), a);
      key.write_tables(now, std::string(key.name), b);
      if (a != b) changed.emplace_back(key.name);
    }
  }
  return listed(changed);
}

std::string in_parentheses(std::string_view what, const std::string& details) {
  return details.empty() ? std::string(what) : fmt::format("{} ({})", what, details);
}

bool same_routes(const cluster::Listener& a, const cluster::Listener& b) {
  return a.options == b.options && a.name == b.name;
}

// "web http://127.0.0.1:80"; without a name, the address alone.
std::string place_of(const cluster::Listener& listener) {
  const std::string where =
      fmt::format("{}://{}", config::name(listener.options.listen.scheme), listener.address.text());
  return listener.options.name.empty() ? where : fmt::format("{} {}", listener.options.name, where);
}

std::string listener_changes(const cluster::Snapshot& old, const cluster::Snapshot& now) {
  std::vector<std::string> added, removed, changed;
  for (size_t i = 0; i < now.listeners.size(); ++i) {
    const cluster::Listener& listener = *now.listeners[i];
    if (i >= old.listeners.size()) {
      added.push_back(place_of(listener));
    } else if (listener.retired != old.listeners[i]->retired) {
      removed.push_back(place_of(listener));
    } else if (!listener.retired && !same_routes(listener, *old.listeners[i])) {
      const std::string keys =
          changed_keys(config::listener_keys(), old.listeners[i]->options, listener.options);
      changed.push_back(keys.empty() ? listener.name : fmt::format("{}: {}", listener.name, keys));
    }
  }
  Tally tally{.noun = "listener", .text = {}};
  tally.say(added, "added");
  tally.say(removed, "removed");
  tally.say(changed, "changed");
  return tally.text;
}

std::vector<std::string> missing(const cluster::Pool& from, const cluster::Pool& in) {
  std::vector<std::string> names;
  for (const auto& endpoint : from.endpoints) {
    const bool there = std::ranges::find(in.endpoints, endpoint) != in.endpoints.end();
    if (!there) names.push_back(endpoint->name);
  }
  return names;
}

std::vector<std::string> reweighted(const cluster::Pool& old, const cluster::Pool& now) {
  std::vector<std::string> changed;
  for (size_t i = 0; i < now.endpoints.size(); ++i) {
    const auto it = std::ranges::find(old.endpoints, now.endpoints[i]);
    if (it == old.endpoints.end()) continue;
    const auto o = static_cast<size_t>(it - old.endpoints.begin());
    std::string how;
    if (old.weights[o] != now.weights[i]) how = was("weight", now.weights[i], old.weights[o]);
    if (old.in_flight_max[o] != now.in_flight_max[i]) {
      add(how, ", ", was("in_flight_max", now.in_flight_max[i], old.in_flight_max[o]));
    }
    if (!how.empty()) changed.push_back(fmt::format("{}: {}", now.endpoints[i]->name, how));
  }
  return changed;
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
  if (old.policy != now.policy) add(text, ", ", was("policy", now.policy, old.policy));
  if (other_options(old.options, now.options)) {
    add(text, ", ",
        in_parentheses("options changed", changed_keys(config::pool_keys(), old.options,
                                                       now.options, {"servers", "policy"})));
  }
  return text.empty() ? std::string() : fmt::format("pool {}: {}", now.name, text);
}

const cluster::Pool* pool_of(const cluster::Snapshot& snapshot, const std::string& name) {
  for (const auto& pool : snapshot.pools) {
    if (pool->name == name) return pool.get();
  }
  return nullptr;
}

std::string pool_added(const cluster::Pool& pool) {
  std::vector<std::string> names;
  for (const auto& endpoint : pool.endpoints) names.push_back(endpoint->name);
  return fmt::format("pool {} added ({} server{}: {})", pool.name, names.size(),
                     base::plural(names.size()), listed(names));
}

void say_pools(const cluster::Snapshot& old, const cluster::Snapshot& now, std::string& text) {
  for (const auto& pool : now.pools) {
    const cluster::Pool* const before = pool_of(old, pool->name);
    add(text, "; ", before != nullptr ? pool_changes(*before, *pool) : pool_added(*pool));
  }
  for (const auto& pool : old.pools) {
    if (pool_of(now, pool->name) == nullptr) {
      add(text, "; ", fmt::format("pool {} removed", pool->name));
    }
  }
}

std::string answers_changed(const std::map<uint16_t, config::Answer>& before,
                            const std::map<uint16_t, config::Answer>& now) {
  std::vector<std::string> statuses;
  for (uint16_t status = 400; status < 600; ++status) {
    const auto a = before.find(status), b = now.find(status);
    const bool same =
        (a == before.end()) == (b == now.end()) && (a == before.end() || a->second == b->second);
    if (!same) statuses.push_back(std::to_string(status));
  }
  return listed(statuses);
}

// As the file says it: "auto".
std::string log_format(const config::Coordinator& config) {
  return unquoted(config::find_key(config::log_keys(), "format")->write(config));
}

}  // namespace

std::string changes(const config::Coordinator& before, const cluster::Snapshot& old,
                    const config::Coordinator& after, const cluster::Snapshot& now) {
  std::string text = listener_changes(old, now);
  say_pools(old, now, text);
  const auto section = [&](std::string_view what, const std::string& details) {
    if (!details.empty()) add(text, "; ", in_parentheses(what, details));
  };
  section("timeouts changed", changed_keys(config::timeout_keys(), before, after));
  section("limits changed", changed_keys(config::limit_keys(), before, after));
  section("answers changed", answers_changed(before.answers, after.answers));
  add(text, "; ", changed_keys(config::top_keys(), before, after));
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
  if (is.log.format != wanted.log.format) stays("log format", log_format(is));
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
