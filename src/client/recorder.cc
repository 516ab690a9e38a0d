#include "client/recorder.h"

#include <algorithm>

#include "base/assert.h"

namespace giliran::client {
namespace {

uint64_t nanoseconds(base::Duration d) {
  return d.count() < 0 ? 0 : static_cast<uint64_t>(d.count());
}

template <typename T>
void grow(std::vector<T>& list, size_t size) {
  if (list.size() < size) list.resize(size);
}

void add_histogram(base::Histogram& to, const base::Histogram& from) {
  const auto added = to.add(from);
  GILIRAN_ASSERT(added.has_value());  // same options
}

}  // namespace

void Counts::add(const Counts& other) {
  due += other.due;
  issued += other.issued;
  answered += other.answered;
  bad_status += other.bad_status;
  failed += other.failed;
  retried += other.retried;
  connections += other.connections;
  connect_failures += other.connect_failures;
  shortages += other.shortages;
  bytes_out += other.bytes_out;
  bytes_in += other.bytes_in;
  body_bytes += other.body_bytes;
  for (size_t i = 0; i < ends.size(); ++i) ends[i] += other.ends[i];
  for (size_t i = 0; i < status_classes.size(); ++i) status_classes[i] += other.status_classes[i];
}

void Live::add(const Live& other) {
  counts.add(other.counts);
  add_histogram(interval, other.interval);
  add_histogram(service, other.service);
  for (const auto& [name, answers] : other.servers) {
    const auto at = std::ranges::find(servers, name, &std::pair<std::string, uint64_t>::first);
    if (at == servers.end()) {
      servers.emplace_back(name, answers);
    } else {
      at->second += answers;
    }
  }
}

// --- slices ---

void Recorder::begin_slices(base::Instant started, base::Duration interval) {
  GILIRAN_ASSERT(slices_.empty() && interval.count() > 0);
  started_ = started;
  interval_ = interval;
  roll_to(0);
}

// Null where there are no slices. What was before the start belongs to the first.
Slice* Recorder::slice_at(base::Instant t) {
  if (slices_.empty()) return nullptr;
  if (t < slice_end_) {
    if (t >= slice_end_ - interval_) return &slices_.back();
    const base::Duration since = t - started_;
    return &slices_[since.count() <= 0 ? 0 : static_cast<size_t>(since / interval_)];
  }
  while ((t - started_) / interval_ >= static_cast<int64_t>(kSlicesMax)) coarsen();
  return &roll_to(static_cast<size_t>((t - started_) / interval_));
}

// The slices before it are finished: little is recorded in them any more.
Slice& Recorder::roll_to(size_t index) {
  while (slices_.size() <= index) {
    if (!slices_.empty()) {
      slices_.back().service.trim();
      slices_.back().response.trim();
    }
    slices_.emplace_back();
    slices_.back().in_flight_max = in_flight_;
  }
  slice_end_ = started_ + interval_ * static_cast<int64_t>(slices_.size());
  return slices_.back();
}

// Makes one slice of two.
void Recorder::coarsen() {
  for (size_t i = 0; i < slices_.size(); i += 2) {
    if (i + 1 < slices_.size()) slices_[i].add_later(slices_[i + 1]);
    if (i != 0) slices_[i / 2] = std::move(slices_[i]);
  }
  slices_.resize((slices_.size() + 1) / 2);
  interval_ *= 2;
  slice_end_ = started_ + interval_ * static_cast<int64_t>(slices_.size());
}

void Slice::add_counts(const Slice& other) {
  due += other.due;
  issued += other.issued;
  answered += other.answered;
  failed += other.failed;
  bad_status += other.bad_status;
  add_histogram(service, other.service);
  add_histogram(response, other.response);
  lag_max = std::max(lag_max, other.lag_max);
}

void Slice::add_later(const Slice& other) {
  add_counts(other);
  grow(answers_by_server, other.answers_by_server.size());
  for (size_t i = 0; i < other.answers_by_server.size(); ++i) {
    answers_by_server[i] += other.answers_by_server[i];
  }
  grow(tiers, other.tiers.size());
  for (size_t i = 0; i < other.tiers.size(); ++i) tiers[i].add(other.tiers[i]);
  in_flight_max = std::max(in_flight_max, other.in_flight_max);
  backlog_max = std::max(backlog_max, other.backlog_max);
}

// --- what happens ---

void Recorder::due(base::Instant due, base::Instant now, bool measured) {
  const base::Duration late = std::max(now - due, base::Duration{});
  ++(measured ? counts_ : warm_).due;
  if (measured) lag_.record(nanoseconds(late));
  Slice* const slice = slice_at(now);
  if (slice == nullptr) return;
  slice->lag_max = std::max(slice->lag_max, late);
  ++slice_at(due)->due;
}

void Recorder::backlog(uint64_t waiting) {
  if (slices_.empty()) return;
  uint32_t& most = slices_.back().backlog_max;
  most = std::max(most, static_cast<uint32_t>(std::min<uint64_t>(waiting, UINT32_MAX)));
}

void Recorder::issued(base::Instant now, bool measured) {
  Counts& counts = measured ? counts_ : warm_;
  ++counts.issued;
  counts.due += open_ ? 0 : 1;
  ++in_flight_;
  Slice* const slice = slice_at(now);
  if (slice == nullptr) return;
  ++slice->issued;
  slice->due += open_ ? 0 : 1;
  slice->in_flight_max = std::max(slice->in_flight_max, in_flight_);
}

void Recorder::connected(base::Duration took, uint32_t address) {
  ++counts_.connections;
  connect_.record(nanoseconds(took));
  if (!addresses_.empty()) ++addresses_[address].connections;
}

void Recorder::connect_failed(uint32_t address, bool shortage) {
  ++counts_.connect_failures;
  counts_.shortages += shortage ? 1 : 0;
  if (!addresses_.empty()) ++addresses_[address].connect_failures;
}

void Recorder::ended(const Ending& ending) {
  Slice* const slice = slice_at(ending.at);
  --in_flight_;
  count_ending(ending);
  if (ending.end != telemetry::End::kOk) {
    if (ending.measured && !addresses_.empty()) ++addresses_[ending.address].failed;
    if (slice != nullptr) ++slice->failed;
    return;
  }
  const uint64_t service = nanoseconds(ending.service);
  const uint64_t response = nanoseconds(ending.response);
  if (live_) {
    live_service_.record(service);
    live_response_.record(response);
  }
  if (ending.measured) {
    service_.record(service);
    response_.record(response);
    tally(ending, service);
  }
  if (slice != nullptr) record_in(*slice, ending, service, response);
}

void Recorder::count_ending(const Ending& ending) {
  Counts& counts = ending.measured ? counts_ : warm_;
  ++counts.ends[static_cast<size_t>(ending.end)];
  counts.bytes_out += ending.bytes_out;
  counts.bytes_in += ending.bytes_in;
  counts.body_bytes += ending.body_bytes;
  if (open_ && ending.measured && ending.sent) wait_.record(nanoseconds(ending.wait));
  if (ending.end != telemetry::End::kOk) {
    ++counts.failed;
    return;
  }
  ++counts.answered;
  answered_measuring_ += ending.at >= measuring_since_ ? 1 : 0;
  counts.bad_status += ending.status >= 400 ? 1 : 0;
  const size_t status_class = ending.status / 100u;
  ++counts.status_classes[status_class < kStatusClasses ? status_class : 0];
}

// By address, by server and by tier.
void Recorder::tally(const Ending& ending, uint64_t service) {
  if (ending.tiers != nullptr) {
    ending.tiers->each([&](size_t tier, uint64_t ns) { tiers_[tier].took.record(ns); });
  }
  if (!addresses_.empty()) {
    AddressTally& address = addresses_[ending.address];
    ++address.answers;
    address.bad_status += ending.status >= 400 ? 1 : 0;
    address.service.record(service);
  }
  if (ending.server == kNoServer) return;
  ServerTally& server = servers_[ending.server];
  ++server.answers;
  server.bad_status += ending.status >= 400 ? 1 : 0;
  server.service.record(service);
}

void Recorder::record_in(Slice& slice, const Ending& ending, uint64_t service, uint64_t response) {
  ++slice.answered;
  slice.bad_status += ending.status >= 400 ? 1 : 0;
  slice.service.record(service);
  slice.response.record(response);
  if (ending.server != kNoServer) {
    grow(slice.answers_by_server, ending.server + 1);
    ++slice.answers_by_server[ending.server];
  }
  if (ending.tiers == nullptr) return;
  grow(slice.tiers, tiers_.size());
  ending.tiers->each([&](size_t tier, uint64_t ns) { slice.tiers[tier].add({1, ns}); });
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

uint32_t Recorder::tier(std::string_view name) {
  for (size_t i = 0; i < tiers_.size(); ++i) {
    if (tiers_[i].name == name) return static_cast<uint32_t>(i);
  }
  if (tiers_.size() >= kTiersMax || name.empty() || name.size() > kTierNameMax) return kNoTier;
  tiers_.push_back(TierTally{.name = std::string(name)});
  return static_cast<uint32_t>(tiers_.size() - 1);
}

// --- after it, and meanwhile ---

std::vector<const ServerTally*> Recorder::servers_by_name() const {
  std::vector<const ServerTally*> sorted;
  for (const ServerTally& tally : servers_) sorted.push_back(&tally);
  std::ranges::sort(sorted, {}, [](const ServerTally* t) { return std::string_view(t->name); });
  return sorted;
}

Live Recorder::take_live() {
  GILIRAN_ASSERT(live_);
  Live live{.counts = counts_, .interval = live_response_, .service = live_service_, .servers = {}};
  live.counts.add(warm_);
  for (const ServerTally& tally : servers_) live.servers.emplace_back(tally.name, tally.answers);
  live_response_.reset();
  live_service_.reset();
  return live;
}

void AddressTally::add(const AddressTally& other) {
  connections += other.connections;
  connect_failures += other.connect_failures;
  answers += other.answers;
  bad_status += other.bad_status;
  failed += other.failed;
  add_histogram(service, other.service);
}

void Recorder::add(const Recorder& other) {
  counts_.add(other.counts_);
  warm_.add(other.warm_);
  answered_measuring_ += other.answered_measuring_;
  add_histogram(connect_, other.connect_);
  add_histogram(service_, other.service_);
  add_histogram(response_, other.response_);
  add_histogram(lag_, other.lag_);
  add_histogram(wait_, other.wait_);
  grow(addresses_, other.addresses_.size());
  for (size_t i = 0; i < other.addresses_.size(); ++i) addresses_[i].add(other.addresses_[i]);
  std::vector<uint32_t> server_map, tier_map;
  for (const ServerTally& tally : other.servers_) {
    server_map.push_back(server(tally.name));
    ServerTally& to = servers_[server_map.back()];
    to.answers += tally.answers;
    to.bad_status += tally.bad_status;
    add_histogram(to.service, tally.service);
  }
  for (const TierTally& tally : other.tiers_) {
    tier_map.push_back(tier(tally.name));
    if (tier_map.back() != kNoTier) add_histogram(tiers_[tier_map.back()].took, tally.took);
  }
  add_slices(other, server_map, tier_map);
}

void Recorder::add_slices(const Recorder& other, const std::vector<uint32_t>& server_map,
                          const std::vector<uint32_t>& tier_map) {
  if (other.slices_.empty()) return;
  if (slices_.empty()) begin_slices(other.started_, other.interval_);
  while (interval_ < other.interval_) coarsen();
  const size_t each = static_cast<size_t>(interval_ / other.interval_);
  for (size_t i = 0; i < other.slices_.size(); ++i) {
    const Slice& from = other.slices_[i];
    Slice& to = i / each < slices_.size() ? slices_[i / each] : roll_to(i / each);
    to.add_counts(from);
    to.in_flight_max += from.in_flight_max;
    to.backlog_max += from.backlog_max;
    for (size_t k = 0; k < from.answers_by_server.size(); ++k) {
      grow(to.answers_by_server, server_map[k] + 1);
      to.answers_by_server[server_map[k]] += from.answers_by_server[k];
    }
    for (size_t k = 0; k < from.tiers.size(); ++k) {
      if (tier_map[k] == kNoTier) continue;
      grow(to.tiers, tier_map[k] + 1);
      to.tiers[tier_map[k]].add(from.tiers[k]);
    }
  }
  slices_.back().service.trim();
  slices_.back().response.trim();
}

}  // namespace giliran::client
