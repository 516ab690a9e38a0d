// The highest rate that a system holds: which rate to try next, and what is known so far. Pure.
//
// Grows by a factor until a rate fails, then halves the gap. Measuring is noisy, so that a rate is
// tried until two tries agree, the two ends of the gap until three do; where a rate holds above one
// that failed, the failed one is tried once more. What is reported is the gap: the greatest rate
// below every failed one that holds, and the least one that fails.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

namespace giliran::client {

enum class Held : uint8_t {
  kHolds,
  kFails,
  kClientFails  // the client itself could not: this says nothing of the system
};

struct FindMaxOptions {
  double start_rate = 100;
  double rate_min = 1;
  double rate_max = 10'000'000;
  double growth = 2;
  double resolution = 0.05;  // the gap, as a share of the rate that holds
  uint32_t tries_max = 80;   // then it ends with the gap it has
};

struct FoundMax {
  double holds = 0;           // 0: not even the least rate that was tried
  double fails = 0;           // 0: none up to the greatest one
  bool client_limit = false;  // what failed at `fails` was the client
  bool settled = false;       // the gap is as small as asked, and its ends are confirmed
  uint32_t tries = 0;
};

class FindMax {
 public:
  explicit FindMax(FindMaxOptions options) : options_(options) {}

  // The rate to try next; none where the search is over. The same until report() is called.
  std::optional<double> next() const;
  void report(double rate, Held held);
  FoundMax found() const;

 private:
  struct Votes {
    uint32_t holds = 0;
    uint32_t fails = 0;
    uint32_t client_fails = 0;
    uint32_t against() const { return fails + client_fails; }
    bool hold() const { return holds > against(); }
  };
  using Tried = std::map<double, Votes>;
  struct Gap {
    Tried::const_iterator holds;  // end(): none
    Tried::const_iterator fails;
  };
  Gap gap() const;
  bool closed(const Gap& gap) const;
  double between(double low, double high) const;

  FindMaxOptions options_;
  Tried tried_;
  uint32_t tries_ = 0;
};

}  // namespace giliran::client
