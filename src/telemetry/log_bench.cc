// What a record costs: on the worker (into its ring) and on the log thread (into JSON).
#include <benchmark/benchmark.h>

#include "telemetry/entry.h"
#include "telemetry/json.h"
#include "telemetry/log_format.h"
#include "telemetry/ring.h"

namespace giliran::telemetry {
namespace {

Record typical() {
  Record r;
  r.arrived = base::WallTime{1'795'338'000'123'456'789};
  r.trace = {.high = 0x0af7651916cd43dd, .low = 0x8448eb211c80319c};
  r.span = {0x00f067aa0ba902b7};
  r.parent = {0xb7ad6b7169203331};
  r.status = 200;
  r.attempts = 1;
  r.reused = true;
  r.connection = 71;
  r.sequence = 1234;
  r.peer = base::Address::loopback(41000);
  r.local = base::Address::loopback(8080);
  r.upstream = base::Address::loopback(9001);
  r.upstream_local = base::Address::loopback(50123);
  r.idle = base::Duration(105'003);
  r.head = base::Duration(1'900);
  r.queue = base::Duration(2'345);
  r.connect = base::Duration(0);
  r.send = base::Duration(9'120);
  r.wait = base::Duration(5'120'411);
  r.data = base::Duration(12'001);
  r.total = base::Duration(5'145'777);
  r.down_in = 143;
  r.down_out = 412;
  r.up_out = 201;
  r.up_in = 402;
  r.body_out = 256;
  r.process_name = "web";
  r.pool = "shop";
  r.policy = "round-robin";
  r.server = "127.0.0.1:9001";
  r.method = "GET";
  r.target = "/cart/items?id=7&currency=eur";
  r.host = "shop.example:8080";
  return r;
}

// The ring is emptied within the loop, on the same core: no cache line travels.
void put(benchmark::State& state) {
  Ring ring(size_t{4} << 20);
  const Record record = typical();
  for (auto _ : state) {
    if (!put_entry(record, 0, ring)) {
      while (ring.front().data() != nullptr) ring.pop();
    }
  }
}
BENCHMARK(put);

void encode(benchmark::State& state) {
  Ring ring(1);
  put_entry(typical(), 0, ring);
  const std::string_view bytes = ring.front();
  std::string out;
  Entry entry;
  int64_t written = 0;
  for (auto _ : state) {
    read_entry(bytes, entry);
    append_json(entry.record, out);
    if (out.size() > (size_t{256} << 10)) {
      written += static_cast<int64_t>(out.size());
      out.clear();
    }
  }
  state.SetBytesProcessed(written);
}
BENCHMARK(encode);

// The same in the formats of other programs.
void encode_line(benchmark::State& state, LogFormat format) {
  LineEncoder encoder(format, {});
  const Record record = typical();
  std::string out;
  int64_t written = 0;
  for (auto _ : state) {
    encoder.append(record, out);
    if (out.size() > (size_t{256} << 10)) {
      written += static_cast<int64_t>(out.size());
      out.clear();
    }
  }
  state.SetBytesProcessed(written);
}
BENCHMARK_CAPTURE(encode_line, httplog, LogFormat::kHttplog);
BENCHMARK_CAPTURE(encode_line, tcplog, LogFormat::kTcplog);
BENCHMARK_CAPTURE(encode_line, combined, LogFormat::kCombined);

}  // namespace
}  // namespace giliran::telemetry
