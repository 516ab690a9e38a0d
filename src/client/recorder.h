// What was measured: one recorder a thread while the run lasts, added up at its end.
//
// Two times of every answer, never to be mixed up (docs/client.md):
// - service: from the actual send, when its connection was ready, to the last byte;
// - response: from when the request was due. response = lag + wait + service.
#pragma once

#include <array>
#include <bit>
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
// Names of Server-Timing that are added up; further ones are left out.
constexpr size_t kTiersMax = 16;
constexpr size_t kTierNameMax = 32;
constexpr uint32_t kNoTier = UINT32_MAX;
// Of slices: more would be longer ones.
constexpr size_t kSlicesMax = 3600;

// issued = answered + failed once nothing is in flight.
struct Counts {
  uint64_t due = 0;  // open loop: their time has come; closed loop: issued
  uint64_t issued = 0;
  uint64_t answered = 0;     // the whole answer came, whatever its status
  uint64_t bad_status = 0;   // those of them with a status of 400 or more
  uint64_t failed = 0;       // no whole answer
  uint64_t retried = 0;      // sent again, once: the server had given up the idle connection
  uint64_t connections = 0;  // opened
  uint64_t connect_failures = 0;
  uint64_t shortages = 0;  // of them: for want of something of this machine, such as local ports
  uint64_t bytes_out = 0;  // on the connections, heads included
  uint64_t bytes_in = 0;
  uint64_t body_bytes = 0;             // of the answers
  std::array<uint64_t, kEnds> ends{};  // of issued requests; ends[kOk] = answered
  std::array<uint64_t, kStatusClasses> status_classes{};  // of answered exchanges

  uint64_t errors() const { return failed + bad_status; }
  uint64_t good() const { return answered - bad_status; }
  // Due, but no connection was free for them before the end; while the run lasts: the backlog.
  uint64_t unissued() const { return due - issued; }
  void add(const Counts& other);
};

struct ServerTally {
  std::string name;
  uint64_t answers = 0;
  uint64_t bad_status = 0;
  base::Histogram service{base::Histogram::Options{.digits = 2}};  // ns
};

// What became of the requests of one of several addresses, by its number in the plan.
struct AddressTally {
  uint64_t connections = 0;
  uint64_t connect_failures = 0;
  uint64_t answers = 0;
  uint64_t bad_status = 0;
  uint64_t failed = 0;                                             // requests
  base::Histogram service{base::Histogram::Options{.digits = 2}};  // ns

  void add(const AddressTally& other);
};

// What the answers told in Server-Timing under one name.
struct TierTally {
  std::string name;
  base::Histogram took{base::Histogram::Options{.digits = 2}};  // ns
};

struct TierSum {
  uint64_t count = 0;
  uint64_t sum_ns = 0;

  void add(const TierSum& other) {
    count += other.count;
    sum_ns += other.sum_ns;
  }
};

// What one answer told in Server-Timing, by the numbers of Recorder::tier().
struct TierTimes {
  uint32_t told = 0;  // a bit for each tier; only those have a time
  std::array<uint64_t, kTiersMax> ns;

  void clear() { told = 0; }
  // The same name again is added.
  void add(uint32_t tier, uint64_t took_ns) {
    if (tier >= kTiersMax) return;
    ns[tier] = (told >> tier & 1) != 0 ? ns[tier] + took_ns : took_ns;
    told |= uint32_t{1} << tier;
  }
  // visit(tier, ns) for each that was told.
  template <typename Visit>
  void each(Visit visit) const {
    for (uint32_t left = told; left != 0; left &= left - 1) {
      const auto tier = static_cast<size_t>(std::countr_zero(left));
      visit(tier, ns[tier]);
    }
  }
};

// How one request ended.
struct Ending {
  telemetry::End end = telemetry::End::kOk;
  uint16_t status = 0;
  uint32_t server = kNoServer;
  uint32_t address = 0;              // its number
  base::Instant at{};                // when it ended
  bool measured = true;              // false: of the warm-up
  bool sent = true;                  // its connection was ready; else wait means nothing
  base::Duration service{};          // where end is kOk
  base::Duration response{};         // where end is kOk
  base::Duration lag{};              // 0 in a closed loop
  base::Duration wait{};             // noticed -> sent
  const TierTimes* tiers = nullptr;  // null: told nothing
  uint64_t bytes_out = 0;
  uint64_t bytes_in = 0;
  uint64_t body_bytes = 0;
};

// The run in one interval. A request is in the interval in which it ended; due, issued: in which it
// was due, was issued.
struct Slice {
  uint64_t due = 0;
  uint64_t issued = 0;
  uint64_t answered = 0;
  uint64_t failed = 0;
  uint64_t bad_status = 0;
  base::Histogram service{base::Histogram::Options{.digits = 2}};   // ns
  base::Histogram response{base::Histogram::Options{.digits = 2}};  // ns
  base::Duration lag_max{};
  std::vector<uint64_t> answers_by_server;  // by the number of the server; may be shorter
  std::vector<TierSum> tiers;               // by the number of the tier; may be shorter
  // Of each thread at a time; several threads' are added, which is never too little.
  uint32_t in_flight_max = 0;
  uint32_t backlog_max = 0;

