#include "report/merge.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace giliran::report {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kTogether = 0.9;  // of the longest run, in which all measured
constexpr size_t kIntervalsMax = 100'000;

struct Window {
  double begin = 0;
  double end = 0;
};

Window window_of(const ClientResult& r) {
  const double begin = r.started_unix_s + r.warmup_s();
  return {.begin = begin, .end = begin + r.issuing_s};
}

double covered(std::vector<Window> windows) {
  std::ranges::sort(windows, {}, &Window::begin);
  double sum = 0;
  double until = -INFINITY;
  for (const Window& w : windows) {
    sum += std::max(0.0, w.end - std::max(w.begin, until));
    until = std::max(until, w.end);
  }
  return sum;
}

void add(ClientTotals& to, const ClientTotals& from) {
  to.due += from.due;
  to.issued += from.issued;
  to.answered += from.answered;
  to.failed += from.failed;
  to.bad_status += from.bad_status;
  to.retried += from.retried;
  to.connections += from.connections;
  to.connect_failures += from.connect_failures;
  to.bytes_out += from.bytes_out;
  to.bytes_in += from.bytes_in;
  to.body_bytes += from.body_bytes;
}

base::Result<void> add(base::Histogram& to, const base::Histogram& from, std::string_view what) {
  if (from.count() == 0) return {};
  if (to.count() == 0) {
    to = from;
    return {};
  }
  const auto added = to.add(from);
  return added ? added : base::fail(fmt::format("{}: {}", what, added.error().message));
}

void add(std::map<std::string, uint64_t>& to, const std::map<std::string, uint64_t>& from) {
  for (const auto& [key, count] : from) to[key] += count;
}

// Without buckets a mean is all that can be had of both.
void add(ClientTimes& to, const ClientTimes& from) {
  if (from.count == 0) return;
  if (to.count == 0) {
    to = from;
    return;
  }
  const auto a = static_cast<double>(to.count);
  const auto b = static_cast<double>(from.count);
  to = {.count = to.count + from.count,
        .min_us = std::min(to.min_us, from.min_us),
        .mean_us = (to.mean_us * a + from.mean_us * b) / (a + b),
        .max_us = std::max(to.max_us, from.max_us)};
}

template <typename Named>
Named& named(std::vector<Named>& all, const std::string& name) {
  const auto found = std::ranges::find(all, name, &Named::name);
  if (found != all.end()) return *found;
  all.emplace_back().name = name;
  return all.back();
}

base::Result<void> add(ClientInterval& to, const ClientInterval& from) {
  for (const auto& [name, mean] : from.tiers) {
    const auto before = static_cast<double>(to.answered);
    const auto now = static_cast<double>(from.answered);
    const auto [sum, told_first] = to.tiers.try_emplace(name, mean);
    if (told_first || before + now <= 0) continue;
    sum->second = (sum->second * before + mean * now) / (before + now);
  }
  to.warmup = to.warmup || from.warmup;
  to.due += from.due;
  to.issued += from.issued;
  to.answered += from.answered;
  to.failed += from.failed;
  to.bad_status += from.bad_status;
  to.lag_max_us = std::max(to.lag_max_us, from.lag_max_us);
  to.in_flight_max += from.in_flight_max;
  to.backlog_max += from.backlog_max;
  add(to.servers, from.servers);
  GILIRAN_TRY_VOID(add(to.service_time, from.service_time, "service_time of an interval"));
  return add(to.response_time, from.response_time, "response_time of an interval");
}

class Merger {
 public:
  explicit Merger(std::span<const ClientResult> results) : results_(results) {}

  base::Result<Merged> run() {
    find_times();
    ClientResult& to = out_.result;
    const ClientResult& first = results_.front();
    to.path = first.path;
    to.version = first.version;
    to.started_unix_s = start_;
    to.verdict.text = "VALID";
    for (const ClientResult& from : results_) {
      out_.files.push_back(from.path);
      auto added = take(from);
      if (!added) return base::fail(fmt::format("{}: {}", from.path, added.error().message));
    }
    set_rates();
    set_plan();
    auto laid = lay_intervals();
    if (!laid) return std::unexpected(laid.error());
    return std::move(out_);
  }

 private:
  void find_times() {
    start_ = INFINITY;
    double end = 0;
    double last_begin = -INFINITY;
    double first_end = INFINITY;
    double longest = 0;
    for (const ClientResult& r : results_) {
      windows_.push_back(window_of(r));
      start_ = std::min(start_, r.started_unix_s);
      end = std::max(end, r.started_unix_s + r.elapsed_s);
      last_begin = std::max(last_begin, windows_.back().begin);
      first_end = std::min(first_end, windows_.back().end);
      longest = std::max(longest, r.issuing_s);
    }
    out_.result.elapsed_s = end - start_;
    out_.overlap_s = std::max(0.0, first_end - last_begin);
    out_.rates_add = out_.overlap_s >= kTogether * longest;
    if (out_.rates_add) return;
    out_.notes.push_back(fmt::format(
        "all of them measured at the same time for {:.1f} s of {:.1f} s only: their rates are not "
        "added; the rate is that of the time in which any of them measured",
        out_.overlap_s, longest));
  }

