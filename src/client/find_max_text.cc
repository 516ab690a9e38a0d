#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "client/find_max_run.h"
#include "client/signals.h"
#include "report/format.h"
#include "report/json_text.h"
#include "report/table.h"

namespace giliran::client {
namespace {

using Json = nlohmann::ordered_json;
using report::format_latency;
using report::format_latency_us;
using report::format_rate;

constexpr double kErrorsNoted = 0.001;  // as a share

std::string_view name(Held held) {
  switch (held) {
    case Held::kHolds:
      return "holds";
    case Held::kFails:
      return "fails";
    case Held::kClientFails:
      return "client-limited";
  }
  return "";
}

std::string headline(const Capacity& c) {
  const FoundMax& found = c.found;
  if (found.tries == 0) return "highest rate: not known; no step was finished";
  if (found.fails == 0) {
    return fmt::format("highest rate: {} or more; no rate failed", format_rate(found.holds));
  }
  if (found.holds == 0 && found.client_limit) {
    return fmt::format("highest rate: not known; at {} already the client was the limit ({})",
                       format_rate(found.fails), c.failed);
  }
  if (found.holds == 0) {
    return fmt::format("highest rate: below {}; no rate held ({})", format_rate(found.fails),
                       c.failed);
  }
  if (found.client_limit) {
    return fmt::format("highest rate: {} or more; at {} the client was the limit ({})",
                       format_rate(found.holds), format_rate(found.fails), c.failed);
  }
  return fmt::format("highest rate: between {} (holds) and {} (fails: {}){}",
                     format_rate(found.holds), format_rate(found.fails), c.failed,
                     found.settled ? "" : "; the search ended before it could be told closer");
}

// Failed requests are in no percentile: a rate may hold because most of them failed.
std::string errors_note(const Capacity& c) {
  double worst = 0;
  for (const CapacityStep& step : c.steps) {
    const bool looked_at = std::ranges::any_of(step.conditions, [](const report::Expected& one) {
      return one.text.starts_with("errors");
    });
    if (looked_at) return {};
    if (step.rate == c.found.holds && step.held == Held::kHolds) {
      worst = std::max(worst, step.errors_share);
    }
  }
  if (worst < kErrorsNoted) return {};
  return "Note: " +
         report::wrapped(fmt::format("at {}, which holds, {:.3g} % of the requests failed or had a "
                                     "status of 400 or more; add errors<0.1% to the thresholds.",
                                     format_rate(c.found.holds), 100 * worst),
                         6);
}

std::string limit_line(const Bottleneck& limit) {
  if (limit.text.empty()) return {};
  const bool known = limit.tier != LimitingTier::kUnknown;
  return report::wrapped((known ? "limited by " : "what limits it is not known: ") + limit.text, 2);
}

// Of what failed, at least.
std::string judged_note(const Capacity& c) {
  bool failed = false;
  for (const CapacityStep& step : c.steps) {
    if (step.rate != c.found.fails || step.held == Held::kHolds) continue;
    if (step.judged) return {};
    failed = true;
  }
  if (!failed) return {};
  return "Note: " +
         report::wrapped(fmt::format("whether the client was the limit at {} cannot be told: that "
                                     "takes a second and {} answers (--step-duration).",
                                     format_rate(c.found.fails), kJudgedAnswersMin),
                         6);
}

// "-" where no answer was measured.
std::string measured(const CapacityStep& step, base::Duration percentile) {
  return step.times.answered > 0 ? format_latency(percentile) : "-";
}

std::string steps_table(const Capacity& c) {
  report::Table table({{"rate"},
                       {"answers"},
                       {"response p50"},
                       {"p99"},
                       {"service p99"},
                       {"errors"},
                       {"", report::Align::kLeft}});
  std::vector<const CapacityStep*> steps;
  for (const CapacityStep& step : c.steps) steps.push_back(&step);
  // Of one rate in the order they were run.
  std::ranges::sort(steps, [](const CapacityStep* a, const CapacityStep* b) {
    return a->rate != b->rate ? a->rate < b->rate : a < b;
  });
  for (const CapacityStep* step : steps) {
    table.add({format_rate(step->rate), format_rate(step->answer_rate),
               measured(*step, step->response_p50), measured(*step, step->response_p99),
               measured(*step, step->service_p99), fmt::format("{:.3g}%", 100 * step->errors_share),
               std::string(name(step->held))});
  }
  return table.text();
}

// null where no answer was measured.
Json us_of(const CapacityStep& step, base::Duration percentile) {
  return step.times.answered > 0 ? Json(base::to_us(percentile)) : Json(nullptr);
}

std::string parts_table(const Capacity& c) {
  if (c.limit.parts.empty()) return {};
  const std::string before = c.before_rate > 0 ? "at " + format_rate(c.before_rate) : "-";
  report::Table table({{"mean time of a request", report::Align::kLeft},
                       {"", report::Align::kLeft},
                       {before},
                       {"at " + format_rate(c.found.fails)}});
  for (const TimePart& part : c.limit.parts) {
    table.add({std::string(name(part.tier)), report::printable(part.what, 40),
               c.before_rate > 0 ? format_latency_us(part.before_us) : "-",
               format_latency_us(part.fails_us)});
  }
  return "\n" + table.text();
}

}  // namespace

std::string text(const Capacity& c) {
  std::string out;
  if (c.interrupted_by != 0) {
    out = fmt::format("{}; so far:\n", cut_by(c.interrupted_by));
  }
  out += report::wrapped(headline(c), 2);
  out += limit_line(c.limit);
  out += errors_note(c);
  out += judged_note(c);
  if (c.steps.empty()) return out;
  return out + "\n" + steps_table(c) + parts_table(c);
}

std::string to_json(const Capacity& c) {
  Json steps = Json::array();
  for (const CapacityStep& step : c.steps) {
    Json conditions = Json::array();
    for (const report::Expected& one : step.conditions) {
      conditions.push_back({{"text", one.text}, {"measured", one.measured}, {"met", one.met}});
    }
    steps.push_back({{"rate", step.rate},
                     {"held", name(step.held)},
                     {"why", step.why},
                     {"conditions", std::move(conditions)},
                     {"answer_rate", step.answer_rate},
                     {"errors_share", step.errors_share},
                     {"response_p50_us", us_of(step, step.response_p50)},
                     {"response_p99_us", us_of(step, step.response_p99)},
                     {"service_p99_us", us_of(step, step.service_p99)},
                     {"tiers", step.times.tiers}});
  }
  Json parts = Json::array();
  for (const TimePart& part : c.limit.parts) {
    parts.push_back({{"tier", name(part.tier)},
                     {"what", part.what},
                     {"before_us", part.before_us},
                     {"fails_us", part.fails_us}});
  }
  const Json object = {{"format", "giliran-find-max/1"},
                       {"version", GILIRAN_VERSION},
                       {"url", c.url},
                       {"holds", c.found.holds},
                       {"fails", c.found.fails},
                       {"settled", c.found.settled},
                       {"client_limit", c.found.client_limit},
                       {"interrupted", c.interrupted_by != 0},
                       {"failed", c.failed},
                       {"limit", {{"tier", name(c.limit.tier)}, {"text", c.limit.text}}},
                       {"before_rate", c.before_rate},
                       {"parts", std::move(parts)},
                       {"steps", std::move(steps)}};
  return report::json_text(object) + "\n";
}

}  // namespace giliran::client
