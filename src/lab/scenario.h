// A scenario: runs, and which of them are worth comparing. Values only. Files of scenarios are read
// by scenario_toml.h, which expands what they vary and repeat into a flat list of runs; whoever
// runs them needs nothing but this list, in its order.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/distribution.h"
#include "base/time.h"
#include "client/rate_profile.h"
#include "config/coordinator.h"
#include "config/scheme.h"
#include "server/character.h"

namespace giliran::lab {

// --- the processes of a run ---

// Where a server stands when a run begins. All servers of a run are started at its beginning.
enum class Role : uint8_t {
  kBalanced,  // in the coordinator's pool
  kSpare,     // not in it, until an event adds it
  kLeaf       // never in it: called by other servers (ClientPlan::fan_out)
};
std::string_view name(Role role);  // "balanced", "spare", "leaf"

struct ServerPlan {
  std::string name{};    // "server-1"; unique in the run; also of its log
  uint32_t threads = 1;  // service threads
  server::Character character{};
  uint32_t weight = 1;
  uint32_t in_flight_max = 0;  // at the coordinator; 0: the pool's
  Role role = Role::kBalanced;
};

enum class Loop : uint8_t {
  kClosed,  // each connection asks, waits, asks again
  kOpen     // requests are due at a rate, whatever the servers do
};

enum class Arrivals : uint8_t { kConstant, kPoisson };
std::string_view name(Arrivals arrivals);  // "constant", "poisson"

struct ClientPlan {
  uint32_t connections = 300;
  uint32_t threads = 0;          // 0: as the client decides
  std::optional<double> rate{};  // per second: an open loop; none and no stages: a closed one
  // An open loop too, which begins at `rate`; then `duration` is their sum.
  std::vector<client::Stage> stages{};
  Arrivals arrivals = Arrivals::kConstant;
  base::Duration duration = std::chrono::milliseconds(2500);  // how long requests are issued
  uint64_t requests = 0;                                      // instead of a duration, where not 0
  base::Duration warmup{};                                    // part of the duration; in no total
  bool new_connection = false;
  std::string method{};                // empty: the client's default
  std::string path = "/";              // http
  std::vector<std::string> headers{};  // "Name: value"
  std::string body{};
  std::string message{};  // tcp; empty: the client's default
  base::Duration timeout = std::chrono::seconds(30);
  // Work that the request carries (http): drawn by the client from its seed and the request's
  // number, so that every run with the same seed gets the same work. Zero: the server's own.
  base::Distribution delay{};
  base::Distribution work{};
  // Not 0: each request asks its server to call so many leaves (GET /fanout?to=...), and `delay`
  // and `work` are those of each call.
  uint32_t fan_out = 0;

