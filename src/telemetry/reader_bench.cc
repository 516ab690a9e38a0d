#include <benchmark/benchmark.h>

#include "telemetry/json.h"
#include "telemetry/reader.h"

namespace giliran::telemetry {
namespace {

void parse(benchmark::State& state) {
  Record r;
  r.trace = {.high = 0x0af7651916cd43dd, .low = 0x8448eb211c80319c};
  r.span = {0x00f067aa0ba902b7};
  r.parent = {0xb7ad6b7169203331};
  r.connection = 71;
  r.sequence = 1234;
  r.status = 200;
  r.peer = r.local = r.upstream = r.upstream_local = base::Address::loopback(41000);
  r.idle = r.head = r.queue = r.send = r.wait = r.data = r.total = base::Duration(5'120'411);
  r.process_name = "web";
  r.pool = "shop";
  r.policy = "round-robin";
  r.server = "127.0.0.1:9001";
  r.method = "GET";
  r.target = "/cart/items?id=7&currency=eur";
  r.host = "shop.example:8080";
  std::string line;
  append_json(r, line);
  line.pop_back();
  const size_t size = line.size();
  line.resize(size + LineParser::padding());
  LineParser parser;
  Line out;
  for (auto _ : state) {
    if (parser.parse({line.data(), size}, line.size(), out) != LineParser::What::kRecord) {
      state.SkipWithError("not understood");
      break;
    }
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(size));
}
BENCHMARK(parse);

}  // namespace
}  // namespace giliran::telemetry
