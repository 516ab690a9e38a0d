// The Universal Scalability Law: how throughput grows with N threads, servers or clients.
//   X(N) = gamma N / (1 + alpha (N - 1) + beta N (N - 1))
// alpha: contention, the part that is done one after the other. beta: coherency, what every one
// costs every other. gamma: throughput of one. (N. Gunther, Guerrilla Capacity Planning, 2007.)
#pragma once

#include <optional>
#include <span>

#include "base/error.h"

namespace giliran::report {

struct UslPoint {
  double n = 0;
  double throughput = 0;
};

struct Usl {
  double alpha = 0;
  double beta = 0;
  double gamma = 0;
  double r_squared = 0;  // 1: the curve goes through every point; 0 or less: no better than a mean

  struct Peak {
    double n = 0;
    double throughput = 0;
    bool measured = false;  // within the range of the points: otherwise it is a guess beyond it
  };
  std::optional<Peak> peak{};  // none where throughput grows for ever (beta is 0)

  double at(double n) const;
  double efficiency(double n) const { return at(n) / (n * gamma); }
};

// Throughputs at fewer different N than these say nothing about three parameters.
constexpr size_t kUslPointsMin = 5;

// Least squares on the throughputs, alpha and beta not below 0, by Levenberg-Marquardt from several
// starts. Every number of the outcome is finite. An error where there are fewer than five different
// N, or a number is not finite, N not at least 1 or a throughput not above 0: it says which.
base::Result<Usl> fit_usl(std::span<const UslPoint> points);

}  // namespace giliran::report