  void add_counts(const Slice& other);  // all but what is by server or tier, and the maxima of one
  void add_later(const Slice& other);   // of the same recorder
};

// What a live display shows, of everything since the start, warm-up included.
struct Live {
  Counts counts;
  base::Histogram interval{base::Histogram::Options{.digits = 2}};  // response, since the last look
  base::Histogram service{base::Histogram::Options{.digits = 2}};   // service, since the last look
  std::vector<std::pair<std::string, uint64_t>> servers;  // answers since the start, by name

  uint64_t in_flight() const { return counts.issued - counts.answered - counts.failed; }
  uint64_t backlog() const { return counts.unissued(); }
  void add(const Live& other);
};

class Recorder {
 public:
  // live: take_live() will be called. open: of an open loop.
  explicit Recorder(bool live = false, bool open = false) : live_(live), open_(open) {}

  // Where the warm-up ends; without it everything is measured.
  void measure_since(base::Instant t) { measuring_since_ = t; }
  // Where there are several, each has a tally.
  void tell_addresses_apart(size_t count) {
    if (count > 1) addresses_.resize(count);
  }
  // The run in slices of `interval` from `started` on; without it there are none.
  void begin_slices(base::Instant started, base::Duration interval);

  // Open loop: the generator noticed at `now` that a request had become due.
  void due(base::Instant due, base::Instant now, bool measured);
  void backlog(uint64_t waiting);  // right after it grew
  // Sets out with a request: sends it, or begins to open its connection.
  void issued(base::Instant now, bool measured = true);
  void retried() { ++counts_.retried; }
  void connected(base::Duration took, uint32_t address = 0);
  // shortage: of something of this machine.
  void connect_failed(uint32_t address = 0, bool shortage = false);
  void ended(const Ending& ending);
  // The number of the server of that name. Allocates for a new name only.
  uint32_t server(std::string_view name);
  std::string_view server_name(uint32_t server) const { return servers_[server].name; }
  // The number of the tier of that name; kNoTier where there are too many, or it is too long.
  uint32_t tier(std::string_view name);

  // All of these without the warm-up, but for connections, connect_failures and retried.
  const Counts& counts() const { return counts_; }
  const base::Histogram& connect() const { return connect_; }         // ns
  const base::Histogram& service_time() const { return service_; }    // ns, of the answered
  const base::Histogram& response_time() const { return response_; }  // ns, of the answered
  const base::Histogram& lag() const { return lag_; }    // ns, of all that were due; open loop
  const base::Histogram& wait() const { return wait_; }  // ns, of all that were sent; open loop
  const std::vector<ServerTally>& servers() const { return servers_; }
  std::vector<const ServerTally*> servers_by_name() const;
  const std::vector<AddressTally>& addresses() const { return addresses_; }  // empty: one only
  const std::vector<TierTally>& tiers() const { return tiers_; }

  // Answers that came after the warm-up, those to its requests included: what a rate is made of.
  uint64_t answered_measuring() const { return answered_measuring_; }

  // The run over time, warm-up included. The last slice is not complete while the run lasts.
  const std::vector<Slice>& slices() const { return slices_; }
  base::Duration interval() const { return interval_; }  // 0: no slices

  // Begins a new interval. Only where constructed with live.
  Live take_live();
  // Slices are added by their place: both began at the same time.
  void add(const Recorder& other);

 private:
  struct TextHash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };

  void add_slices(const Recorder& other, const std::vector<uint32_t>& server_map,
                  const std::vector<uint32_t>& tier_map);
  Slice* slice_at(base::Instant t);
  Slice& roll_to(size_t index);
  void coarsen();
  void count_ending(const Ending& ending);
  void tally(const Ending& ending, uint64_t service);
  void record_in(Slice& slice, const Ending& ending, uint64_t service, uint64_t response);

  bool live_;
  bool open_;
  Counts counts_;
  Counts warm_;  // of the warm-up, for the display
  uint64_t answered_measuring_ = 0;
  base::Instant measuring_since_{};
  base::Histogram connect_;
  base::Histogram service_;
  base::Histogram response_;
  base::Histogram lag_;
  base::Histogram wait_;
  base::Histogram live_response_{base::Histogram::Options{.digits = 2}};
  base::Histogram live_service_{base::Histogram::Options{.digits = 2}};
  std::vector<ServerTally> servers_;
  std::unordered_map<std::string, uint32_t, TextHash, std::equal_to<>> server_numbers_;
  std::vector<TierTally> tiers_;
  std::vector<AddressTally> addresses_;

  base::Instant started_{};
  base::Duration interval_{};
  base::Instant slice_end_{};  // of the last slice; of later ones nothing is known yet
  std::vector<Slice> slices_;
  uint32_t in_flight_ = 0;
};

}  // namespace giliran::client