  Loop loop() const { return rate || !stages.empty() ? Loop::kOpen : Loop::kClosed; }
};

// What happens during a run. Times count from the client's start, warm-up included.
enum class Action : uint8_t {
  kKill,      // SIGKILL: as a crash
  kStart,     // a process that was killed is started again, at the same address
  kStop,      // SIGSTOP: it hangs
  kContinue,  // SIGCONT
  kChange,    // `character` from now on, by the server's file and HUP
  kAdd,       // into the pool, by the coordinator's file and HUP
  kDrain,     // out of the pool, by the same; what it has is finished; the process goes on
  kWeight,    // `weight` from now on, by the same
  kRate       // the load is `rate` from now on; part of the client's stages: nothing to do but mark
};
std::string_view name(Action action);  // "kill", "start", "stop", "continue", "change", ...

struct Event {
  base::Duration at{};
  Action action = Action::kKill;
  std::vector<size_t> servers{};  // indices of RunPlan::servers; empty for kRate
  server::Character character{};  // kChange: all of it, what does not change included
  uint32_t weight = 1;            // kWeight
  double rate = 0;                // kRate
  // "kill server-1", "change server-2: delay 50ms", for marks in plots.
  std::string text{};
};

// --- a run ---

// The value of one key that the scenario varies.
struct Label {
  std::string key;    // as the file says it: "servers.threads"
  std::string value;  // for people: "16"
  bool operator==(const Label&) const = default;
};

// What a request costs a server, as far as it is the same for all servers of a run.
enum class Work : uint8_t {
  kNone,      // answered at once
  kComputes,  // uses the CPU
  kBlocks,    // holds its thread, as a call to a database does
  kWaits,     // a timer: holds no thread
  kMixed      // two of these, or servers that differ
};
std::string_view name(Work work);  // "none", "computes", "blocks", "waits", "mixed"

// The processes of one run: servers, a coordinator before them, and a client of many connections.
struct RunPlan {
  std::string name{};       // unique; also the folder of its logs: [a-z0-9-]+
  std::string point{};      // name without the repetition: runs of one point repeat each other
  uint32_t repetition = 0;  // from 0
  std::vector<Label> labels{};
  config::Scheme scheme = config::Scheme::kHttp;
  // One listener and one pool, whose servers are left out: coordinator_toml() in commands.h fills
  // in addresses and log.
  config::Coordinator coordinator = default_coordinator();
  std::vector<ServerPlan> servers = equal_servers(3);
  ClientPlan client{};
  std::vector<Event> timeline{};      // by time
  std::vector<std::string> expect{};  // "p99<10ms", as the client's --expect has it

  static config::Coordinator default_coordinator();
  static std::vector<ServerPlan> equal_servers(uint32_t count, const ServerPlan& like = {});

  const std::string& policy() const { return coordinator.pools.front().policy; }
  uint32_t coordinator_threads() const { return coordinator.threads; }
  uint32_t server_threads() const;  // of the first server
  Work work() const;
  base::Duration work_time() const;    // mean, of the first server or of what the client carries
  base::Duration asking_time() const;  // from the first request to the last, as planned
};

// --- a scenario ---

// Two points that differ in one number of threads. Indices of runs: of their first repetitions.
struct Contrast {
  enum class Of : uint8_t { kServerThreads, kCoordinatorThreads };
  size_t one = 0;
  size_t many = 0;
  Of of = Of::kServerThreads;
};

// What must hold between points, or of one: "p99 of fast < 0.5 * p99 of slow", "rate of x > 5k".
// Judged on the medians over repetitions: claim.h.
struct Claim {
  std::string text;
};

// A key that varies, and its values in order.
struct Axis {
  std::string key;
  std::vector<std::string> values;
};

struct Scenario {
  std::string name;
  std::string about;            // one line
  std::string look_for{};       // a few lines: what to see and why
  std::vector<RunPlan> runs{};  // all points × repetitions, interleaved, in the order of running
  std::vector<Contrast> contrasts{};
  size_t telling = 0;  // the run whose logs are worth reading first
  uint32_t repetitions = 1;
  std::vector<Axis> axes{};
  std::vector<Claim> claims{};
  uint64_t seed = 0;     // of the file; 0: none
  std::string source{};  // the file's text, for DIR/scenario.toml (see saved_text()) and `show`

  // The contrast in which `run` is the one of many threads, or null.
  const Contrast* contrast_of(size_t run) const;
  // The points in order, and the indices of a point's runs by repetition.
  std::vector<std::string> points() const;
  std::vector<size_t> runs_of(std::string_view point) const;
};

// The seed of a run's processes: the same for all points, so that all get the same arrivals and the
// same work; another one for each repetition. Not 0.
uint64_t seed_of(const RunPlan& run, uint64_t scenario_seed);

// How long it takes by plan, starting and stopping included.
base::Duration estimated_time(const RunPlan& run);
base::Duration estimated_time(const Scenario& scenario);

// "servers that compute 1ms, 1 thread each": what distinguishes a run.
std::string describe(const RunPlan& run);

}  // namespace giliran::lab
