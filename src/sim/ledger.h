// What was planned, what each side saw of it, what the proxy recorded, and what of that does not
// add up.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "telemetry/record.h"

namespace giliran::sim {

enum class Framing : uint8_t { kNone, kLength, kChunked, kUntilClose };

// What the server does with a request.
enum class ServerAct : uint8_t {
  kAnswer,
  kInterim,         // 1xx first
  kEarly,           // answers at once, reads the body after that
  kAnswerAndClose,  // closes without having said so: the next request finds a dead connection
  kClose,           // no answer
  kReset,
  kCutBody,     // ends in the middle of the response
  kGarbage,     // no HTTP
  kSilent,      // never answers
  kStopReading  // reads no body, and never answers
};

// Where the coordinator's routes take a request.
enum class Where : uint8_t {
  kPool,
  kOtherPool,
  kRedirect,
  kPage,   // a fixed answer
  kDenied  // refused, whatever its path
};
constexpr std::string_view kPage = "closed for today";
constexpr uint16_t kRedirectStatus = 308;

// How a tunnel ends, once there is one.
enum class TunnelEnd : uint8_t { kClientFirst, kServerFirst, kClientReset, kServerReset, kNobody };

// How a client sends a request.
enum class SendAct : uint8_t {
  kWhole,
  kTruncated,  // a part, then the end of its half
  kPaused      // a part, then nothing more
};

struct RequestPlan {
  std::string_view method = "GET";
  uint64_t body_in = 0;
  uint64_t body_out = 0;
  uint16_t status = 200;
  Framing request_framing = Framing::kNone;
  Framing response_framing = Framing::kLength;
  ServerAct server_act = ServerAct::kAnswer;
  SendAct send_act = SendAct::kWhole;
  base::Duration server_delay{};
  bool http10 = false;
  bool keep_alive = true;
  Where where = Where::kPool;
  // So many servers answer it with that status first.
  uint32_t busy_times = 0;
  uint16_t busy_status = 503;
  // Asks for an upgrade, with a body of so many bytes in front. The server agrees where `status` is
  // 101: then body_in and body_out are the bytes in the tunnel.
  bool upgrade = false;
  uint64_t body_first = 0;
  TunnelEnd tunnel_end = TunnelEnd::kClientFirst;
  base::Duration tunnel_act_after{};

  bool tunnel() const { return upgrade && status == 101; }
  uint64_t request_body() const { return upgrade ? body_first : body_in; }
  uint64_t bytes_in() const { return body_first + body_in; }  // body and tunnel
  bool local() const { return where == Where::kRedirect || where == Where::kPage; }
  bool bodiless() const { return method == "HEAD" || status == 204 || status == 304; }
  bool status_may_be(uint16_t s) const {
    return s == status || (busy_times != 0 && s == busy_status);
  }
};

// What was seen of it. Requests are numbered from 1.
struct RequestSeen {
  // by the client
  bool begun = false;  // a byte of it was sent
  bool whole = false;  // all of it was sent
  bool complete = false;
  bool client_left = false;  // the client itself gave up
  bool own = false;          // an answer of the coordinator's own
  uint16_t status = 0;
  uint64_t wire_out = 0, wire_in = 0;
  base::Address client;  // who asks
  std::string cookie, set_cookie;
  // by the servers
  uint32_t executed = 0;
  uint64_t server_in = 0, server_out = 0;  // bytes on the wire
  bool server_got_all = false;
  bool server_got_end = false;  // of a tunnel
};

struct FlowPlan {
  uint64_t up = 0, down = 0;
  enum class Act : uint8_t {
    kNormal,       // the client ends first, then the server
    kServerFirst,  // the server ends first
    kClientReset,  // in the middle
    kServerReset,
    kIdle  // nobody ends it
  } act = Act::kNormal;
  base::Duration act_after{};
};

struct FlowSeen {
  bool begun = false;
  bool connected = false;
  bool client_broken = false;
  bool client_got_end = false;
  bool server_got_end = false;
  uint32_t served = 0;  // connections a server saw of it
  uint64_t got_down = 0, got_up = 0;
  base::Address local;   // of the client: in the record as `peer`
  base::Address client;  // who asks, where that is not the same
};

struct KeptRecord {
  telemetry::Record record;  // without its texts
  std::string server, tried, method, target, reason, pool;
  uint32_t worker = 0;
  uint64_t request = 0;  // read from the target; 0: none
};

// The loosest of the limits that the configurations of a run set; 0 and Duration::max(): none.
struct Bounds {
  struct OfPool {
    uint32_t queue_max = 0;
    base::Duration queue_timeout{};
    double budget_part = 0;
    uint32_t budget_floor = 0;
    uint32_t retries_max = 0;
    bool limited = false;
  };
  std::map<std::string, OfPool> pools;
  base::Duration total_timeout{};
  uint64_t body_bytes_max = 1;  // 0: none
  uint32_t requests_per_connection_max = 1;
  bool reloaded = false;
  base::Duration span{};  // of the run
};

class Ledger {
 public:
  Ledger() : requests(1), seen(1), flows(1), flows_seen(1) {}

  uint64_t add(const RequestPlan& plan) {
    requests.push_back(plan);
    seen.emplace_back();
    return requests.size() - 1;
  }
  uint64_t add(const FlowPlan& plan) {
    flows.push_back(plan);
    flows_seen.emplace_back();
    return flows.size() - 1;
  }
  // At most a few are kept: the first ones say it.
  void wrong(std::string what) {
    ++wrong_count;
    if (wrongs.size() < 10) wrongs.push_back(std::move(what));
  }

  std::vector<RequestPlan> requests;  // [id]; 0 is unused
  std::vector<RequestSeen> seen;
  std::vector<FlowPlan> flows;
  std::vector<FlowSeen> flows_seen;
  std::vector<KeptRecord> records;
  Bounds bounds;
  uint64_t kills = 0;  // of servers, with the connections they had
  std::vector<std::string> wrongs;
  uint64_t wrong_count = 0;
};

// A worker's sink that keeps every record.
class Keeper final : public telemetry::RecordSink {
 public:
  Keeper(Ledger& ledger, uint32_t worker) : ledger_(ledger), worker_(worker) {}
  void write(const telemetry::Record& record) override;

 private:
  Ledger& ledger_;
  uint32_t worker_;
};

// "/r/17" or "GET /r/17 ..." -> 17; 0 where there is none.
uint64_t request_of(std::string_view target);

}  // namespace giliran::sim
