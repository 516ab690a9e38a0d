// What a run will do: everything derived from the options before the start.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/error.h"
#include "client/options.h"
#include "client/rate_profile.h"
#include "client/replay.h"
#include "client/target.h"

namespace giliran::client {

enum class Protocol : uint8_t { kHttp, kTcp };

enum class Loop : uint8_t {
  kClosed,  // each client asks, waits for its answer, asks again
  kOpen     // requests are due at times of a schedule, whatever the servers do
};

// Of a run, of any of its times: sums of a few of them and a clock never overflow.
constexpr base::Duration kLongest = std::chrono::hours(24 * 3653);

struct Plan {
  std::string url;  // as written; of several targets the first
  Protocol protocol = Protocol::kHttp;
  // http: at least one; of a replay one, for the headers that all its requests have.
  std::vector<Target> targets;
  std::optional<Replay> replay{};        // request n (from 1) is requests[n - 1]
  std::vector<base::Address> addresses;  // to connect to, at least one: AddressTurns
  std::vector<base::Address> sources;    // to connect from, in turn; may be empty
  std::string line;                      // what a tcp:// client sends, with its '\n'
  uint32_t connections = 0;
  uint32_t threads = 0;
  uint64_t requests = 0;      // 0: no bound; the warm-up's are not counted
  base::Duration duration{};  // how long requests are issued, warm-up included; 0: no bound
  base::Duration warmup{};    // 0: none
  Loop loop = Loop::kClosed;
  Arrivals arrivals = Arrivals::kConstant;
  RateProfile profile{};                     // open loop, but for a replay
  std::vector<Stage> stages{};               // as given; may be empty
  double rate = 0;                           // open loop: mean planned after the warm-up, 1/s
  std::vector<base::Duration> replay_due{};  // of each request of a replay, ascending
  base::Duration interval = std::chrono::seconds(1);  // of Recorder::slices()
  bool new_connection = false;
  base::Duration timeout{};
  uint64_t seed = 0;
};

// Checks the options, reads the body file, resolves the host (which may block). An error says which
// flag to mend. The seed is left as given.
base::Result<Plan> make_plan(const ClientOptions& options, unsigned processors);

// One line for people: "2 threads, 50 connections, 10s, closed loop, keep-alive, URL, seed 7".
std::string text(const Plan& plan);

}  // namespace giliran::client
