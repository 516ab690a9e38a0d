#include "client/verdict.h"

#include <fmt/format.h>

#include "report/format.h"

namespace giliran::client {
namespace {

using report::format_count;
using report::format_latency;

constexpr double kBusyShareNoted = 0.2;  // of the time
constexpr double kWaitShareNoted = 0.5;  // of the response time

std::string p99(const base::Histogram& histogram) {
  return format_latency(base::Duration(static_cast<int64_t>(histogram.percentile(99))));
}

std::string percent(double share) {
  return fmt::format("{:.0f} %", share * 100);
}

std::string connections_were(const Plan& plan) {
  return plan.connections == 1
             ? std::string("the one connection was")
             : fmt::format("all {} connections were", format_count(plan.connections));
}

void judge_lag(const VerdictInput& input, Verdict& verdict) {
  const auto lag = static_cast<double>(input.lag.percentile(99));
  const auto response = static_cast<double>(input.response.percentile(99));
  if (lag <= static_cast<double>(kLagTolerated.count()) || lag <= kLagShareMax * response) return;
  verdict.reasons.push_back(
      fmt::format("requests set out late by the client's own fault: lag p99 {} of a response time "
                  "p99 of {}; give it processors of its own or a lower rate",
                  p99(input.lag), p99(input.response)));
}

void judge_unissued(const VerdictInput& input, Verdict& verdict) {
  if (input.due == input.issued) return;
  const double share = static_cast<double>(input.issued) / static_cast<double>(input.due);
  const std::string left =
      fmt::format("{} of {} requests that were due", format_count(input.due - input.issued),
                  format_count(input.due));
  if (!input.answering_at_end) {
    verdict.notes.push_back(left +
                            " were never sent because the servers had stopped answering; "
                            "the response times leave them out: the truth is worse");
  } else if (share < kIssuedShareMin) {
    verdict.reasons.push_back(fmt::format(
        "{} were never sent: {} in use when the run ended. Either the servers cannot take "
        "this rate, or -c is too small; the response times leave these requests out",
        left, connections_were(input.plan)));
  } else {
    verdict.notes.push_back(left +
                            " were still waiting for a connection when the run ended; the "
                            "response times leave them out");
  }
}

// Waiting for a connection is what a user sees where the connections are the system's; but it may
// be this client's -c.
void note_few_connections(const VerdictInput& input, Verdict& verdict) {
  if (input.wait.count() == 0 || input.all_busy_share < kBusyShareNoted) return;
  const auto wait = static_cast<double>(input.wait.percentile(99));
  const auto response = static_cast<double>(input.response.percentile(99));
  const auto service = static_cast<double>(input.service.percentile(99));
  if (wait < kWaitShareNoted * response || service > wait) return;
  verdict.notes.push_back(fmt::format(
      "{} in use {} of the time, and requests waited for one longer (p99 {}) than they took "
      "(service time p99 {}): more connections (-c) show whether they or the servers are the limit",
      connections_were(input.plan), percent(input.all_busy_share), p99(input.wait),
      p99(input.service)));
}

}  // namespace

Verdict judge(const VerdictInput& input) {
  Verdict verdict;
  if (input.cpu_share_busiest >= kCpuShareMax) {
    verdict.reasons.push_back(
        fmt::format("a thread of the client used {} of its processor: more threads (-t), more "
                    "processors or several clients are needed to see what the servers can do",
                    percent(input.cpu_share_busiest)));
  }
  if (input.plan.loop == Loop::kOpen) {
    judge_lag(input, verdict);
    judge_unissued(input, verdict);
    note_few_connections(input, verdict);
  }
  verdict.valid = verdict.reasons.empty();
  return verdict;
}

}  // namespace giliran::client
