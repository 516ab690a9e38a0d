// Everything a coordinator is told, by a file (TOML), by flags, or by both. Plain values: names are
// not resolved, files not read; docs/configuration.md describes every key.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/network.h"
#include "base/time.h"
#include "config/listen_spec.h"
#include "config/options.h"
#include "config/server_spec.h"

namespace giliran::config {

// --- routes ---

struct HeaderMatch {
  std::string name{};
  std::optional<std::string> value{};  // absent: it is enough that the field is there
  bool operator==(const HeaderMatch&) const = default;
};

struct HeaderChange {
  enum class Kind : uint8_t { kSet, kAdd, kRemove };  // kSet: instead of all of that name
  Kind kind = Kind::kSet;
  std::string name{};
  std::string value{};  // literal; not for kRemove
  bool operator==(const HeaderChange&) const = default;
};
// Of one route and direction. What they add must fit beside a head in one buffer.
constexpr uint32_t kHeaderChangesMax = 32;
constexpr uint32_t kHeaderChangeBytesMax = 4096;  // names and values together

struct Redirect {
  uint16_t status = 302;  // 301, 302, 303, 307 or 308
  std::string to{};       // with kRedirectPlaces
  bool operator==(const Redirect&) const = default;
};
// What stands for a part of the request's own URL.
inline constexpr std::array<std::string_view, 4> kRedirectPlaces = {"{host}", "{port}",
                                                                    "{authority}", "{path}"};

// A body of our own: a maintenance page, a health answer, an error page.
struct Answer {
  uint16_t status = 503;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body{};  // at most kAnswerBytesMax
  bool operator==(const Answer&) const = default;
};
constexpr uint32_t kAnswerBytesMax = 32 * 1024;

// The first route of a listener that matches is taken. What is empty matches everything.
struct Route {
  std::string name{};                // in the record; by default "route-1", "route-2", ...
  std::vector<std::string> hosts{};  // lower case, without port: "example.org", "*.example.org"
  std::string
      path{};  // prefix by segments: "/api" matches "/api", "/api/x" and "/api?q", not "/apis"
  std::vector<std::string> methods{};
  std::vector<HeaderMatch> headers{};  // all of them
  // What is done: exactly one of the three.
  std::string pool{};
  std::optional<Redirect> redirect{};
  std::optional<Answer> answer{};
  std::vector<HeaderChange> request_headers{}, response_headers{};
  std::optional<uint64_t> body_bytes_max{};  // instead of the limit for all
  bool operator==(const Route&) const = default;
};

// --- listeners ---

// What is passed on of who asked (X-Forwarded-For, -Proto, -Host; Forwarded).
enum class Forwarding : uint8_t {
  kReplace,  // what the client says of itself is removed; appended to where it is trusted
  kAppend,   // appended to whoever the client is
  kOff       // nothing is added; removed unless it is trusted
};

// A client that says no more behind its request, before a byte of the answer.
enum class HalfClose : uint8_t {
  kCancel,  // it has given up: its turn in the queue is free, its attempt is cancelled
  kWait     // it waits: it is answered
};

struct Listener {
  std::string name{};  // in the record; empty: its address
  ListenSpec listen{};
  std::string pool{};                    // where no route matches; empty: 404
  std::vector<Route> routes{};           // http only
  std::vector<base::Network> trusted{};  // whose X-Forwarded-* and Forwarded are believed
  std::vector<base::Network> proxy_protocol_from{};  // who must send a PROXY header, v1 or v2
  Forwarding forwarding = Forwarding::kReplace;
  HalfClose half_close = HalfClose::kCancel;  // http only
  bool forwarded = false;                     // adds Forwarded (RFC 7239) beside X-Forwarded-*
  bool server_timing = false;                 // tells our phases in Server-Timing
  bool connect = false;                       // CONNECT is passed on
  bool upgrade = true;                        // Upgrade (WebSocket) is passed on
  uint32_t connections_max = 0;               // 0: no limit of its own
  bool operator==(const Listener&) const = default;
};

// --- pools ---

struct Server {
  ServerSpec spec{};
  std::string name{};          // in the record; empty: its address as written
  uint32_t in_flight_max = 0;  // 0: the pool's
  bool operator==(const Server&) const = default;
};

enum class ProxyProtocol : uint8_t { kNone, kV1, kV2 };

// After what another server is tried. Nothing but a failed connect holds for requests that may not
// be repeated; all of it is paid from the retry budget.
struct RetryOn {
  bool connect = true;        // no connection, or it ended before a byte of the request was sent
  bool reset = true;          // closed or reset before an answer
  bool timeout = true;        // no answer in time
  bool bad_response = false;  // one that could not be read
  std::vector<uint16_t> statuses{};  // answers of servers, and what we would answer by ourselves
  bool names(uint16_t status) const {
    return !statuses.empty() && std::ranges::find(statuses, status) != statuses.end();
  }
  bool operator==(const RetryOn&) const = default;
};

struct Pool {
  std::string name{};
  std::string policy = "round-robin";
  std::vector<Server> servers{};
  uint32_t in_flight_max = 0;  // exchanges or flows on one server at a time; 0: no limit
  uint32_t queue_max = 1024;   // waiting for a server under its limit
  base::Duration queue_timeout = std::chrono::seconds(10);
  uint32_t retries_max = 15;  // attempts after the first, each on another server
  RetryOn retry_on{};
  double retry_budget = 0.2;         // of the requests of the pool, as a part
  uint32_t retry_budget_floor = 10;  // and so many a second whatever the requests
  std::string sticky_cookie{};       // its name; empty: no stickiness
  // So many failures in a row (no answer, or cut; 5xx too where said) mark a server down. 0: never.
  uint32_t mark_down_after = 5;
  bool mark_down_on_5xx = false;
  ProxyProtocol proxy_protocol = ProxyProtocol::kNone;  // sent to the servers
  bool operator==(const Pool&) const = default;
};

// --- all of it ---

// kAuto: text where the log goes to a terminal, else JSON.
enum class LogFormat : uint8_t { kAuto, kJson, kText, kHttplog, kTcplog, kCombined };
enum class LogFull : uint8_t { kDrop, kWait };

struct Log {
  std::string path{};  // "-": standard output; empty: none
  LogFormat format = LogFormat::kAuto;
  LogFull full = LogFull::kDrop;
  bool operator==(const Log&) const = default;
};

struct Coordinator {
  std::vector<Listener> listeners{};  // at least one
  std::vector<Pool> pools{};          // flags make one called "default"
  Timeouts timeouts{};
  Limits limits{};
  // How long a server that does not connect, or keeps failing, is left out: the first time, and at
  // most.
  base::Duration backoff_first = std::chrono::seconds(1);
  base::Duration backoff_max = std::chrono::seconds(10);
  std::map<uint16_t, Answer> answers{};  // bodies of our own errors, by status
  Log log{};
  uint32_t threads = 0;                                     // workers; 0: one per processor
  base::Duration drain_timeout = std::chrono::seconds(30);  // after TERM or INT
  bool quiet = false;                                       // nothing but warnings and errors
  uint64_t seed = 0;                                        // 0: from the kernel
  bool operator==(const Coordinator&) const = default;
};

}  // namespace giliran::config
