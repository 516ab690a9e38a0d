#include "client/recorder.h"

#include <algorithm>

#include "base/assert.h"

namespace giliran::client {
namespace {

uint64_t nanoseconds(base::Duration d) {
  return d.count() < 0 ? 0 : static_cast<uint64_t>(d.count());
}

void add_histogram(base::Histogram& to, const base::Histogram& from) {
  const auto added = to.add(from);
  GILIRAN_ASSERT(added.has_value());  // same options
}

}  // namespace

void Counts::add(const Counts& other) {
  issued += other.issued;
  answered += other.answered;
  bad_status += other.bad_status;
  failed += other.failed;
  retried += other.retried;
  connections += other.connections;
  connect_failures += other.connect_failures;
  bytes_out += other.bytes_out;
  bytes_in += other.bytes_in;
  body_bytes += other.body_bytes;
  for (size_t i = 0; i < ends.size(); ++i) ends[i] += other.ends[i];
  for (size_t i = 0; i < status_classes.size(); ++i) status_classes[i] += other.status_classes[i];
}

void Live::add(const Live& other) {
  counts.add(other.counts);
  add_histogram(interval, other.interval);
  for (const auto& [name, answers] : other.servers) {
    const auto at = std::ranges::find(servers, name, &std::pair<std::string, uint64_t>::first);
    if (at == servers.end()) {
      servers.emplace_back(name, answers);
    } else {
      at->second += answers;
    }
  }
}

void Recorder::connected(base::Duration took) {
  ++counts_.connections;
  connect_.record(nanoseconds(took));
}

void Recorder::ended(const Ending& ending) {
  ++counts_.ends[static_cast<size_t>(ending.end)];
  counts_.bytes_out += ending.bytes_out;
  counts_.bytes_in += ending.bytes_in;
  counts_.body_bytes += ending.body_bytes;
  if (ending.end != telemetry::End::kOk) {
    ++counts_.failed;
    return;
  }
  const uint64_t ns = nanoseconds(ending.round_trip);
  const bool bad = ending.status >= 400;
  ++counts_.answered;
  counts_.bad_status += bad ? 1 : 0;
  const size_t status_class = ending.status / 100u;
  ++counts_.status_classes[status_class < kStatusClasses ? status_class : 0];
  round_trip_.record(ns);
  if (live_) interval_.record(ns);
  if (ending.server == kNoServer) return;
  ServerTally& tally = servers_[ending.server];
  ++tally.answers;
  tally.bad_status += bad ? 1 : 0;
  tally.round_trip.record(ns);
}

uint32_t Recorder::server(std::string_view name) {
  const auto at = server_numbers_.find(name);
  if (at != server_numbers_.end()) return at->second;
  if (servers_.size() >= kServersMax && name != kOtherServers) return server(kOtherServers);
  const uint32_t number = static_cast<uint32_t>(servers_.size());
  servers_.push_back(ServerTally{.name = std::string(name)});
  server_numbers_.emplace(name, number);
  return number;
}

std::vector<const ServerTally*> Recorder::servers_by_name() const {
  std::vector<const ServerTally*> sorted;
  for (const ServerTally& tally : servers_) sorted.push_back(&tally);
  std::ranges::sort(sorted, {}, [](const ServerTally* t) { return std::string_view(t->name); });
  return sorted;
}

Live Recorder::take_live() {
  GILIRAN_ASSERT(live_);
  Live live{.counts = counts_, .interval = interval_, .servers = {}};
  for (const ServerTally& tally : servers_) live.servers.emplace_back(tally.name, tally.answers);
  interval_.reset();
  return live;
}

void Recorder::add(const Recorder& other) {
  counts_.add(other.counts_);
  add_histogram(connect_, other.connect_);
  add_histogram(round_trip_, other.round_trip_);
  for (const ServerTally& tally : other.servers_) {
    ServerTally& to = servers_[server(tally.name)];
    to.answers += tally.answers;
    to.bad_status += tally.bad_status;
    add_histogram(to.round_trip, tally.round_trip);
  }
}

}  // namespace giliran::client
