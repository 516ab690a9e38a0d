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

std::string requests(uint64_t count) {
  return fmt::format("{} request{}", format_count(count), count == 1 ? "" : "s");
}

std::string connections_were(const Plan& plan) {
  return plan.connections == 1
             ? std::string("the one connection was")
             : fmt::format("all {} connections were", format_count(plan.connections));
}

void judge_cpu(const VerdictInput& input, Verdict& verdict) {
  if (input.cpu_share_busiest < kCpuShareMax) return;
  verdict.reasons.push_back(
      fmt::format("a thread of the client used {} of its processor: more threads (-t), more "
                  "processors or several clients are needed to see what the servers can do",
                  percent(input.cpu_share_busiest)));
}

void judge_shortages(const VerdictInput& input, Verdict& verdict) {
  if (input.shortages == 0) return;
  verdict.reasons.push_back(fmt::format(
      "{} connections could not be opened because this machine had no local port, descriptor or "
      "memory left for them (--log tells which): keep connections, or add addresses with --source",
      format_count(input.shortages)));
}

void judge_lag(const VerdictInput& input, Verdict& verdict) {
  if (!too_late(input.lag, input.response)) return;
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

std::string_view Verdict::word() const {
  if (!valid) return "CLIENT-LIMITED";
  return judged ? "VALID" : "NOT JUDGED";
}

bool enough_to_judge(base::Duration issuing, uint64_t answered) {
  return issuing >= kJudgedFrom && answered >= kJudgedAnswersMin;
}

bool too_late(const base::Histogram& lag, const base::Histogram& response) {
  const auto late = static_cast<double>(lag.percentile(99));
  return late > static_cast<double>(kLagTolerated.count()) &&
         late > kLagShareMax * static_cast<double>(response.percentile(99));
}

Verdict judge(const VerdictInput& input) {
  Verdict verdict{.judged = enough_to_judge(input.issuing, input.answered)};
  if (!verdict.judged) {
    verdict.notes.push_back(fmt::format(
        "whether this client kept up, by its processor and its lag, is told of a second and {} "
        "answers or more; here were {:.3g} s and {}",
        kJudgedAnswersMin, base::to_seconds(input.issuing), format_count(input.answered)));
  }
  judge_shortages(input, verdict);
  if (verdict.judged) judge_cpu(input, verdict);
  if (input.plan.loop == Loop::kOpen) {
    if (verdict.judged) judge_lag(input, verdict);
    judge_unissued(input, verdict);
    note_few_connections(input, verdict);
  }
  verdict.valid = verdict.reasons.empty();
  return verdict;
}

std::string_view TargetVerdict::word() const {
  switch (state) {
    case State::kNotAsked:
      return "NOT ASKED";
    case State::kNoErrors:
      return "NO ERRORS";
    case State::kErrors:
      return "ERRORS";
    case State::kAllFailed:
      return "ALL FAILED";
  }
  return "";
}

TargetVerdict judge_target(const Counts& counts) {
  using State = TargetVerdict::State;
  const uint64_t ended = counts.answered + counts.failed;
  if (ended == 0) return {.state = State::kNotAsked, .text = "no request was made"};
  if (counts.errors() == 0) {
    return {.state = State::kNoErrors,
            .text = fmt::format(
                "{} answered, {}", requests(ended),
                ended == 1 ? "with a status below 400" : "all with a status below 400")};
  }
  std::string text;
  if (counts.failed != 0) text = fmt::format("{} failed", format_count(counts.failed));
  if (counts.bad_status != 0) {
    text += fmt::format("{}{} had a status of 400 or more", text.empty() ? "" : ", ",
                        format_count(counts.bad_status));
  }
  return {.state = counts.good() == 0 ? State::kAllFailed : State::kErrors,
          .text = fmt::format(
              "of {}, {} ({:.3g}%)", requests(ended), text,
              100.0 * static_cast<double>(counts.errors()) / static_cast<double>(ended))};
}

}  // namespace giliran::client
