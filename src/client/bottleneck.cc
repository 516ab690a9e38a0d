#include "client/bottleneck.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "report/format.h"

namespace giliran::client {
namespace {

constexpr double kGrowthShareMin = 0.2;
constexpr double kGrowthMinUs = 50;
constexpr std::string_view kOurs = "gl-";

double at(const TierTimesOfStep& step, const std::string& name) {
  const auto found = step.tiers.find(name);
  return found == step.tiers.end() ? 0 : found->second;
}

double sum_of_servers(const TierTimesOfStep& step) {
  double sum = 0;
  for (const auto& [name, us] : step.tiers) {
    if (!name.starts_with(kOurs)) sum += us;
  }
  return sum;
}

struct Split {
  double before_server = 0;  // the coordinator waited, the server did not account for it
  double rest = 0;           // in nobody's account
};

Split split(const TierTimesOfStep& step, bool coordinator_tells) {
  const double servers = sum_of_servers(step);
  if (!coordinator_tells) return {.rest = std::max(0.0, step.service - servers)};
  const double wait = at(step, "gl-wait");
  const double told = at(step, "gl-queue") + at(step, "gl-connect") + std::max(wait, servers);
  return {.before_server = std::max(0.0, wait - servers),
          .rest = std::max(0.0, step.service - told)};
}

std::vector<TimePart> parts_of(const TierTimesOfStep& before, const TierTimesOfStep& fails) {
  const bool tells = fails.tiers.contains("gl-wait");
  const Split was = split(before, before.tiers.contains("gl-wait"));
  const Split now = split(fails, tells);
  std::vector<TimePart> parts = {
      {LimitingTier::kClient, "lag", before.lag, fails.lag},
      {LimitingTier::kConnections, "wait for a connection", before.wait, fails.wait}};
  if (tells) {
    for (const auto& [key, what] : {std::pair{"gl-queue", "queue"}, {"gl-connect", "connect"}}) {
      parts.push_back({LimitingTier::kCoordinator, what, at(before, key), at(fails, key)});
    }
    parts.push_back(
        {LimitingTier::kCoordinator, "its own work and the network", was.rest, now.rest});
    parts.push_back(
        {LimitingTier::kServer, "before its clock starts", was.before_server, now.before_server});
  } else {
    parts.push_back({LimitingTier::kPath, "between client and server", was.rest, now.rest});
  }
  for (const auto& [key, us] : fails.tiers) {
    if (key.starts_with(kOurs)) continue;
    parts.push_back({LimitingTier::kServer, key, at(before, key), us});
  }
  return parts;
}

bool inside(const TimePart& part) {
  return part.tier != LimitingTier::kClient && part.tier != LimitingTier::kConnections;
}

// compared: with a rate that holds.
std::string grew(const TimePart& part, bool compared) {
  if (!compared) {
    return fmt::format("{} takes {} a request", part.what,
                       report::format_latency_us(part.fails_us));
  }
  return fmt::format("{} grew from {} to {} a request", part.what,
                     report::format_latency_us(part.before_us),
                     report::format_latency_us(part.fails_us));
}

}  // namespace

void TierTimesOfStep::add(const TierTimesOfStep& other) {
  const double all = answered + other.answered;
  if (all <= 0) return;
  const auto mean = [&](double a, double b) { return (a * answered + b * other.answered) / all; };
  lag = mean(lag, other.lag);
  wait = mean(wait, other.wait);
  service = mean(service, other.service);
  for (const auto& [name, us] : other.tiers) tiers.try_emplace(name, 0);
  for (auto& [name, us] : tiers) us = mean(us, at(other, name));
  answered = all;
}

std::string_view name(LimitingTier tier) {
  switch (tier) {
    case LimitingTier::kUnknown:
      return "unknown";
    case LimitingTier::kServer:
      return "server";
    case LimitingTier::kCoordinator:
      return "coordinator";
    case LimitingTier::kPath:
      return "path";
    case LimitingTier::kConnections:
      return "connections";
    case LimitingTier::kClient:
      return "client";
  }
  return "";
}

Bottleneck find_bottleneck(const TierTimesOfStep& before, const TierTimesOfStep& fails) {
  Bottleneck out;
  if (fails.answered <= 0) {
    out.text = "where it fails, no answer came that could tell where the time went";
    return out;
  }
  out.parts = parts_of(before, fails);
  const TimePart* most = nullptr;
  for (const TimePart& part : out.parts) {
    if (inside(part) && (most == nullptr || part.growth() > most->growth())) most = &part;
  }
  const bool compared = before.answered > 0;
  const double enough = std::max(kGrowthMinUs, kGrowthShareMin * before.service);
  if (most != nullptr && most->growth() >= enough) {
    out.tier = most->tier;
    out.text = out.tier == LimitingTier::kPath
                   ? "between client and server: neither's account has it; a coordinator tells its "
                     "part with server_timing on its listener, or give --coordinator-log"
                   : fmt::format("the {}: {}", name(out.tier), grew(*most, compared));
    return out;
  }
  const TimePart& wait = out.parts[1];
  if (wait.growth() >= enough) {
    out.tier = LimitingTier::kConnections;
    out.text = fmt::format("the client's connections: {}, and nothing behind them did; raise -c",
                           grew(wait, compared));
    return out;
  }
  out.text = "no part of the time grew much: look at what failed";
  return out;
}

}  // namespace giliran::client
