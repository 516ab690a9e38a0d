// What a request pays, beside its route and its rate, for being passed on: the fields made of its
// head, its slot, its part of the retry budget.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "health/retry_budget.h"
#include "proxy/admission.h"
#include "proxy/header_changes.h"
#include "wire/http1/parser.h"

namespace giliran::proxy {
namespace {

constexpr std::string_view kRequest =
    "GET /api/v1/things HTTP/1.1\r\nHost: www.example.org\r\nUser-Agent: something/1.0\r\n"
    "Accept: */*\r\nAccept-Encoding: gzip\r\nX-Forwarded-For: 192.0.2.7\r\nCookie: a=b; "
    "c=d\r\n\r\n";

void forward(benchmark::State& state, ForwardedBy by, const std::vector<config::HeaderChange>& to) {
  conn::RequestHead head;
  wire::http1::RequestParser parser;
  if (parser.parse(kRequest, head).parse != wire::http1::Parse::kDone) state.SkipWithError("head");
  by.client_host = "10.0.0.9";
  by.traceparent = "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01";
  FieldList fields;
  for (auto _ : state) {
    forward_request(head, by, fields);
    apply_changes(to, fields);
    benchmark::DoNotOptimize(fields.count);
  }
}

const std::vector<config::HeaderChange> kChanges{
    {.kind = config::HeaderChange::Kind::kSet, .name = "X-Env", .value = "production"},
    {.kind = config::HeaderChange::Kind::kRemove, .name = "Cookie", .value = ""}};

BENCHMARK_CAPTURE(forward, replaced, ForwardedBy{}, {});
BENCHMARK_CAPTURE(forward, appended, ForwardedBy{.trusted = true}, {});
BENCHMARK_CAPTURE(forward, all, (ForwardedBy{.trusted = true, .forwarded = true, .port = 80}), {});
BENCHMARK_CAPTURE(forward, changed, ForwardedBy{}, kChanges);

struct Job final : Waiter {
  Turn take() override { return Turn::kTaken; }
  void on_turn(Turn) override {}
};

void slot(benchmark::State& state) {
  balance::QueueLive queue;
  Admission admission(0, [](uint32_t) {});
  Job job;
  for (auto _ : state) {
    benchmark::DoNotOptimize(admission.admit(queue, 100, false, job));
    admission.release(queue);
  }
}
BENCHMARK(slot);

void retry_deposit(benchmark::State& state) {
  health::RetryBudget budget;
  for (auto _ : state) budget.deposit();
}
BENCHMARK(retry_deposit);

}  // namespace
}  // namespace giliran::proxy
