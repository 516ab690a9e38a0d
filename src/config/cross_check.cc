#include "config/cross_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/parse.h"
#include "base/text.h"
#include "config/host_port.h"
#include "config/neighbours.h"
#include "config/route_cover.h"

namespace giliran::config {
namespace {

// The i-th element of a list of sections; null where there is no file.
const Value* element(const Value* table, std::string_view key, size_t index) {
  const Value* list = table == nullptr ? nullptr : table->find(key);
  if (list == nullptr) return nullptr;
  if (list->kind != Value::Kind::kList) return index == 0 ? list : nullptr;
  return index < list->children.size() ? &list->children[index] : nullptr;
}

// Of the key, or of the table where it is not.
Position position(const Value* table, std::string_view key) {
  if (table == nullptr) return {};
  const Value* value = table->find(key);
  return value == nullptr ? table->at : value->at;
}

// The same text for every spelling of one address; empty where it may come twice (port 0).
std::string same_address(const ListenSpec& listen) {
  const auto parts = split_host_port(listen.host_port);
  if (!parts) return listen.host_port;  // fd@N
  if (parts->host.starts_with("unix:")) return canonical(*parts);
  if (parts->port == 0) return "";
  return canonical({.host = parts->host == "*" ? "" : parts->host, .port = parts->port});
}

class Check {
 public:
  Check(const Coordinator& config, const Value* file, const CrossCheck& options, Reader& reader)
      : config_(config), file_(file), options_(options), reader_(reader) {}

  void all() {
    for (size_t i = 0; i < config_.pools.size(); ++i) {
      pool(config_.pools[i], element(file_, "pool", i));
    }
    for (size_t i = 0; i < config_.listeners.size(); ++i) {
      listener(config_.listeners[i], element(file_, "listener", i));
    }
    for (size_t i = 0; i < config_.pools.size(); ++i) {
      use_of_pool(config_.pools[i], element(file_, "pool", i));
    }
    bounds();
  }

 private:
  void bad(std::string_view key, Position at, std::string_view value, std::string what) {
    reader_.problems.push_back({.at = at,
                                .key = std::string(key),
                                .value = text_value(std::string(value)).shown(),
                                .what = std::move(what)});
  }
  void error(std::string_view key, Position at, std::string what) {
    reader_.problems.push_back({.at = at, .key = std::string(key), .what = std::move(what)});
  }
  void warn(std::string_view key, Position at, std::string what) {
    reader_.warnings.push_back({.at = at, .key = std::string(key), .what = std::move(what)});
  }

  // Takes note of `name`; a second one is a problem that says where the first is.
  void once(std::map<std::string, Position>& seen, const std::string& name, std::string_view key,
            Position at, std::string_view shown) {
    if (name.empty()) return;
    const auto [first, fresh] = seen.emplace(name, at);
    if (fresh) return;
    bad(key, at, shown,
        first->second.line == 0 ? "it is given twice"
                                : fmt::format("line {} has it already", first->second.line));
  }

  void pool(const Pool& pool, const Value* table) {
    once(pools_, pool.name, "pool.name", position(table, "name"), pool.name);
    const bool known = options_.policies.empty() ||
                       std::ranges::find(options_.policies, pool.policy) != options_.policies.end();
    if (!known) {
      bad("pool.policy", position(table, "policy"), pool.policy,
          advice_on_policy(pool.policy, options_.policies));
    }
    servers(pool, table);
    idle_of_pool(pool, table);
  }

  void use_of_pool(const Pool& pool, const Value* table) {
    if (pool.name.empty() || pool.name == options_.later_pool) return;
    if (!used_.contains(pool.name)) {
      warn("pool.name", position(table, "name"),
           fmt::format("no listener and no route gives anything to pool '{}'", pool.name));
    }
    if (!flows_.contains(pool.name) || requests_.contains(pool.name)) return;
    constexpr std::string_view kWhy = "only tcp:// listeners use the pool";
    idle("pool", "sticky_cookie", table, !pool.sticky_cookie.empty(), kWhy);
    idle("pool", retry_key(table), table, !pool.retry_on.statuses.empty(), kWhy);
    idle("pool", "mark_down_on_5xx", table, pool.mark_down_on_5xx, kWhy);
  }

  // The one of the two that is written.
  static std::string_view retry_key(const Value* table) {
    const bool old = table != nullptr && table->find("retry_on") == nullptr;
    return old ? "retry_statuses" : "retry_on";
  }

