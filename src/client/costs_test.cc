// What a request costs in steady state, exactly.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <thread>

#include "client/test_server.h"
#include "client/worker.h"
#include "net/engine.h"

namespace {
thread_local uint64_t allocations = 0;

[[maybe_unused]] void* counted(size_t bytes) {
  ++allocations;
  void* const memory = std::malloc(bytes == 0 ? 1 : bytes);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
}  // namespace

// The sanitizers have allocators of their own; nothing is counted under them.
#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__) && !defined(__clang__)
void* operator new(size_t bytes) {
  return counted(bytes);
}
void* operator new[](size_t bytes) {
  return counted(bytes);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, size_t) noexcept {
  std::free(memory);
}
#endif

namespace giliran::client {
namespace {

constexpr uint64_t kWarm = 500;
constexpr uint64_t kRequests = 5000;
constexpr uint64_t kSteadyUntil = kRequests - 100;  // then connections begin to close
constexpr uint32_t kSessions = 4;

// Notes the costs so far at the record of a given number.
class CostSink final : public telemetry::RecordSink {
 public:
  explicit CostSink(net::Io& io) : io_(io) {}
  void write(const telemetry::Record&) override {
    ++records_;
    if (records_ != kWarm && records_ != kSteadyUntil) return;
    Costs& costs = records_ == kWarm ? warm : end;
    costs = {allocations, io_.counters().sends, io_.counters().receives};
  }
  struct Costs {
    uint64_t allocations = 0, sends = 0, receives = 0;
  };
  Costs warm, end;

 private:
  net::Io& io_;
  uint64_t records_ = 0;
};

void expect_lean(Protocol protocol, TestServerOptions options, Target target = test_target(),
                 Loop loop = Loop::kClosed) {
  base::SystemClock clock;
  auto server_io = net::make_epoll_io(clock).value();
  auto io = net::make_epoll_io(clock).value();
  TestServer server(*server_io, std::move(options));
  Plan plan;
  plan.protocol = protocol;
  plan.addresses = {server.listen(base::Address::loopback(0))};
  plan.targets = {std::move(target)};
  plan.line = "hello\n";
  plan.requests = kRequests;
  plan.connections = kSessions;
  plan.threads = 1;
  plan.loop = loop;
  plan.profile = RateProfile::constant(1e6);  // always behind: no connection is ever idle
  plan.interval = std::chrono::hours(1);      // each new one is allocated
  plan.timeout = std::chrono::seconds(30);
  std::jthread serving([&] { server_io->run(); });
  Run run(plan);
  CostSink sink(*io);
  Worker worker(run, *io, {.sessions = kSessions, .sink = &sink, .seed = 1}, [&] { io->stop(); });
  io->post([&] { worker.start(); });
  io->run();
  server_io->stop();
  EXPECT_EQ(worker.recorder().counts().good(), kRequests);
  EXPECT_EQ(sink.end.allocations, sink.warm.allocations);
  // Those of other connections may be on their way at a look.
  constexpr uint64_t kBetween = kSteadyUntil - kWarm;
  EXPECT_NEAR(static_cast<double>(sink.end.sends - sink.warm.sends), kBetween, 2 * kSessions);
  EXPECT_NEAR(static_cast<double>(sink.end.receives - sink.warm.receives), kBetween, 2 * kSessions);
}

TEST(Costs, AnHttpRequestIsOneSendOneReceiveAndNoAllocation) {
  expect_lean(Protocol::kHttp, {});
}

TEST(Costs, ATemplatedRequestAllocatesNothingEither) {
  Target target = test_target();
  uint64_t places = 0;
  target.path = Template::parse("/{{seq}}?r={{rand}}&d={{dist:exp(5ms)}}", places).value();
  target.headers.push_back({"X-Id", Template::parse("{{id}}", places).value()});
  target.method = "PUT";
  target.body = Template::parse("n={{seq}}", places).value();
  expect_lean(Protocol::kHttp, {}, std::move(target));
}

TEST(Costs, ATcpMessageIsOneSendOneReceiveAndNoAllocation) {
  expect_lean(Protocol::kTcp, {.http = false, .answer = "s1 hello\n"});
}

TEST(Costs, AnOpenLoopAddsNothingToARequest) {
  expect_lean(Protocol::kHttp, {}, test_target(), Loop::kOpen);
  expect_lean(Protocol::kTcp, {.http = false, .answer = "s1 hello\n"}, test_target(), Loop::kOpen);
}

}  // namespace
}  // namespace giliran::client
