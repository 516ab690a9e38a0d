#include "control/summary.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace giliran::control {
namespace {

// Names that come and go for years must not fill the memory.
constexpr size_t kNamesMax = 1000;
const std::string kOthers = "(others)";

uint64_t chosen(const cluster::Endpoint& endpoint) {
  return endpoint.live.chosen.load(std::memory_order_relaxed);
}

std::string times(uint64_t count) {
  return fmt::format("{} time{}", count, base::plural(count));
}

bool has(const cluster::Snapshot& snapshot, const std::shared_ptr<cluster::Endpoint>& endpoint) {
  return std::ranges::any_of(snapshot.pools, [&](const auto& pool) {
    return std::ranges::find(pool->endpoints, endpoint) != pool->endpoints.end();
  });
}

}  // namespace

void ServerCounts::published(const cluster::Snapshot* old, const cluster::Snapshot& now) {
  std::erase_if(removed_, [&](const auto& endpoint) {
    if (endpoint.use_count() > 1) return false;  // counts on
    const bool room = chosen_.size() < kNamesMax || chosen_.contains(endpoint->name);
    chosen_[room ? endpoint->name : kOthers] += chosen(*endpoint);
    return true;
  });
  if (old == nullptr) return;
  for (const auto& pool : old->pools) {
    for (const auto& endpoint : pool->endpoints) {
      if (!has(now, endpoint)) removed_.push_back(endpoint);
    }
  }
}

std::string ServerCounts::text(const cluster::Snapshot& now) const {
  std::string text;
  for (const auto& pool : now.pools) {
    const std::string of = now.pools.size() > 1 ? " of pool " + pool->name : "";
    for (const auto& endpoint : pool->endpoints) {
      text +=
          fmt::format("  server {}{} chosen {}\n", endpoint->name, of, times(chosen(*endpoint)));
    }
  }
  std::map<std::string, uint64_t> removed = chosen_;
  for (const auto& endpoint : removed_) removed[endpoint->name] += chosen(*endpoint);
  for (const auto& [name, count] : removed) {
    text += fmt::format("  server {}, removed, chosen {}\n", name, times(count));
  }
  return text;
}

std::string summary(const Totals& totals) {
  const proxy::WorkerCounts& sum = totals.counts;
  const double cpu = base::to_seconds(totals.cpu);
  std::string text = fmt::format(
      "giliran coordinator: {} exchanges, {} flows on {} connections in {:.1f} s; {} failed, "
      "{} refused, {} retries, {} cut at the end; CPU {:.2f} s",
      sum.exchanges, sum.flows, sum.connections, base::to_seconds(totals.ran), sum.failed,
      sum.refused, sum.retries, sum.cut, cpu);
  if (sum.exchanges + sum.flows != 0) {
    text += fmt::format(" ({:.1f} us each)",
                        cpu * 1e6 / static_cast<double>(sum.exchanges + sum.flows));
  }
  const telemetry::Log::Counts& logged = totals.logged;
  text += fmt::format("; log: {} records written, {} dropped, {} write errors\n", logged.written,
                      logged.dropped, logged.write_errors);
  std::string ends;
  for (size_t i = 1; i < sum.ends.size(); ++i) {
    if (sum.ends[i] == 0) continue;
    ends += fmt::format("{}{} {}", ends.empty() ? "" : ", ", sum.ends[i],
                        telemetry::name(static_cast<telemetry::End>(i)));
  }
  if (!ends.empty()) text += fmt::format("  not ok: {}\n", ends);
  if (sum.over_limit != 0) {
    text += fmt::format("  {} connections above connections_max\n", sum.over_limit);
  }
  if (sum.cut_for_memory != 0) {
    text += fmt::format("  {} connections that held most ended for want of memory\n",
                        sum.cut_for_memory);
  }
  if (sum.retries_refused != 0) {
    text += fmt::format("  {} retries refused by the retry budget\n", sum.retries_refused);
  }
  return text;
}

}  // namespace giliran::control