  void idle_of_pool(const Pool& pool, const Value* table) {
    const Pool plain;
    const auto unused = [&](std::string_view key, bool changed, std::string_view why) {
      idle("pool", key, table, changed, why);
    };
    const bool limited =
        pool.in_flight_max != 0 || std::ranges::any_of(pool.servers, [](const Server& server) {
          return server.in_flight_max != 0;
        });
    if (!limited) {
      constexpr std::string_view kWhy = "nobody waits where no server has an in_flight_max";
      unused("queue_max", pool.queue_max != plain.queue_max, kWhy);
      unused("queue_timeout", pool.queue_timeout != plain.queue_timeout, kWhy);
    }
    if (pool.retries_max == 0) {
      constexpr std::string_view kWhy = "nothing is tried again where retries_max is 0";
      unused(retry_key(table), pool.retry_on != plain.retry_on, kWhy);
      unused("retry_budget", pool.retry_budget != plain.retry_budget, kWhy);
      unused("retry_budget_floor", pool.retry_budget_floor != plain.retry_budget_floor, kWhy);
    }
    if (pool.mark_down_after == 0) {
      unused("mark_down_on_5xx", pool.mark_down_on_5xx,
             "no failures are counted where mark_down_after is 0");
    }
  }

  void servers(const Pool& pool, const Value* table) {
    const bool listed = table == nullptr || table->find("servers") != nullptr;
    if (pool.servers.empty() && listed && pool.name != options_.later_pool) {
      error("pool.servers", position(table, "servers"),
            fmt::format("pool '{}' has no server", pool.name));
    }
    std::map<std::string, First> addresses;
    std::map<std::string, Position> names;  // as records have them
    for (size_t i = 0; i < pool.servers.size(); ++i) {
      const Server& server = pool.servers[i];
      const Value* item = element(table, "servers", i);
      const auto parts = split_host_port(server.spec.host_port);
      if (!parts) continue;  // reported where it was read
      const bool named = !server.name.empty();
      const Position at = item == nullptr ? Position{} : item->at;
      const auto [first, fresh] = addresses.try_emplace(canonical(*parts), First{at, named});
      if (!fresh && !(named && first->second.named)) {
        same_server(server, at, first->second.at);
        continue;
      }
      const std::string& name = named ? server.name : server.spec.host_port;
      once(names, name, named ? "pool.servers.name" : "pool.servers",
           named ? position(item, "name") : at, name);
    }
  }

  // Where an address came first, and whether its server has a name.
  struct First {
    Position at;
    bool named;
  };

  // One that is meant twice (two configurations of one program, say) is told apart by its names.
  void same_server(const Server& server, Position at, Position first) {
    bad("pool.servers", at, server.spec.host_port,
        fmt::format("{}; for a larger share give it a weight, to have it twice a name each: "
                    "{{ address = \"{}\", name = \"...\" }}",
                    first.line == 0 ? "it is given twice"
                                    : fmt::format("line {} has it already", first.line),
                    server.spec.host_port));
  }

  void listener(const Listener& listener, const Value* table) {
    once(names_, listener.name, "listener.name", position(table, "name"), listener.name);
    once(addresses_, same_address(listener.listen), "listener.address", position(table, "address"),
         listener.listen.text());
    uses(listener.pool, "listener.pool", table);
    if (listener.listen.scheme == Scheme::kTcp) flows_.insert(listener.pool);
    if (listener.listen.scheme == Scheme::kHttp) requests_.insert(listener.pool);
    const bool routed =
        table == nullptr ? !listener.routes.empty() : table->find("route") != nullptr;
    if (listener.listen.scheme == Scheme::kTcp) {
      tcp(listener, table, routed);
    } else {
      http(listener, table, routed);
    }
    routes(listener, table);
  }

  void http(const Listener& listener, const Value* table, bool routed) {
    if (listener.pool.empty() && !routed) {
      error("listener.pool", position(table, "pool"), "is missing, and there is no route either");
    }
    if (listener.forwarded && listener.forwarding == Forwarding::kOff) {
      idle("listener", "forwarded", table, true, "nothing is added where forwarding is off");
    }
  }

  // `section.key`, where it was `changed`, has no effect, and why.
  void idle(std::string_view section, std::string_view key, const Value* table, bool changed,
            std::string_view why) {
    if (!changed) return;
    warn(fmt::format("{}.{}", section, key), position(table, key),
         fmt::format("has no effect: {}", why));
  }

  // Flows are not parsed: what is about requests has nothing to be about.
  void tcp(const Listener& listener, const Value* table, bool routed) {
    if (routed) {
      error("listener.route", position(table, "route"), "a tcp:// listener has no routes");
    }
    if (listener.pool.empty()) {
      error("listener.pool", position(table, "pool"), "is missing: a tcp:// listener needs one");
    }
    const Listener plain;
    const auto unused = [&](std::string_view key, bool is_default) {
      if (is_default) return;
      warn(fmt::format("listener.{}", key), position(table, key),
           "has no effect on a tcp:// listener");
    };
    unused("trusted", listener.trusted == plain.trusted);
    unused("forwarding", listener.forwarding == plain.forwarding);
    unused("forwarded", listener.forwarded == plain.forwarded);
    unused("server_timing", listener.server_timing == plain.server_timing);
    unused("half_close", listener.half_close == plain.half_close);
    unused("connect", listener.connect == plain.connect);
    unused("upgrade", listener.upgrade == plain.upgrade);
  }

