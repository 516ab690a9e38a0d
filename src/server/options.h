// What `giliran server` is asked to do.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/listen_spec.h"
#include "server/character.h"
#include "telemetry/log.h"

namespace giliran::server {

constexpr uint32_t kThreadsMax = 4096;

// How threads are used. An I/O loop never burns CPU and never waits for a delay. Where a request
// needs a thread (--work, --blocking, ?work=), it waits in one queue, first come first served, for
// one of `threads` service threads, which serve one request at a time: that is the queue of a
// synchronous server, and what `queue` in Server-Timing and queue_us in the record measure. Where
// none needs one, requests are answered on the loops and `threads` is the number of loops. The
// calls of a fan-out hold no thread, with --blocking neither.
struct ServerOptions {
  std::vector<config::ListenSpec> listens{};  // --listen, at least one
  std::string name{};                         // --name; empty: the address of the first listener
  uint32_t threads = 0;                       // --threads; 0: one per processor
  std::string log{};                          // --log: path, "-" or empty: none
  telemetry::LogFull log_full = telemetry::LogFull::kDrop;  // --log-full
  // Its character: what is given here holds whatever the file says.
  std::optional<base::Distribution> delay{};               // --delay
  std::optional<base::Distribution> work{};                // --work
  bool blocking = false;                                   // --blocking: a delay holds its thread
  std::optional<FaultSpec> fail{};                         // --fail
  std::optional<double> slowdown{};                        // --slowdown
  std::optional<uint64_t> body_bytes{};                    // --body; none: the name and a line end
  std::vector<std::string> allow_to{};                     // --allow-to HOST:PORT or loopback
  uint64_t seed = 0;                                       // --seed; 0: from the kernel
  base::Duration drain_timeout = std::chrono::seconds(5);  // --drain-timeout, after TERM or INT
  bool quiet = false;                                      // --quiet: nothing but errors
  std::string config{};  // -c: a file of character_keys(), read again on HUP; empty: none

  // The file's, where there is one, and what is given here. Reads the file.
  base::Result<Character> character() const;
};

// Runs until told to stop. Returns the exit status: 0 good, 1 failed at run time, 2 wrong before
// the start (one line on standard error says what and how to mend it). Prints one line
// "listening on URL" to standard error for each listener once it answers. Signals: TERM and INT
// drain for drain_timeout (a second one ends now), QUIT drains without bound, USR1 reopens the log,
// HUP reads the file of -c again: requests that begin afterwards fare by it; a file that is not
// good changes nothing.
int run_server(const ServerOptions& options);

}  // namespace giliran::server
