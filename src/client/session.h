// One simulated client: asks, waits for the answer, asks again. What HTTP and tcp:// clients have
// in common: when to ask, when to give up, when to pause, when it is over.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

#include "base/rng.h"
#include "client/address_turns.h"
#include "client/plan.h"
#include "client/recorder.h"
#include "client/stop_rule.h"
#include "net/io.h"
#include "telemetry/record.h"

namespace giliran::client {

class OpenLoop;

// Shared by the threads of a run.
struct Run {
  explicit Run(const Plan& the_plan)
      : plan(the_plan), rule(the_plan.requests, the_plan.warmup.count() != 0) {}
  const Plan& plan;
  StopRule rule;                                 // of the closed loop
  base::Instant started = base::kNoDeadline;     // that: when each worker starts
  std::atomic<uint64_t> connection_numbers = 0;  // the last one given
};

// What the sessions of one thread share. Loop thread only.
class Station {
 public:
  // sink: null where there is no log. thread: its number, from 0.
  Station(Run& run, net::Io& io, telemetry::RecordSink* sink, uint32_t thread, base::Rng rng,
          bool live);

  const Plan& plan;
  Run& run;
  net::Io& io;
  telemetry::RecordSink* const sink;
  base::Rng rng;
  Recorder recorder;
  AddressTurns turns;
  OpenLoop* open_loop = nullptr;  // null: closed loop
  base::Instant last_answer{};    // or failure
  uint64_t live_sessions = 0;
  std::function<void()> on_all_done;  // live_sessions has become 0

  // Calendar time of an instant, from one look at both clocks at the start.
  base::WallTime wall(base::Instant t) const;
  // The local address the next connection comes from; none: the kernel's choice.
  base::Address next_source();
  uint64_t next_connection_number() {
    return run.connection_numbers.fetch_add(1, std::memory_order_relaxed) + 1;
  }

 private:
  base::WallTime wall_zero_;
  size_t source_ = 0;
};

constexpr uint32_t kAnyAddress = UINT32_MAX;

// What a request is: its number and, in an open loop, its place in time and where it is to go.
struct Turn {
  uint64_t ticket = 0;
  bool measured = true;
  base::Instant due = base::kNoDeadline;  // that: closed loop
  base::Instant noticed{};                // by the generator
  uint32_t address = kAnyAddress;         // where a new connection for it goes

  bool scheduled() const { return due != base::kNoDeadline; }
};

class Session {
 public:
  static constexpr base::Duration kPauseMin = std::chrono::milliseconds(10);
  static constexpr base::Duration kPauseMax = std::chrono::seconds(1);

  explicit Session(Station& station) : station_(station) {}
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  virtual ~Session() = default;

  void start() { ready(); }
  // The stop rule was told to stop: what only waits ends now, what is in flight goes on.
  void on_stop();
  bool done() const { return state_ == State::kDone; }

  // --- for the open loop ---
  // An idle session asks; now: about now.
  void take_turn(const Turn& turn, base::Instant now);
  // An idle session is no longer needed.
  void take_leave();
  // Whether an idle session has a connection, and to which address.
  virtual bool has_connection() const = 0;
  uint32_t address_number() const { return address_; }

 protected:
  enum class State : uint8_t {
    kIdle,     // open loop: nothing is due; its connection may be open
    kPausing,  // closed loop: no connection could be made
    kAsking,   // a request is in flight (its connection may still be being made)
    kBetween,  // the request has ended; what carried it is being freed
    kLeaving,  // no more requests; the connection is closing
    kDone
  };

  // Begins request `ticket()`: on the idle connection or on a new one.
  virtual void ask() = 0;
  // The request in flight has taken too long: give it up and end it. Its connection closes.
  virtual void on_time_over() = 0;
  // Closes an idle connection: true where that takes time and left() will follow.
  virtual bool leave() = 0;

  // --- what the derived class tells ---
  // The request in flight has ended (kAsking -> kBetween) and is recorded.
  void ended(const Ending& ending);
  // Between requests, and ready for the next: idle connection, or none.
  void ready();
  void left();  // kLeaving -> kDone
  // The connection of an idle session has ended, or is about to (kIdle -> kBetween): ready() comes
  // when there is none.
  void withdraw();

  Station& station() { return station_; }
  State state() const { return state_; }
  uint64_t ticket() const { return turn_.ticket; }
  // asked: when it took up the request; sent: when its connection was ready, zero where never.
  Ending timed(telemetry::End end, base::Instant asked, base::Instant sent,
               base::Instant now) const;
  // How much later than it was due it was sent: Record::lag. Not reached in a closed loop.
  base::Duration lateness(const Ending& ending) const;
  // The address of the connection, or of the one to be made: take_address() before.
  const base::Address& address() const { return plan().addresses[address_]; }
  void take_address() {
    address_ = turn_.address == kAnyAddress ? station_.turns.next() : turn_.address;
  }
  // What became of making the connection.
  void connected(base::Duration took);
  void connect_failed(int error);  // 0: none was told
  const Plan& plan() const { return station_.plan; }

 private:
  void next();
  void ask_or_leave();
  void enter(State next);
  void arm_no_later_than(base::Instant deadline);
  void on_timer();

  Station& station_;
  Turn turn_;
  uint32_t address_ = 0;
  uint32_t unreached_ = 0;  // requests in a row for which no connection could be made
  State state_ = State::kBetween;
  base::Instant deadline_ = base::kNoDeadline;  // of the pause or the request
  net::MemberTimer<Session, &Session::on_timer> timer_{*this};
};

}  // namespace giliran::client
