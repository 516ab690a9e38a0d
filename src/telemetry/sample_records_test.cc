#include "telemetry/sample_records.h"

namespace giliran::telemetry {

namespace {

using base::Address;
using base::Duration;

constexpr base::TraceId kTrace{0x0af7651916cd43dd, 0x8448eb211c80319c};
constexpr base::SpanId kClientSpan{0xb7ad6b7169203331};
constexpr base::SpanId kCoordinatorSpan{0x00f067aa0ba902b7};
constexpr base::SpanId kServerSpan{0x53ce929d0e0e4736};

Record base_record(Tier tier, Kind kind) {
  Record r;
  r.arrived = base::WallTime{1'795'338'000'123'456'789};
  r.tier = tier;
  r.kind = kind;
  r.proto = kind == Kind::kExchange ? Proto::kHttp11 : Proto::kTcp;
  r.connection = 7;
  return r;
}

Record client_exchange() {
  Record r = base_record(Tier::kClient, Kind::kExchange);
  r.trace = kTrace;
  r.span = kClientSpan;
  r.id = 42;
  r.peer = Address::loopback(8080);
  r.local = Address::loopback(41000);
  r.sequence = 3;
  r.server = "s1";
  r.reused = true;
  r.method = "GET";
  r.target = "/cart?id=7";
  r.host = "127.0.0.1:8080";
  r.status = 200;
  r.connect = Duration(0);
  r.send = Duration(18'200);
  r.wait = Duration(5'104'077);
  r.data = Duration(40'500);
  r.total = Duration(5'162'777);
  r.lag = Duration(1'250);
  r.up_out = 143;
  r.up_in = 412;
  r.body_out = 256;
  return r;
}

Record coordinator_exchange() {
  Record r = base_record(Tier::kCoordinator, Kind::kExchange);
  r.end = End::kServerTimeout;
  r.by = By::kServer;
  r.phase = Phase::kWait;
  r.trace = kTrace;
  r.span = kCoordinatorSpan;
  r.parent = kClientSpan;
  r.process_name = "web";
  r.peer = Address::loopback(41000);
  r.local = Address::loopback(8080);
  r.client = *Address::parse("[2001:db8::7]:51000");
  r.sequence = 3;
  r.route = "orders";
  r.pool = "shop";
  r.policy = "round-robin";
  r.server = "127.0.0.1:9002";
  r.upstream = Address::loopback(9002);
  r.upstream_local = Address::loopback(50123);
  r.attempts = 2;
  r.tried = "127.0.0.1:9001 connect-refused";
  r.method = "POST";
  r.target = "/order";
  r.host = "shop.example";
  r.user_agent = "curl/8.5.0";
  r.referer = "https://shop.example/cart?id=7";
  r.status = 504;
  r.idle = Duration(2'000'000);
  r.head = Duration(900);
  r.queue = Duration(1'100);
  r.connect = Duration(210'000);
  r.send = Duration(9'000);
  r.wait = Duration(1'000'000'001);
  r.data = Duration(100);
  r.total = Duration(1'000'221'101);
  r.down_in = 180;
  r.down_out = 97;
  r.up_out = 190;
  r.body_in = 20;
  r.gauges = {.connections = 40,
              .listener_connections = 30,
              .pool_in_flight = 20,
              .server_in_flight = 10,
              .queued_server = 2,
              .queued_pool = 1};
  r.gauges_known = true;
  r.reason = "head";
  return r;
}

Record server_exchange() {
  Record r = base_record(Tier::kServer, Kind::kExchange);
  r.end = End::kFault;
  r.by = By::kServer;
  r.phase = Phase::kWait;
  r.trace = kTrace;
  r.span = kServerSpan;
  r.parent = kCoordinatorSpan;
  r.process_name = "s1";
  r.peer = *Address::parse("[::1]:50123");
  r.local = *Address::parse("[::1]:9002");
  r.sequence = 1;
  r.method = "GET";
  r.target = "/cart?id=7";
  r.host = "127.0.0.1:8080";
  r.status = 500;
  r.idle = Duration(12);
  r.head = Duration(3'500);
  r.queue = Duration(250);
  r.service = Duration(5'000'333);
  r.data = Duration(17'000);
  r.total = Duration(5'021'083);
  r.down_in = 190;
  r.down_out = 430;
  r.body_out = 256;
  return r;
}

Record coordinator_tunnel() {
  Record r = base_record(Tier::kCoordinator, Kind::kExchange);
  r.end = End::kShutdown;
  r.by = By::kCoordinator;
  r.phase = Phase::kData;
  r.span = kCoordinatorSpan;
  r.process_name = "web";
  r.peer = Address::loopback(41001);
  r.local = Address::loopback(8080);
  r.sequence = 1;
  r.pool = "chat";
  r.policy = "least-connections";
  r.server = "c1";
  r.upstream = Address::loopback(9005);
  r.upstream_local = Address::loopback(50125);
  r.attempts = 1;
  r.method = "GET";
  r.target = "/socket";
  r.host = "chat.example";
  r.upgrade = "websocket";
  r.status = 101;
  r.head = Duration(900);
  r.queue = Duration(1'100);
  r.connect = Duration(210'000);
  r.send = Duration(9'000);
  r.wait = Duration(1'000'000);
  r.data = Duration(60'000'000'000);
  r.total = Duration(60'001'221'000);
  r.down_in = 4'180;
  r.down_out = 9'097;
  r.up_out = 4'190;
  r.up_in = 9'087;
  return r;
}

Record client_flow() {
  Record r = base_record(Tier::kClient, Kind::kFlow);
  r.id = 1;
  r.peer = Address::loopback(7000);
  r.local = Address::loopback(42000);
  r.messages = 1000;
  r.connect = Duration(80'100);
  r.data = Duration(9'000'000'000);
  r.total = Duration(9'000'080'100);
  r.up_out = 13'000;
  r.up_in = 21'000;
  return r;
}

Record coordinator_flow() {
  Record r = base_record(Tier::kCoordinator, Kind::kFlow);
  r.end = End::kConnectRefused;
  r.by = By::kServer;
  r.phase = Phase::kConnect;
  r.process_name = "tcp-0";
  r.peer = Address::loopback(42000);
  r.local = Address::loopback(7000);
  r.pool = "default";
  r.policy = "least-connections";
  r.server = "unix:/run/app.sock";
  r.upstream = *Address::parse("unix:/run/app.sock");
  r.attempts = 1;
  r.queue = Duration(400);
  r.connect = Duration(30'000);
  r.total = Duration(30'400);
  r.reason = "ECONNREFUSED";
  return r;
}

Record server_flow() {
  Record r = base_record(Tier::kServer, Kind::kFlow);
  r.end = End::kClientClosed;
  r.by = By::kClient;
  r.phase = Phase::kData;
  r.process_name = "s2";
  r.peer = Address::loopback(50124);
  r.local = Address::loopback(9003);
  r.messages = 12;
  r.data = Duration(77'000);
  r.total = Duration(77'000);
  r.down_in = 156;
  r.down_out = 252;
  r.reason = "ECONNRESET";
  return r;
}

Record client_message() {
  Record r = base_record(Tier::kClient, Kind::kMessage);
  r.id = 12;
  r.peer = Address::loopback(7000);
  r.local = Address::loopback(42000);
  r.sequence = 12;
  r.server = "s2";
  r.sent = "hello 12";
  r.got = "s2 hello 12";
  r.send = Duration(4'000);
  r.wait = Duration(88'000);
  r.data = Duration(0);
  r.total = Duration(92'000);
  r.lag = Duration(0);
  r.up_out = 9;
  r.up_in = 12;
  return r;
}

Record server_message() {
  Record r = base_record(Tier::kServer, Kind::kMessage);
  r.process_name = "s2";
  r.peer = Address::loopback(50124);
  r.local = Address::loopback(9003);
  r.sequence = 12;
  r.queue = Duration(100);
  r.service = Duration(50'000);
  r.total = Duration(51'000);
  r.down_in = 9;
  r.down_out = 12;
  return r;
}

}  // namespace

const std::vector<NamedRecord>& sample_records() {
  static const std::vector<NamedRecord> records = {{"client_exchange", client_exchange()},
                                                   {"coordinator_exchange", coordinator_exchange()},
                                                   {"coordinator_tunnel", coordinator_tunnel()},
                                                   {"server_exchange", server_exchange()},
                                                   {"client_flow", client_flow()},
                                                   {"coordinator_flow", coordinator_flow()},
                                                   {"server_flow", server_flow()},
                                                   {"client_message", client_message()},
                                                   {"server_message", server_message()}};
  return records;
}

}  // namespace giliran::telemetry