  void routes(const Listener& listener, const Value* table) {
    std::map<std::string, Position> names;
    for (size_t i = 0; i < listener.routes.size(); ++i) {
      const Route& route = listener.routes[i];
      const Value* item = element(table, "route", i);
      once(names, route.name, "listener.route.name", position(item, "name"), route.name);
      uses(route.pool, "listener.route.pool", item);
      requests_.insert(route.pool);
      does_one(route, item);
      idle_of_route(route, item);
      for (size_t before = 0; before < i; ++before) {
        if (!covers(listener.routes[before], route)) continue;
        warn("listener.route", item == nullptr ? Position{} : item->at,
             fmt::format("route '{}' is never reached: '{}' before it matches all of it",
                         route.name, listener.routes[before].name));
        break;
      }
    }
  }

  void idle_of_route(const Route& route, const Value* item) {
    if (!route.redirect && !route.answer) return;
    const auto unused = [&](std::string_view key, bool changed) {
      idle("listener.route", key, item, changed, "the route answers by itself");
    };
    unused("request_headers", !route.request_headers.empty());
    unused("response_headers", !route.response_headers.empty());
    unused("body_bytes_max", route.body_bytes_max.has_value());
  }

  // Where there is a file, what is written counts, also what could not be read.
  void does_one(const Route& route, const Value* item) {
    const auto has = [&](std::string_view key, bool filled) {
      return item == nullptr ? filled : item->find(key) != nullptr;
    };
    const int actions = (has("pool", !route.pool.empty()) ? 1 : 0) +
                        (has("redirect", route.redirect.has_value()) ? 1 : 0) +
                        (has("answer", route.answer.has_value()) ? 1 : 0);
    if (actions == 1) return;
    error("listener.route", item == nullptr ? Position{} : item->at,
          fmt::format("route '{}' has {} of pool, redirect and answer; give one", route.name,
                      actions == 0   ? "none"
                      : actions == 2 ? "two"
                                     : "three"));
  }

  void uses(const std::string& name, std::string_view key, const Value* table) {
    if (name.empty()) return;
    used_.insert(name);
    std::vector<std::string_view> names;
    for (const Pool& pool : config_.pools) names.push_back(pool.name);
    if (!options_.later_pool.empty()) names.push_back(options_.later_pool);
    if (std::ranges::find(names, name) != names.end()) return;
    bad(key, position(table, "pool"), name,
        names.empty() ? "there is no pool" : "there is no such pool; " + nearest_of(name, names));
  }

  static std::string nearest_of(std::string_view name, std::span<const std::string_view> names) {
    const std::string_view near = base::nearest(name, names);
    if (!near.empty()) return fmt::format("did you mean '{}'?", near);
    return fmt::format("expected {}{}", names.size() == 1 ? "" : "one of ", fmt::join(names, ", "));
  }

  void bounds() {
    const Value* limits = file_ == nullptr ? nullptr : file_->find("limits");
    const Value* timeouts = file_ == nullptr ? nullptr : file_->find("timeouts");
    if (config_.limits.target_bytes_max > config_.limits.head_bytes_max) {
      const std::string_view key = limits != nullptr && limits->find("target_bytes_max") == nullptr
                                       ? "head_bytes_max"
                                       : "target_bytes_max";
      error(fmt::format("limits.{}", key), position(limits, key),
            fmt::format("target_bytes_max ({}) is more than head_bytes_max ({}), of which it is "
                        "a part",
                        base::format_bytes(config_.limits.target_bytes_max),
                        base::format_bytes(config_.limits.head_bytes_max)));
    }
    const Limits plain;
    idle("limits", "request_burst", limits,
         config_.limits.request_burst != 0 && config_.limits.request_rate_max <= 0,
         "there is no request_rate_max");
    idle("limits", "body_rate_grace", limits,
         config_.limits.body_rate_min == 0 &&
             config_.limits.body_rate_grace != plain.body_rate_grace,
         "there is no body_rate_min");
    if (config_.backoff_first > config_.backoff_max) {
      const std::string_view key = timeouts != nullptr && timeouts->find("backoff_first") == nullptr
                                       ? "backoff_max"
                                       : "backoff_first";
      error(fmt::format("timeouts.{}", key), position(timeouts, key),
            fmt::format("backoff_first ({}) is more than backoff_max ({})",
                        base::format_duration(config_.backoff_first),
                        base::format_duration(config_.backoff_max)));
    }
  }

  const Coordinator& config_;
  const Value* file_;
  const CrossCheck& options_;
  Reader& reader_;
  std::map<std::string, Position> pools_, names_, addresses_;
  std::set<std::string> used_;              // pools
  std::set<std::string> flows_, requests_;  // pools that get these
};

}  // namespace

void cross_check(const Coordinator& config, const Value* file, const CrossCheck& options,
                 Reader& reader) {
  Check(config, file, options, reader).all();
}

}  // namespace giliran::config
