// What was measured: one recorder a thread while the run lasts, added up at its end.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/histogram.h"
#include "base/time.h"
#include "telemetry/record.h"

namespace giliran::client {

constexpr size_t kEnds = static_cast<size_t>(telemetry::End::kInternal) + 1;
constexpr size_t kStatusClasses = 6;  // by first digit; 0: no status
// Answering servers told apart; further ones are counted together.
constexpr size_t kServersMax = 256;
constexpr std::string_view kOtherServers = "(other)";
constexpr uint32_t kNoServer = UINT32_MAX;

// issued = answered + failed once nothing is in flight.
struct Counts {
  uint64_t issued = 0;
  uint64_t answered = 0;     // the whole answer came, whatever its status
  uint64_t bad_status = 0;   // those of them with a status of 400 or more
  uint64_t failed = 0;       // no whole answer
  uint64_t retried = 0;      // sent again, once: the server had given up the idle connection
  uint64_t connections = 0;  // opened
  uint64_t connect_failures = 0;
  uint64_t bytes_out = 0;  // on the connections, heads included
  uint64_t bytes_in = 0;
  uint64_t body_bytes = 0;             // of the answers
  std::array<uint64_t, kEnds> ends{};  // of issued requests; ends[kOk] = answered
  std::array<uint64_t, kStatusClasses> status_classes{};  // of answered exchanges

  uint64_t errors() const { return failed + bad_status; }
  uint64_t good() const { return answered - bad_status; }
  void add(const Counts& other);
};

struct ServerTally {
  std::string name;
  uint64_t answers = 0;
  uint64_t bad_status = 0;
  base::Histogram round_trip{base::Histogram::Options{.digits = 2}};  // ns
};

// How one request ended.
struct Ending {
  telemetry::End end = telemetry::End::kOk;
  uint16_t status = 0;
  uint32_t server = kNoServer;
  base::Duration round_trip{};  // where end is kOk
  uint64_t bytes_out = 0;
  uint64_t bytes_in = 0;
  uint64_t body_bytes = 0;
};

// What a live display shows. interval: round trips since the last look.
struct Live {
  Counts counts;
  base::Histogram interval{base::Histogram::Options{.digits = 2}};
  std::vector<std::pair<std::string, uint64_t>> servers;  // answers since the start, by name

  void add(const Live& other);
};

class Recorder {
 public:
  explicit Recorder(bool live = false) : live_(live) {}

  void issued() { ++counts_.issued; }
  void retried() { ++counts_.retried; }
  void connected(base::Duration took);
  void connect_failed() { ++counts_.connect_failures; }
  void ended(const Ending& ending);
  // The number of the server of that name. Allocates for a new name only.
  uint32_t server(std::string_view name);
  std::string_view server_name(uint32_t server) const { return servers_[server].name; }

  const Counts& counts() const { return counts_; }
  const base::Histogram& connect() const { return connect_; }        // ns
  const base::Histogram& round_trip() const { return round_trip_; }  // ns, of the answered
  const std::vector<ServerTally>& servers() const { return servers_; }
  std::vector<const ServerTally*> servers_by_name() const;

  // Begins a new interval. Only where constructed with live.
  Live take_live();
  void add(const Recorder& other);

 private:
  struct TextHash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };

  bool live_;
  Counts counts_;
  base::Histogram connect_;
  base::Histogram round_trip_;
  base::Histogram interval_{base::Histogram::Options{.digits = 2}};
  std::vector<ServerTally> servers_;
  std::unordered_map<std::string, uint32_t, TextHash, std::equal_to<>> server_numbers_;
};

}  // namespace giliran::client
