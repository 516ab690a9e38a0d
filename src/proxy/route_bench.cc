// What finding a route costs a request.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "proxy/route.h"
#include "wire/http1/parser.h"

namespace giliran::proxy {
namespace {

void find(benchmark::State& state, const std::string& path) {
  std::vector<config::Route> routes;
  for (int i = 0; i < state.range(0) - 1; ++i) {
    routes.push_back({.hosts = {"www" + std::to_string(i) + ".example.org"},
                      .path = "/service" + std::to_string(i)});
  }
  routes.push_back({.path = "/api"});
  const std::string text = "GET " + path + " HTTP/1.1\r\nHost: www.example.org\r\n\r\n";
  conn::RequestHead head;
  wire::http1::RequestParser parser;
  if (parser.parse(text, head).parse != wire::http1::Parse::kDone) state.SkipWithError("head");
  RouteScratch scratch;
  for (auto _ : state) benchmark::DoNotOptimize(find_route(routes, head, scratch));
}

const std::string kLong = "/api" + std::string(8000, 'x');

BENCHMARK_CAPTURE(find, plain, "/api/v1/things/4711?with=query")->Arg(1)->Arg(10);
BENCHMARK_CAPTURE(find, escaped, "/api/v1/th%20ings/4711?with=query")->Arg(1)->Arg(10);
BENCHMARK_CAPTURE(find, doubtful, "/api/v1/x/../things/4711?with=query")->Arg(1)->Arg(10);
BENCHMARK_CAPTURE(find, long_plain, kLong)->Arg(1);
BENCHMARK_CAPTURE(find, long_doubtful, kLong + "/../%2e/api")->Arg(1);

}  // namespace
}  // namespace giliran::proxy
