// How many requests a second are due at each time of an open loop.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"

namespace giliran::client {

// A part of a run: within `length` the rate goes in a straight line from that before to `rate`
// (a second), or is `rate` from its begin where it jumps.
struct Stage {
  base::Duration length{};
  double rate = 0;
  bool jump = false;
  bool operator==(const Stage&) const = default;
};

// "10s:1k,30s:5k,10s:=0": TIME:RATE ramps, TIME:=RATE jumps.
base::Result<std::vector<Stage>> parse_stages(std::string_view text);

// Pieces of a straight line each; times are since the start. Pure.
class RateProfile {
 public:
  static constexpr base::Duration kNever = base::Duration::max();

  RateProfile() = default;  // nothing is ever due
  // For ever; rate above 0.
  static RateProfile constant(double rate);
  // warmup at `start_rate`, then the stages, of which the first begins there.
  static RateProfile stages(double start_rate, base::Duration warmup,
                            std::span<const Stage> stages);

  double rate_at(base::Duration t) const;
  // How many requests are due before t, not rounded: the integral of the rate.
  double count_before(base::Duration t) const;
  // Requests a second on average of a time.
  double mean(base::Duration from, base::Duration to) const;
  // The time after which more than `count` are due: that of request number `count`, from 0. To the
  // nanosecond, whatever came before: computed from the profile, never added up. kNever where there
  // are not so many.
  base::Duration time_of(double count) const;
  base::Duration length() const;  // kNever where it has no end

 private:
  struct Piece {
    base::Duration begin{};
    base::Duration length{};  // kNever: the last
    double rate_begin = 0;
    double rate_end = 0;
    double count_begin = 0;
    double count_end = 0;
  };
  void append(base::Duration length, double rate_begin, double rate_end);
  static double count_within(const Piece& piece, base::Duration t);

  std::vector<Piece> pieces_;
};

}  // namespace giliran::client
