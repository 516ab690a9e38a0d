// Results of imagined runs, for tests.
#pragma once

#include <cmath>
#include <functional>

#include "base/rng.h"
#include "report/client_result.h"

namespace giliran::report {

struct Imagined {
  uint64_t seed = 1;
  size_t intervals = 30;
  uint64_t per_interval = 150;
  double mean_us = 1000;   // of an exponential service time
  double slow_factor = 1;  // all times, by so much
  double drift = 0.1;      // how much intervals differ, as a share: noise that has a memory
  double error_share = 0;  // of the answers: status 500
  std::string loop = "closed";
};

inline void add_values(ClientResult& r, ClientInterval& interval, base::Rng& rng, uint64_t count,
                       double mean_us) {
  for (uint64_t k = 0; k < count; ++k) {
    const double service_us = 50 - mean_us * std::log(1 - rng.uniform());
    const auto ns = static_cast<uint64_t>(service_us * 1e3);
    const uint64_t waited = rng.below(20'000);
    interval.service_time.record(ns);
    interval.response_time.record(ns + waited);
    r.service_time.record(ns);
    r.response_time.record(ns + waited);
    r.wait.record(waited);
  }
}

inline ClientResult imagine(const Imagined& is) {
  base::Rng rng(is.seed);
  ClientResult r;
  r.path = "imagined.json";
  r.version = "1";
  r.plan = {{"url", "http://127.0.0.1:8080/"}, {"loop", is.loop}, {"connections", 10}};
  r.started_unix_s = 1'700'000'000;
  r.verdict.text = "VALID";
  r.interval_s = 1;
  double level = 0;  // an autoregressive row: what is slow now stays slow for a while
  for (size_t i = 0; i < is.intervals; ++i) {
    level = 0.5 * level + is.drift * (rng.uniform() - 0.5) * 2;
    ClientInterval interval;
    interval.begin_s = static_cast<double>(i);
    interval.for_s = 1;
    const double busy = 1 + 0.1 * (rng.uniform() - 0.5);
    const auto count = static_cast<uint64_t>(static_cast<double>(is.per_interval) * busy);
    add_values(r, interval, rng, count, is.mean_us * is.slow_factor * std::exp(level));
    interval.due = interval.issued = interval.answered = count;
    for (uint64_t k = 0; k < count; ++k) {
      interval.bad_status += rng.uniform() < is.error_share ? 1 : 0;
    }
    interval.servers = {{"a", count - count / 2}, {"b", count / 2}};
    interval.tiers = {{"work", 400}};
    r.totals.answered += count;
    r.totals.bad_status += interval.bad_status;
    r.intervals.push_back(std::move(interval));
  }
  r.totals.due = r.totals.issued = r.totals.answered;
  r.elapsed_s = r.issuing_s = static_cast<double>(is.intervals);
  r.rate = static_cast<double>(r.totals.answered) / r.issuing_s;
  r.statuses = {{"2xx", r.totals.answered - r.totals.bad_status}};
  const uint64_t half = r.totals.answered / 2;
  r.servers.push_back({.name = "a",
                       .answers = r.totals.answered - half,
                       .service_time = {.count = r.totals.answered - half, .mean_us = 1000}});
  r.servers.push_back(
      {.name = "b", .answers = half, .service_time = {.count = half, .mean_us = 1000}});
  r.tiers.push_back(
      {.name = "work",
       .times = {.count = r.totals.answered, .mean_us = 400, .max_us = 900, .p50_us = 380}});
  return r;
}

inline bool same(const base::Histogram& a, const base::Histogram& b) {
  const auto buckets = [](const base::Histogram& h) {
    std::vector<base::Histogram::Bucket> out;
    h.each([&](uint64_t low, uint64_t high, uint64_t n) { out.push_back({low, high, n}); });
    return out;
  };
  return a.count() == b.count() && a.min() == b.min() && a.max() == b.max() &&
         std::abs(a.mean() - b.mean()) <= 1e-9 * a.mean() && buckets(a) == buckets(b);
}

}  // namespace giliran::report
