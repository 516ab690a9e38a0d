#include "report/sample_run.h"

#include <cstdlib>
#include <fstream>

#include "telemetry/json.h"

namespace giliran::report {

namespace {

using base::Duration;
using telemetry::Kind;
using telemetry::Record;
using telemetry::Tier;

constexpr int64_t kStart = 1'795'338'000'000'000'000;

Record record(Tier tier, Kind kind, size_t i) {
  Record r;
  r.tier = tier;
  r.kind = kind;
  r.proto = kind == Kind::kExchange ? telemetry::Proto::kHttp11 : telemetry::Proto::kTcp;
  r.arrived = base::WallTime{kStart + static_cast<int64_t>(i) * 1'000'000};
  r.connection = 1;
  r.sequence = i + 1;
  return r;
}

}  // namespace

SampleRun SampleRun::exchanges(size_t n) {
  SampleRun run;
  for (size_t i = 0; i < n; ++i) {
    const base::TraceId trace{.high = 1, .low = i + 1};
    const base::SpanId client_span{0x1000000000000000 + i};
    const base::SpanId coordinator_span{0x2000000000000000 + i};
    Record c = record(Tier::kClient, Kind::kExchange, i);
    c.trace = trace;
    c.span = client_span;
    c.id = i + 1;
    c.status = 200;
    c.method = "GET";
    c.target = "/";
    c.server = i % 2 == 0 ? "s1" : "s2";
    c.connect = Duration(0);
    c.send = Duration(100'000);
    c.wait = Duration(4'800'000);
    c.data = Duration(100'000);
    c.total = Duration(5'000'000);
    c.up_out = 100 + i % 10;
    c.up_in = 400 + i % 7;
    run.client.push_back(c);
    Record k = record(Tier::kCoordinator, Kind::kExchange, i);
    k.trace = trace;
    k.span = coordinator_span;
    k.parent = client_span;
    k.status = 200;
    k.server = i % 2 == 0 ? "127.0.0.1:9001" : "127.0.0.1:9002";
    k.upstream = base::Address::loopback(i % 2 == 0 ? 9001 : 9002);
    k.attempts = 1;
    k.reused = i >= 2;
    k.head = Duration(10'000);
    k.queue = Duration(90'000);
    k.connect = Duration(i < 2 ? 50'000 : 0);
    k.send = Duration(50'000);
    k.wait = Duration(4'400'000);
    k.data = Duration(50'000);
    k.total = Duration(4'600'000);
    k.down_in = c.up_out;
    k.down_out = c.up_in;
    k.up_out = c.up_out + 60;
    k.up_in = c.up_in - 20;
    run.coordinator.push_back(k);
    Record s = record(Tier::kServer, Kind::kExchange, i);
    s.trace = trace;
    s.span = {0x3000000000000000 + i};
    s.parent = coordinator_span;
    s.process_name = c.server;
    s.local = k.upstream;
    s.status = 200;
    s.queue = Duration(100'000);
    s.service = Duration(4'000'000);
    s.data = Duration(100'000);
    s.total = Duration(4'200'000);
    s.down_in = k.up_out;
    s.down_out = k.up_in;
    run.server.push_back(s);
  }
  return run;
}

SampleRun SampleRun::flows(size_t n) {
  SampleRun run;
  for (size_t i = 0; i < n; ++i) {
    // Few ports, so that they are used again.
    const base::Address client_port = base::Address::loopback(static_cast<uint16_t>(40000 + i % 8));
    const base::Address coordinator_port =
        base::Address::loopback(static_cast<uint16_t>(50000 + i % 5));
    Record c = record(Tier::kClient, Kind::kFlow, i);
    c.local = client_port;
    c.peer = base::Address::loopback(7000);
    c.messages = 10;
    c.total = Duration(900'000);
    c.up_out = 60 + i % 3;
    c.up_in = 90 + i % 4;
    run.client.push_back(c);
    Record k = record(Tier::kCoordinator, Kind::kFlow, i);
    k.peer = client_port;
    k.upstream_local = coordinator_port;
    k.attempts = 1;
    k.total = Duration(800'000);
    k.down_in = k.up_out = c.up_out;
    k.down_out = k.up_in = c.up_in;
    run.coordinator.push_back(k);
    Record s = record(Tier::kServer, Kind::kFlow, i);
    s.peer = coordinator_port;
    s.process_name = "s1";
    s.messages = 10;
    s.total = Duration(700'000);
    s.down_in = c.up_out;
    s.down_out = c.up_in;
    run.server.push_back(s);
  }
  return run;
}

SampleFolder::SampleFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "giliran_report_XXXXXX").string();
  folder_ = ::mkdtemp(name.data());
}

SampleFolder::~SampleFolder() {
  std::filesystem::remove_all(folder_);
}

std::string SampleFolder::write(const std::string& name, const std::vector<Record>& records,
                                const std::string& extra) const {
  std::string text;
  for (const Record& r : records) telemetry::append_json(r, text);
  std::ofstream(path(name), std::ios::app) << text << extra;
  return path(name);
}

std::vector<std::string> SampleFolder::write(const SampleRun& run) const {
  return {write("client.log", run.client), write("coordinator.log", run.coordinator),
          write("server.log", run.server)};
}

}  // namespace giliran::report
