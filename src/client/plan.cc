#include "client/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "base/parse.h"
#include "client/content.h"
#include "client/plan_loop.h"
#include "client/resolve.h"
#include "net/listen.h"

namespace giliran::client {
namespace {

constexpr uint32_t kConnectionsMax = 1'000'000;
constexpr uint32_t kThreadsMax = 1024;
constexpr uint64_t kRequestsMax = 1'000'000'000'000'000;  // with a warm-up's they can be counted

// What says something of another flag that is not there.
base::Result<void> check_partners(const ClientOptions& options) {
  const ClientOptions unset{};
  if (options.replay_path.empty() && options.speed != unset.speed) {
    return base::fail("--speed: it is that of a replay; give --replay");
  }
  if (!options.find_max.empty()) return {};
  const char* const flag = options.step_duration != unset.step_duration ? "--step-duration"
                           : options.start_rate != unset.start_rate     ? "--start-rate"
                           : !options.coordinator_log.empty()           ? "--coordinator-log"
                                                                        : nullptr;
  if (flag == nullptr) return {};
  return base::fail(fmt::format("{}: it is for a search; give --find-max", flag));
}

base::Result<void> check_numbers(const ClientOptions& options) {
  if (options.connections > kConnectionsMax) {
    return base::fail(
        fmt::format("--connections {}: expected 1 to {}", options.connections, kConnectionsMax));
  }
  if (options.threads > kThreadsMax) {
    return base::fail(
        fmt::format("--threads {}: expected at most {}", options.threads, kThreadsMax));
  }
  if (options.requests > kRequestsMax) {
    return base::fail(
        fmt::format("--requests {}: expected at most {}", options.requests, kRequestsMax));
  }
  if (options.timeout.count() == 0) return base::fail("--timeout: expected more than 0");
  for (const auto& [flag, time] : {std::pair("--warmup", options.warmup),
                                   {"--timeout", options.timeout},
                                   {"--duration", options.duration}}) {
    if (time.count() < 0) return base::fail(fmt::format("{}: expected more than 0", flag));
    if (time > kLongest) return base::fail(fmt::format("{}: expected at most 10 years", flag));
  }
  return {};
}

// Found before the start; else every connection would fail.
base::Result<void> check_sources(const ClientOptions& options) {
  for (const base::Address& source : options.sources) {
    const auto probed = net::probe_listen(source, "--source");
    if (probed || probed.error().code != EADDRNOTAVAIL) continue;
    std::string text = source.text();
    if (text.ends_with(":0")) text.resize(text.size() - 2);
    return base::fail(fmt::format("--source {}: is not an address of this machine", text));
  }
  return {};
}

// "10.0.0.1:80, 10.0.0.2:80 and 3 more"
std::string addresses_text(const Plan& plan) {
  constexpr size_t kShown = 3;
  std::string text;
  for (size_t i = 0; i < std::min(plan.addresses.size(), kShown); ++i) {
    text += (i == 0 ? "" : ", ") + plan.addresses[i].text();
  }
  if (plan.addresses.size() <= kShown) return text;
  return text + fmt::format(" and {} more", plan.addresses.size() - kShown);
}

}  // namespace

base::Result<Plan> make_plan(const ClientOptions& options, unsigned processors) {
  GILIRAN_TRY_VOID(check_partners(options));
  GILIRAN_TRY_VOID(check_numbers(options));
  GILIRAN_TRY_VOID(check_sources(options));
  Plan plan;
  const config::Url url = GILIRAN_TRY(plan_content(options, plan));
  plan.sources = options.sources;
  plan.connections = options.connections;
  plan.threads = options.threads;
  plan.requests = plan.replay ? plan.replay->requests.size() : options.requests;
  plan.duration = plan.replay ? base::Duration{} : options.duration;
  plan.new_connection = options.new_connection;
  plan.timeout = options.timeout;
  plan.seed = options.seed;
  const auto looped = plan_loop(options, plan);
  if (!looped) return std::unexpected(looped.error());
  if (plan.connections == 0) {
    plan.connections = plan.loop == Loop::kOpen ? kDefaultConnectionsOpen : kDefaultConnections;
  }
  // A client without a request to make would be none.
  if (plan.requests != 0 && plan.requests < plan.connections) {
    plan.connections = static_cast<uint32_t>(plan.requests);
  }
  if (plan.threads == 0) plan.threads = std::max(processors, 1u);
  plan.threads = std::min(plan.threads, plan.connections);
  plan.addresses = GILIRAN_TRY(resolve(url.host_port, options.resolve));
  return plan;
}

std::string text(const Plan& plan) {
  std::string text = fmt::format(
      "{} thread{}, {}{} connection{}", plan.threads, plan.threads == 1 ? "" : "s",
      plan.loop == Loop::kOpen ? "up to " : "", plan.connections, plan.connections == 1 ? "" : "s");
  if (plan.requests != 0) {
    text += fmt::format(", {} request{}", plan.requests, plan.requests == 1 ? "" : "s");
  }
  if (plan.duration.count() != 0) {
    text += ", " + base::format_duration(plan.duration - plan.warmup);
  }
  if (plan.warmup.count() != 0) {
    text += " after a warm-up of " + base::format_duration(plan.warmup);
  }
  text += ", " + loop_text(plan);
  text += plan.new_connection ? ", a new connection per request, " : ", keep-alive, ";
  if (plan.replay) text += client::text(*plan.replay) + ", ";
  if (plan.protocol == Protocol::kHttp && plan.targets.front().method != "GET") {
    text += plan.targets.front().method + " ";
  }
  text += plan.url;
  if (plan.targets.size() > 1) text += fmt::format(" and {} more", plan.targets.size() - 1);
  if (plan.addresses.size() > 1) text += fmt::format(" at {}", addresses_text(plan));
  return text + fmt::format(", seed {}", plan.seed);
}

}  // namespace giliran::client
