// What `giliran client` is asked to do. Every number is a total, never per thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/time.h"
#include "client/resolve.h"
#include "report/expect.h"
#include "telemetry/log.h"

namespace giliran::client {

enum class Progress : uint8_t {
  kAuto,  // a few live lines on standard error where it is a terminal
  kNone,
  kJson  // one JSON object a second on standard output (docs/formats/client_json.md)
};

enum class Arrivals : uint8_t {
  kConstant,  // evenly spaced
  kPoisson,   // independent of each other, as those of many people
  kReplay     // as listed in the plan
};

struct ClientOptions {
  // [WEIGHT] [METHOD] http://HOST[:PORT][/PATH], or tcp://HOST:PORT
  std::string url;
  std::vector<std::string> more_targets{};  // further ones like it, on the same server
  std::string targets_file{};               // --targets PATH (target.h)
  std::string replay_path{};                // --replay LOG (replay.h)
  double speed = 1;                         // --speed: of the replay
  // -c, --connections: simulated clients; 0: 10, in an open loop 100.
  uint32_t connections = 0;
  double rate = 0;                          // -R, --rate: requests due a second; 0: closed loop
  Arrivals arrivals = Arrivals::kConstant;  // --arrivals constant|poisson
  std::string stages{};                     // --stages 10s:1k,30s:5k (rate_profile.h)
  base::Duration warmup{};                  // --warmup: before what is measured
  bool strict = false;                      // --strict: exit status 3 where CLIENT-LIMITED
  uint64_t requests = 0;               // -n, --requests: exactly so many are issued; 0: no bound
  base::Duration duration{};           // -d, --duration; 0: none, or 10 s where requests is 0 too.
                                       // Like -n it begins when the warm-up ends
  uint32_t threads = 0;                // -t, --threads; 0: min(processors, connections)
  std::vector<std::string> headers{};  // -H, --header "Name: value"
  std::vector<std::string> header_files{};  // --header-file PATH, -H @PATH: lines "Name: value"
  bool literal = false;                     // --literal: {{ is text
  std::string method{};                     // -m, --method; empty: GET, or POST with a body
  std::string body{};                       // --body TEXT
  std::string body_file{};  // --body-file PATH: at most kBodyBytesMax, read at the start
  std::string body_file_flag = "--body-file";         // or --body, which was given @PATH
  std::string message = "hello";                      // --message: the line a tcp:// client sends
  bool new_connection = false;                        // --new-connection: one for each request
  base::Duration timeout = std::chrono::seconds(30);  // --timeout: one request, connect included
  std::string log_path{};                             // --log; empty: none, "-": standard output
  bool append = false;                                // --append: to a log that is there
  telemetry::LogFull log_full = telemetry::LogFull::kDrop;  // --log-full
  std::string json_path{};                                  // --json; empty: none, "-": stdout
  std::string html_path{};                                  // --html; empty: none, "-": stdout
  std::string hgrm_path{};                                  // --hgrm; empty: none, "-": stdout
  std::vector<report::Expectation> expect{};                // --expect, repeated
  std::vector<report::Expectation> find_max{};  // --find-max: search for the highest rate
  base::Duration step_duration = std::chrono::seconds(5);  // --step-duration: of the search
  double start_rate = 100;                                 // --start-rate: of the search
  std::string coordinator_log{};                           // --coordinator-log: for the search
  Progress progress = Progress::kAuto;                     // --progress auto|none|json
  uint64_t seed = 0;                     // --seed; 0: a random one, told in the plan
  bool quiet = false;                    // -q, --quiet: no plan, live line, summary; but errors
  std::vector<base::Address> sources{};  // --source, repeated: connect from these in turn (port 0)
  std::vector<Resolve> resolve{};        // --resolve, repeated: what the URL's host is taken to be
};

constexpr uint64_t kBodyBytesMax = uint64_t{64} << 20;
constexpr base::Duration kDefaultDuration = std::chrono::seconds(10);
constexpr uint32_t kDefaultConnections = 10;
// Opened as they are needed: so many wait at most on the servers.
constexpr uint32_t kDefaultConnectionsOpen = 100;

// Runs to the end and prints the summary. Exit status: 0; 2 for bad usage or anything found wrong
// before the start; of a run 128 + the signal that cut it, else 1 where a file of the result could
// not be written, else 3 where a threshold was missed, or with strict where CLIENT-LIMITED, else 1
// where nothing at all succeeded. Blocks; installs handlers of SIGINT and SIGTERM (the first ends
// the run early, the second exits now).
int run_client(const ClientOptions& options);

}  // namespace giliran::client
