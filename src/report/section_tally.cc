#include "report/section_tally.h"

#include <algorithm>

namespace giliran::report {

namespace {

using base::Duration;
using telemetry::Line;
using telemetry::Tier;

constexpr base::Histogram::Options kCoarse{.highest = 3'600'000'000'000, .digits = 2};

uint64_t count_of(Duration d) {
  return d.count() < 0 ? 0 : static_cast<uint64_t>(d.count());
}

Part wait_part(Tier tier) {
  return tier == Tier::kServer ? Part::kService : Part::kWait;
}

std::string hex(const base::TraceId& trace) {
  if (trace.none()) return "";
  std::string text(32, '0');
  trace.format(text.data());
  return text;
}

bool slower(const SlowRecord& a, const SlowRecord& b) {
  return a.total > b.total;
}

}  // namespace

std::string_view name(Part part) {
  switch (part) {
    case Part::kHead:
      return "head";
    case Part::kQueue:
      return "queue";
    case Part::kConnect:
      return "connect";
    case Part::kSend:
      return "send";
    case Part::kWait:
      return "wait";
    case Part::kService:
      return "service";
    case Part::kData:
      return "data";
    case Part::kIdle:
      return "idle";
    case Part::kLag:
      return "lag";
  }
  return "";
}

Duration part_of(const Line& line, Part part) {
  switch (part) {
    case Part::kHead:
      return line.head;
    case Part::kQueue:
      return line.queue;
    case Part::kConnect:
      return line.connect;
    case Part::kSend:
      return line.send;
    case Part::kWait:
      return line.wait;
    case Part::kService:
      return line.service;
    case Part::kData:
      return line.data;
    case Part::kIdle:
      return line.idle;
    case Part::kLag:
      return line.lag;
  }
  return telemetry::kNotReached;
}

Quantiles Quantiles::of(const base::Histogram& h) {
  const auto at = [&](double p) {
    return Duration(static_cast<int64_t>(std::min(h.percentile(p), h.max())));
  };
  if (h.count() == 0) return {};
  return {.count = h.count(),
          .mean_us = h.mean() / 1e3,
          .p50 = at(50),
          .p90 = at(90),
          .p99 = at(99),
          .p999 = at(99.9),
          .max = Duration(static_cast<int64_t>(h.max()))};
}

double Section::per_second() const {
  return duration.count() <= 0 ? 0 : static_cast<double>(records) / base::to_seconds(duration);
}

SectionTally::Server::Server() : connect(kCoarse), wait(kCoarse), total(kCoarse) {}

SectionTally::SectionTally(Tier tier, telemetry::Kind kind, size_t slowest)
    : slowest_max_(slowest) {
  counts_.tier = tier;
  counts_.kind = kind;
}

void SectionTally::add(const Line& line) {
  const bool ok = line.end == telemetry::End::kOk;
  ++counts_.records;
  counts_.messages += line.messages;
  counts_.attempts += line.attempts;
  if (line.attempts > 1) ++counts_.retried;
  if (line.reused) ++counts_.reused;
  counts_.down_in += line.down_in;
  counts_.down_out += line.down_out;
  counts_.up_out += line.up_out;
  counts_.up_in += line.up_in;
  counts_.body_in += line.body_in;
  counts_.body_out += line.body_out;
  if (line.status != 0) ++counts_.statuses[line.status];
  if (line.format == telemetry::Format::kJson) ++counts_.from_json;
  if (ok) {
    ++counts_.ok;
    if (line.status / 100 == 4) ++counts_.ok_4xx;
    if (is_5xx(line.status)) ++counts_.ok_5xx;
  } else {
    add_failure(line);
  }
  add_times(line);
  add_faults(line);
  if (slowest_max_ != 0) add_slow(line);
}

void SectionTally::add_times(const Line& line) {
  const bool ok = line.end == telemetry::End::kOk;
  const base::WallTime at = line.arrived();
  rate_.add(at, !ok);
  if (at.ns != 0) {
    first_ns_ = std::min(first_ns_, at.ns);
    last_ns_ = std::max(last_ns_, at.ns + static_cast<int64_t>(count_of(line.total)));
  }
  for (size_t i = 0; i < kParts; ++i) {
    const Duration d = part_of(line, static_cast<Part>(i));
    if (d.count() < 0) continue;
    if (!parts_[i]) parts_[i].emplace(kCoarse);
    parts_[i]->record(count_of(d));
    if (ok) ok_sums_ns_[i] += static_cast<double>(d.count());
  }
  Server& row = server(line);
  ++row.count;
  if (!ok) ++row.errors;
  // Of more attempts they have the time of other servers, too; and how long nobody connected or
  // answered is a bound of ours.
  const bool one = line.attempts <= 1;
  const bool over = ok || line.phase == telemetry::Phase::kNone;
  const bool connected = one && (over || line.phase > telemetry::Phase::kConnect);
  if (connected && line.connect.count() >= 0 && !line.reused) {
    row.connect.record(count_of(line.connect));
  }
  const Duration wait = part_of(line, wait_part(line.tier));
  const bool answered =
      line.tier == Tier::kServer || (one && (over || line.phase > telemetry::Phase::kWait));
  if (answered && wait.count() >= 0) row.wait.record(count_of(wait));
  if (ok && line.total.count() >= 0) {
    total_.record(count_of(line.total));
    row.total.record(count_of(line.total));
    if (line.tier == Tier::kServer || !line.server.empty()) {
      ++served_;
      served_ns_ += static_cast<double>(line.total.count());
    }
  }
}

SectionTally::Served SectionTally::served() const {
  if (served_ == 0) return {.count = counts_.ok, .mean_us = total_mean_us()};
  return {.count = served_, .mean_us = served_ns_ / static_cast<double>(served_) / 1e3};
}

SectionTally::Server& SectionTally::server(std::string_view name) {
  if (const auto found = servers_.find(name); found != servers_.end()) return found->second;
  if (servers_.size() >= kServersMax) name = "(others)";
  return servers_.try_emplace(std::string(name)).first->second;
}

SectionTally::Server& SectionTally::server(const Line& line) {
  const bool own = line.tier == Tier::kServer;
  std::string_view name = own ? line.process_name : line.server;
  const bool says_so = !name.empty() || line.tier != Tier::kClient;
  if (!says_so) name = line.peer;
  Server& row = server(name.empty() ? kNoName : name);
  row.says_so = row.says_so && says_so;
  if (row.address.empty()) row.address = own ? line.local : line.upstream;
  return row;
}

void SectionTally::add_faults(const Line& line) {
  if (line.end == telemetry::End::kOk && line.tried.empty() && !is_5xx(line.status)) return;
  faulty_attempts(line, faulty_);
  for (const FaultyAttempt& one : faulty_) {
    Server& row = one.server.empty() ? server(line) : server(one.server);
    if (!one.passed && one.fault != Fault::kDeadConnection) ++row.before;
    row.faults.add(one.fault, line, one.passed, one.status);
  }
}

void SectionTally::add_failure(const Line& line) {
  FailureKey key{line.end, line.by, line.phase, line.reason};
  if (failures_.size() >= kFailuresMax && !failures_.contains(key)) std::get<3>(key) = "(others)";
  Failure& failure = failures_[key];
  if (failure.count++ != 0) return;
  failure.end = line.end;
  failure.by = line.by;
  failure.phase = line.phase;
  failure.reason = std::get<3>(key);
  failure.example = line.ts;
  const std::string_view where = line.tier == Tier::kCoordinator ? line.server : line.peer;
  if (!where.empty()) failure.example += ' ' + std::string(where);
  if (!line.target.empty()) failure.example += ' ' + std::string(line.target);
}

void SectionTally::add_slow(const Line& line) {
  if (line.total.count() < 0) return;
  if (slowest_.size() == slowest_max_) {
    if (line.total <= slowest_.front().total) return;
    std::pop_heap(slowest_.begin(), slowest_.end(), slower);
    slowest_.pop_back();
  }
  SlowRecord slow;
  slow.total = line.total;
  slow.dominant_time = Duration(-1);
  for (size_t i = 0; i < kPartsOfTotal; ++i) {
    const Duration d = part_of(line, static_cast<Part>(i));
    if (d <= slow.dominant_time) continue;
    slow.dominant = static_cast<Part>(i);
    slow.dominant_time = d;
  }
  slow.ts = line.ts;
  slow.method = line.method;
  slow.target = line.kind == telemetry::Kind::kMessage ? line.sent : line.target;
  slow.server = line.tier == Tier::kServer ? line.process_name : line.server;
  slow.peer = line.peer;
  slow.trace = hex(line.trace);
  slow.status = line.status;
  slow.end = line.end;
  slowest_.push_back(std::move(slow));
  std::push_heap(slowest_.begin(), slowest_.end(), slower);
}

double SectionTally::part_mean_us(Part part) const {
  if (counts_.ok == 0) return 0;
  return ok_sums_ns_[static_cast<size_t>(part)] / static_cast<double>(counts_.ok) / 1e3;
}

Section SectionTally::finish() const {
  Section section = counts_;
  if (first_ns_ <= last_ns_) {
    section.begin = {first_ns_};
    section.duration = Duration(last_ns_ - first_ns_);
  }
  section.rate = rate_.result();
  section.total = Quantiles::of(total_);
  for (size_t i = 0; i < kParts; ++i) {
    if (parts_[i]) section.parts[i] = Quantiles::of(*parts_[i]);
  }
  for (const auto& [key, failure] : failures_) section.failures.push_back(failure);
  std::sort(section.failures.begin(), section.failures.end(),
            [](const Failure& a, const Failure& b) {
              return std::tie(b.count, a.end, a.by, a.phase, a.reason) <
                     std::tie(a.count, b.end, b.by, b.phase, b.reason);
            });
  for (const auto& [server_name, s] : servers_) {
    section.servers.push_back({.name = server_name,
                               .address = s.address,
                               .shown = server_name,
                               .says_so = s.says_so,
                               .count = s.count,
                               .errors = s.errors,
                               .before = s.before,
                               .faults = s.faults.rows(),
                               .connect = Quantiles::of(s.connect),
                               .wait = Quantiles::of(s.wait),
                               .total = Quantiles::of(s.total)});
  }
  std::sort(section.servers.begin(), section.servers.end(),
            [](const ServerRow& a, const ServerRow& b) { return a.name < b.name; });
  section.slowest = slowest_;
  std::sort(section.slowest.begin(), section.slowest.end(), slower);
  return section;
}

}  // namespace giliran::report
