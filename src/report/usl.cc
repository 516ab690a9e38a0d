#include "report/usl.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <utility>
#include <vector>

namespace giliran::report {
namespace {

constexpr int kSteps = 300;
constexpr double kNoCoherency = 1e-10;  // beta below this is none: the peak would be beyond 10^5
constexpr double kGammaMax = 1e6;       // in units of the greatest throughput per N

using Vector = std::array<double, 3>;  // alpha, beta, gamma
using Matrix = std::array<Vector, 3>;

double denominator(const Vector& p, double n) {
  return 1 + p[0] * (n - 1) + p[1] * n * (n - 1);
}

double squares(const Vector& p, std::span<const UslPoint> points) {
  double sum = 0;
  for (const UslPoint& point : points) {
    const double off = point.throughput - p[2] * point.n / denominator(p, point.n);
    sum += off * off;
  }
  return sum;
}

// The best gamma for these alpha and beta: it is linear.
double best_gamma(const Vector& p, std::span<const UslPoint> points) {
  double xy = 0;
  double xx = 0;
  for (const UslPoint& point : points) {
    const double x = point.n / denominator(p, point.n);
    xy += x * point.throughput;
    xx += x * x;
  }
  return xy / xx;
}

// Gaussian elimination with pivots; false where the matrix is singular.
bool solve(Matrix a, Vector b, Vector& x) {
  for (size_t i = 0; i < 3; ++i) {
    size_t pivot = i;
    for (size_t r = i + 1; r < 3; ++r) {
      if (std::abs(a[r][i]) > std::abs(a[pivot][i])) pivot = r;
    }
    if (std::abs(a[pivot][i]) < 1e-300) return false;
    std::swap(a[i], a[pivot]);
    std::swap(b[i], b[pivot]);
    for (size_t r = i + 1; r < 3; ++r) {
      const double factor = a[r][i] / a[i][i];
      for (size_t c = i; c < 3; ++c) a[r][c] -= factor * a[i][c];
      b[r] -= factor * b[i];
    }
  }
  for (size_t i = 3; i-- > 0;) {
    double sum = b[i];
    for (size_t c = i + 1; c < 3; ++c) sum -= a[i][c] * x[c];
    x[i] = sum / a[i][i];
  }
  return std::isfinite(x[0]) && std::isfinite(x[1]) && std::isfinite(x[2]);
}

struct Normal {
  Matrix matrix{};  // J'J
  Vector right{};   // J'r
};

Normal normal_equations(const Vector& p, std::span<const UslPoint> points) {
  Normal normal;
  for (const UslPoint& point : points) {
    const double n = point.n;
    const double d = denominator(p, n);
    const double model = p[2] * n / d;
    const Vector slope = {-model * (n - 1) / d, -model * n * (n - 1) / d, n / d};
    for (size_t i = 0; i < 3; ++i) {
      normal.right[i] += slope[i] * (point.throughput - model);
      for (size_t j = 0; j < 3; ++j) normal.matrix[i][j] += slope[i] * slope[j];
    }
  }
  // A parameter at its bound that wants to go below it stays there.
  for (size_t i = 0; i < 2; ++i) {
    if (p[i] > 0 || normal.right[i] > 0) continue;
    for (size_t j = 0; j < 3; ++j) normal.matrix[i][j] = normal.matrix[j][i] = 0;
    normal.matrix[i][i] = 1;
    normal.right[i] = 0;
  }
  return normal;
}

Vector descend(Vector p, std::span<const UslPoint> points) {
  double error = squares(p, points);
  double damping = 1e-3;
  for (int step = 0; step < kSteps && damping < 1e15; ++step) {
    Normal normal = normal_equations(p, points);
    for (size_t i = 0; i < 3; ++i) normal.matrix[i][i] *= 1 + damping;
    Vector change{};
    if (!solve(normal.matrix, normal.right, change)) {
      damping *= 10;
      continue;
    }
    Vector next{};
    for (size_t i = 0; i < 3; ++i) next[i] = std::max(0.0, p[i] + change[i]);
    const double now = squares(next, points);
    if (!(now < error) || next[2] > kGammaMax) {
      damping *= 10;
      continue;
    }
    const bool settled = error - now <= 1e-15 * error;
    p = next;
    error = now;
    damping = std::max(damping / 10, 1e-12);
    if (settled) break;
  }
  return p;
}

Vector best_of_starts(std::span<const UslPoint> points) {
  Vector best{};
  double least = INFINITY;
  for (const double alpha : {0.0, 0.001, 0.03, 0.3, 1.0}) {
    for (const double beta : {0.0, 1e-6, 1e-4, 1e-2, 1.0}) {
      Vector start = {alpha, beta, 0};
      start[2] = best_gamma(start, points);
      const Vector found = descend(start, points);
      const double error = squares(found, points);
      if (error < least) {
        least = error;
        best = found;
      }
    }
  }
  return best;
}

base::Result<void> check(std::span<const UslPoint> points) {
  std::set<double> different;
  for (const UslPoint& point : points) {
    if (!std::isfinite(point.n) || !(point.n >= 1)) {
      return base::fail(fmt::format("N = {}: expected a number of 1 or more", point.n));
    }
    if (!std::isfinite(point.throughput) || !(point.throughput > 0)) {
      return base::fail(fmt::format("a throughput of {} at N = {}: expected more than 0",
                                    point.throughput, point.n));
    }
    different.insert(point.n);
  }
  if (different.size() < kUslPointsMin) {
    return base::fail(
        fmt::format("{} different N: a fit needs {} or more", different.size(), kUslPointsMin));
  }
  return {};
}

double r_squared(const Vector& p, std::span<const UslPoint> points) {
  double mean = 0;
  for (const UslPoint& point : points) mean += point.throughput;
  mean /= static_cast<double>(points.size());
  double all = 0;
  for (const UslPoint& point : points) all += (point.throughput - mean) * (point.throughput - mean);
  const double left = squares(p, points);
  // Points that do not differ have nothing to explain.
  const double nothing = 1e-18 * mean * mean * static_cast<double>(points.size());
  if (all <= nothing) return left <= nothing ? 1 : 0;
  return 1 - left / all;
}

}  // namespace

double Usl::at(double n) const {
  return gamma * n / denominator({alpha, beta, gamma}, n);
}

base::Result<Usl> fit_usl(std::span<const UslPoint> points) {
  GILIRAN_TRY_VOID(check(points));
  double unit = 0;
  double n_max = 0;
  for (const UslPoint& point : points) {
    unit = std::max(unit, point.throughput);
    n_max = std::max(n_max, point.n);
  }
  std::vector<UslPoint> scaled(points.begin(), points.end());
  for (UslPoint& point : scaled) point.throughput /= unit;
  const Vector p = best_of_starts(scaled);
  Usl usl{.alpha = p[0], .beta = p[1], .gamma = p[2] * unit, .r_squared = r_squared(p, scaled)};
  if (usl.beta > kNoCoherency) {
    const double n = usl.alpha >= 1 ? 1 : std::max(1.0, std::sqrt((1 - usl.alpha) / usl.beta));
    usl.peak = {.n = n, .throughput = usl.at(n), .measured = n <= n_max};
  }
  return usl;
}

}  // namespace giliran::report