  base::Result<void> take(const ClientResult& from) {
    ClientResult& to = out_.result;
    add(to.totals, from.totals);
    add(to.statuses, from.statuses);
    add(to.errors, from.errors);
    to.cpu_s += from.cpu_s;
    to.cpu_share = std::max(to.cpu_share, from.cpu_share);
    to.interrupted = to.interrupted || from.interrupted;
    if (!from.verdict.judged) {
      to.verdict.judged = false;
      if (to.verdict.valid) to.verdict.text = "NOT JUDGED";
    }
    if (!from.verdict.valid) {
      to.verdict.valid = false;
      to.verdict.text = "CLIENT-LIMITED";
      for (const std::string& reason : from.verdict.reasons) {
        to.verdict.reasons.push_back(from.path + ": " + reason);
      }
    }
    for (const ClientServer& server : from.servers) {
      ClientServer& sum = named(to.servers, server.name);
      sum.answers += server.answers;
      sum.bad_status += server.bad_status;
      add(sum.service_time, server.service_time);
    }
    for (const ClientTier& tier : from.tiers) add(named(to.tiers, tier.name).times, tier.times);
    for (const auto& [at, text] : from.marks) {
      to.marks.emplace_back(at + from.started_unix_s - start_, text);
    }
    GILIRAN_TRY_VOID(add(to.service_time, from.service_time, "service_time"));
    GILIRAN_TRY_VOID(add(to.response_time, from.response_time, "response_time"));
    GILIRAN_TRY_VOID(add(to.lag, from.lag, "lag"));
    GILIRAN_TRY_VOID(add(to.wait, from.wait, "wait"));
    return add(to.connect, from.connect, "connect");
  }

  void set_rates() {
    ClientResult& to = out_.result;
    to.issuing_s = covered(windows_);
    double answers = 0;
    for (const ClientResult& from : results_) {
      to.rate += from.rate;
      answers += from.rate * from.issuing_s;
    }
    if (!out_.rates_add) to.rate = to.issuing_s > 0 ? answers / to.issuing_s : 0;
    if (to.tiers.empty() && to.servers.empty()) return;
    if (results_.size() > 1) {
      out_.notes.emplace_back(
          "of servers and tiers the results hold no buckets: there are means, but no percentiles");
    }
  }

  // The first plan; what counts clients or load is added where it was at the same time.
  void set_plan() {
    ClientResult& to = out_.result;
    to.plan = results_.front().plan;
    to.machine = results_.front().machine;
    double warmup = INFINITY;
    for (const Window& window : windows_) warmup = std::min(warmup, window.begin - start_);
    if (to.plan.contains("warmup_s")) to.plan["warmup_s"] = warmup;
    bool one_machine = true;
    for (const ClientResult& from : results_.subspan(1)) {
      one_machine = one_machine && from.machine == to.machine;
      for (const char* key : {"connections", "threads", "requests", "rate"}) {
        const bool both = to.plan.contains(key) && from.plan.contains(key) &&
                          to.plan[key].is_number() && from.plan[key].is_number();
        if (!both || !out_.rates_add) continue;
        if (to.plan[key].is_number_unsigned() && from.plan[key].is_number_unsigned()) {
          to.plan[key] = to.plan[key].get<uint64_t>() + from.plan[key].get<uint64_t>();
        } else {
          to.plan[key] = to.plan[key].get<double>() + from.plan[key].get<double>();
        }
      }
      for (const char* key : {"url", "loop", "method", "new_connection"}) {
        const Json none = "none";
        const Json& a = results_.front().plan.contains(key) ? results_.front().plan[key] : none;
        const Json& b = from.plan.contains(key) ? from.plan[key] : none;
        if (a != b) {
          out_.notes.push_back(
              fmt::format("{} has another {}: {} and {}", from.path, key, a.dump(), b.dump()));
        }
      }
    }
    if (!one_machine) to.machine = {{"os", "several machines"}, {"cpu", ""}};
  }

  base::Result<void> lay_intervals() {
    ClientResult& to = out_.result;
    for (const ClientResult& from : results_) {
      to.interval_s = std::max(to.interval_s, from.interval_s);
    }
    if (to.interval_s <= 0) return {};
    for (const ClientResult& from : results_) {
      for (const ClientInterval& interval : from.intervals) {
        const double shift = from.started_unix_s - start_;
        const double middle = shift + interval.begin_s + interval.for_s / 2;
        const double place = std::max(0.0, std::floor(middle / to.interval_s));
        if (place >= static_cast<double>(kIntervalsMax)) {
          to.intervals.clear();
          out_.notes.emplace_back("the runs are too far apart to be shown over time");
          return {};
        }
        const auto index = static_cast<size_t>(place);
        while (to.intervals.size() <= index) {
          ClientInterval& next = to.intervals.emplace_back();
          next.begin_s = static_cast<double>(to.intervals.size() - 1) * to.interval_s;
          next.for_s = to.interval_s;
        }
        GILIRAN_TRY_VOID(add(to.intervals[index], interval));
      }
    }
    if (to.intervals.empty()) return {};
    ClientInterval& last = to.intervals.back();
    const double end = out_.result.elapsed_s - last.begin_s;
    if (end > 0) last.for_s = std::min(last.for_s, end);
    return {};
  }

  std::span<const ClientResult> results_;
  std::vector<Window> windows_;
  double start_ = 0;
  Merged out_;
};

}  // namespace

base::Result<Merged> merge(std::span<const ClientResult> results) {
  return Merger(results).run();
}

Json to_json(const Merged& merged) {
  Json object = to_json(merged.result);
  object["merged"] = {{"files", merged.files},
                      {"rates_add", merged.rates_add},
                      {"overlap_s", merged.overlap_s},
                      {"notes", merged.notes}};
  return object;
}

}  // namespace giliran::report
