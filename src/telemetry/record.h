// One record per exchange, flow or message: the schema of docs/formats/record.md as a struct.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/address.h"
#include "base/ids.h"
#include "base/time.h"

namespace giliran::telemetry {

enum class Tier : uint8_t { kClient, kCoordinator, kServer };
enum class Kind : uint8_t { kExchange, kFlow, kMessage };
enum class By : uint8_t { kNobody, kClient, kCoordinator, kServer };
enum class Phase : uint8_t { kNone, kRequest, kQueue, kConnect, kSend, kWait, kData };
enum class Proto : uint8_t { kHttp11, kHttp10, kTcp };
enum class End : uint8_t {
  kOk,
  kClientClosed,
  kClientTimeout,
  kBadRequest,
  kNoServer,
  kConnectRefused,
  kConnectTimeout,
  kConnectFailed,
  kServerClosed,
  kServerTimeout,
  kBadResponse,
  kFault,
  kLimit,
  kQueueTimeout,
  kQueueFull,
  kRateLimited,
  kBodyTooLarge,
  kTotalTimeout,
  kDenied,
  kIdleTimeout,
  kShutdown,
  kInternal  // the last one: words.h counts on it
};

std::string_view name(Tier tier);
std::string_view name(Kind kind);
std::string_view name(By by);        // "" for kNobody
std::string_view name(Phase phase);  // "" for kNone
std::string_view name(Proto proto);
std::string_view name(End end);

// A phase that was not reached.
constexpr base::Duration kNotReached{-1};

// What was in flight when an exchange or flow ended, itself included.
struct Gauges {
  uint32_t connections = 0;           // of the whole process, downstream
  uint32_t listener_connections = 0;  // of its listener
  uint32_t pool_in_flight = 0;
  uint32_t server_in_flight = 0;
  uint32_t queued_server =
      0;  // how many were ahead when it joined that queue; 0: none, or no queue
  uint32_t queued_pool = 0;
};

struct Record {
  base::WallTime arrived;
  Tier tier = Tier::kCoordinator;
  Kind kind = Kind::kExchange;
  End end = End::kOk;
  By by = By::kNobody;
  Phase phase = Phase::kNone;
  Proto proto = Proto::kHttp11;
  bool reused = false;
  bool gauges_known = false;
  uint16_t status = 0;    // 0: none
  uint16_t attempts = 0;  // coordinator only
  base::TraceId trace;
  base::SpanId span;
  base::SpanId parent;
  uint64_t id = 0;  // 0: none
  uint64_t connection = 0;
  uint64_t sequence = 0;
  uint64_t messages = 0;
  base::Address peer;
  base::Address client;  // who asked, where somebody trusted says so; none: the peer
  base::Address local;
  base::Address upstream;
  base::Address upstream_local;
  base::Duration idle = kNotReached;
  base::Duration head = kNotReached;
  base::Duration queue = kNotReached;
  base::Duration connect = kNotReached;
  base::Duration send = kNotReached;
  base::Duration wait = kNotReached;
  base::Duration service = kNotReached;
  base::Duration data = kNotReached;
  base::Duration total = kNotReached;
  base::Duration lag = kNotReached;
  uint64_t down_in = 0, down_out = 0, up_out = 0, up_in = 0, body_in = 0, body_out = 0;
  Gauges gauges;  // coordinator only, where gauges_known
  // Text borrowed for the time of the call; cut to its bound when taken over.
  std::string_view process_name;  // "name"
  std::string_view route, pool, policy, server, tried, method, target, host, user_agent, referer;
  std::string_view upgrade;  // protocol of the tunnel that the exchange became: "websocket"
  std::string_view sent, got, reason;
};

// Where a worker puts its records. One sink a worker; that worker's thread only.
class RecordSink {
 public:
  virtual ~RecordSink() = default;
  virtual void write(const Record& record) = 0;
};

// Takes none (no --log).
class NullSink final : public RecordSink {
 public:
  void write(const Record&) override {}
};

}  // namespace giliran::telemetry
