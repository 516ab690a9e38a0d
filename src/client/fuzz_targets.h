// What the fuzzers do with an input, so that a test can do it with the corpora as well.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "client/head_limit.h"
#include "client/http_request.h"
#include "client/test_server.h"
#include "client/worker.h"
#include "net/memory.h"
#include "net/test_loop.h"

namespace giliran::client {

// The first requests of the plan have heads that fit their block, and each is one head: a line for
// the request, one for each field, and the empty one.
inline void write_heads(const Plan& plan, uint64_t requests) {
  HttpRequest made(plan);
  base::BufferPool pool;
  for (uint64_t number = 1; number <= requests; ++number) {
    const conn::RequestOut out = made.with(number, {.high = 1, .low = 2}, {.value = 3});
    const base::Slice head = conn::request_head(
        pool, out, {.name = "Content-Length", .value = {}, .number = UINT64_MAX}, {});
    const std::string_view text = head.view();
    GILIRAN_ASSERT(text.find("\r\n\r\n") == text.size() - 4);
    const auto lines = static_cast<size_t>(std::ranges::count(text, '\n'));
    GILIRAN_ASSERT(lines == out.fields.size() + 3);
    GILIRAN_ASSERT(static_cast<size_t>(std::ranges::count(text, '\r')) == lines);
  }
}

// Any file of targets, with any file of headers behind a NUL, is refused or makes heads that fit.
inline void fuzz_targets(std::string_view text) {
  const size_t end = std::min(text.find('\0'), text.size());
  auto specs = parse_targets(text.substr(0, end), "targets");
  if (!specs) return;
  for (TargetSpec& spec : *specs) spec.body_file.clear();  // no file is read
  const auto headers = header_lines(text.substr(std::min(end + 1, text.size())));
  auto made = make_targets(*specs, {.headers = headers, .literal = text.size() % 2 == 0});
  if (!made) {
    GILIRAN_ASSERT(!made.error().message.empty());
    return;
  }
  Plan plan;
  plan.targets = std::move(made->list);
  plan.seed = text.size();
  write_heads(plan, 8);
}

// Any log is replayed with heads that fit, or refused.
inline void fuzz_replay(std::string_view log) {
  Plan plan;
  plan.targets = {test_target()};
  const size_t beside = head_bytes_beside(plan.targets.front());
  auto replay = parse_replay({.path = "log", .head_bytes_left = kHeadBytesMax - beside}, log);
  if (!replay) {
    GILIRAN_ASSERT(!replay.error().message.empty());
    return;
  }
  plan.replay = std::move(*replay);
  GILIRAN_ASSERT(!text(*plan.replay).empty());
  write_heads(plan, std::min<uint64_t>(plan.replay->requests.size(), 64));
}

inline std::string repeated(std::string_view part, size_t times) {
  constexpr size_t kAnswerBytesMax = size_t{256} << 10;
  std::string answer;
  for (size_t i = 0; i <= times && answer.size() + part.size() <= kAnswerBytesMax; ++i) {
    answer += part;
  }
  return answer;
}

// Whatever a server answers, every request ends once, and nothing is left. The first byte says how
// it is asked (HTTP or lines, connections kept or not), the second how often the rest is repeated
// in each answer.
inline void fuzz_answer(std::string_view input) {
  if (input.size() < 2) return;
  const auto how = static_cast<unsigned char>(input[0]);
  const bool http = (how & 1u) != 0;
  net::MemoryWorld world(how);
  net::Io& server_io = world.add_io();
  net::Io& client_io = world.add_io();
  const base::Address address = base::Address::loopback(80);
  TestServer server(server_io,
                    {.http = http,
                     .answer = repeated(input.substr(2), static_cast<unsigned char>(input[1])),
                     .answers_per_connection = uint64_t{how} >> 4u});
  server.listen(address);
  Plan plan;
  plan.protocol = http ? Protocol::kHttp : Protocol::kTcp;
  plan.addresses = {address};
  plan.targets = {test_target()};
  plan.line = "hello\n";
  plan.connections = 2;
  plan.threads = 1;
  plan.requests = 6;
  plan.new_connection = (how & 2u) != 0;
  plan.timeout = std::chrono::milliseconds(200);
  TestSink sink;
  Run run(plan);
  bool done = false;
  Worker worker(run, client_io, {.sessions = plan.connections, .sink = &sink, .seed = 1},
                [&done] { done = true; });
  client_io.post([&worker] { worker.start(); });
  GILIRAN_ASSERT(net::run_until(world, [&done] { return done; }));
  const Counts& counts = worker.recorder().counts();
  GILIRAN_ASSERT(counts.issued == plan.requests);
  GILIRAN_ASSERT(counts.issued == counts.answered + counts.failed);
  GILIRAN_ASSERT(client_io.sockets() == 0);
}

}  // namespace giliran::client
