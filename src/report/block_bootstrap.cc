#include "report/block_bootstrap.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <utility>

namespace giliran::report {
namespace {

constexpr double kCutMax = 0.75;

double mean_of(std::span<const double> values) {
  double sum = 0;
  for (const double v : values) sum += v;
  return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

// Of neighbours, 0..0.9. What few values show is too little by (1 + 3 rho) / n (Kendall 1954).
double autocorrelation(std::span<const double> values) {
  if (values.size() < 8) return 0;
  const double mean = mean_of(values);
  double all = 0;
  double next = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    all += (values[i] - mean) * (values[i] - mean);
    if (i > 0) next += (values[i] - mean) * (values[i - 1] - mean);
  }
  if (all <= 0) return 0;
  const auto n = static_cast<double>(values.size());
  return std::clamp((next / all * n + 1) / (n - 3), 0.0, 0.9);
}

}  // namespace

size_t block_length(std::span<const double> values) {
  if (values.size() < 8) return 1;
  const double root = std::cbrt(static_cast<double>(values.size()));
  const double rho = autocorrelation(values);
  // Politis and White's optimum for the moving-block bootstrap of an AR(1) row.
  const double alike = std::cbrt(6 * rho * rho / ((1 - rho * rho) * (1 - rho * rho)));
  const auto length = static_cast<size_t>(std::lround(root * std::max(1.0, alike)));
  return std::clamp<size_t>(length, 1, values.size() / 4);
}

double student_t_99(double freedom) {
  static constexpr std::array<std::pair<double, double>, 16> kTable = {{{1, 63.657},
                                                                        {2, 9.925},
                                                                        {3, 5.841},
                                                                        {4, 4.604},
                                                                        {5, 4.032},
                                                                        {6, 3.707},
                                                                        {7, 3.499},
                                                                        {8, 3.355},
                                                                        {9, 3.250},
                                                                        {10, 3.169},
                                                                        {12, 3.055},
                                                                        {15, 2.947},
                                                                        {20, 2.845},
                                                                        {30, 2.750},
                                                                        {60, 2.660},
                                                                        {120, 2.617}}};
  if (freedom <= kTable.front().first) return kTable.front().second;
  // Between two places in a straight line by 1/freedom, which t nearly is.
  for (size_t i = 1; i <= kTable.size(); ++i) {
    const auto [from, above] = kTable[i - 1];
    const bool last = i == kTable.size();
    if (!last && freedom > kTable[i].first) continue;
    const double to = last ? 0 : 1 / kTable[i].first;
    const double below = last ? kNormal99 : kTable[i].second;
    return below + (above - below) * (1 / freedom - to) / (1 / from - to);
  }
  return kNormal99;
}

BlockSampler::BlockSampler(std::span<const ClientResult> runs)
    : service_edges_(edges_of(runs, &ClientInterval::service_time)),
      response_edges_(edges_of(runs, &ClientInterval::response_time)) {
  for (const ClientResult& run : runs) {
    RunRows rows;
    std::vector<double> levels;
    for (const ClientInterval& interval : run.intervals) {
      if (interval.warmup) continue;
      rows.intervals.push_back(row_of(interval, run.warmup_s() + run.issuing_s));
      if (interval.answered != 0) levels.push_back(std::log(1 + interval.response_time.mean()));
    }
    intervals_ += rows.intervals.size();
    block_ = std::max(block_, block_length(levels));
    autocorrelation_ = std::max(autocorrelation_, autocorrelation(levels));
    if (!rows.intervals.empty()) runs_.push_back(std::move(rows));
  }
  for (RunRows& run : runs_) block_ = std::min(block_, run.intervals.size());
  for (RunRows& run : runs_) {
    for (size_t first = 0; first + block_ <= run.intervals.size(); ++first) {
      Row sum = run.intervals[first];
      for (size_t i = 1; i < block_; ++i) add(sum, run.intervals[first + i]);
      run.blocks.push_back(std::move(sum));
    }
    run.draws = (run.intervals.size() + block_ - 1) / block_;
  }
}

double BlockSampler::blocks() const {
  return static_cast<double>(intervals_) / static_cast<double>(block_);
}

double BlockSampler::narrowness() const {
  if (blocks() <= 1) return 1;
  size_t drawn = 0;
  for (const RunRows& run : runs_) drawn += run.draws * block_;
  double factor = static_cast<double>(drawn) / static_cast<double>(intervals_);
  factor *= blocks() / (blocks() - 1);
  // Where blocks are cut, neighbours are taken for strangers: by so much the variance of the mean
  // of an AR(1) row is too small (Kuensch 1989).
  const double rho = autocorrelation_;
  const double cut = 2 * rho / (1 - rho * rho) / static_cast<double>(block_);
  factor /= 1 - std::min(cut, kCutMax);
  const auto runs = static_cast<double>(runs_.size());
  return runs > 1 ? factor * runs / (runs - 1) : factor;
}

void BlockSampler::draw(base::Rng& rng, Drawn& out) const {
  clear(out);
  for (size_t i = 0; i < runs_.size(); ++i) {
    const RunRows& run = runs_[runs_.size() == 1 ? 0 : rng.below(runs_.size())];
    for (size_t k = 0; k < run.draws; ++k) add(out, run.blocks[rng.below(run.blocks.size())]);
  }
}

void BlockSampler::all(Drawn& out) const {
  clear(out);
  for (const RunRows& run : runs_) {
    for (const Row& row : run.intervals) add(out, row);
  }
}

double BlockSampler::service_percentile(const Drawn& drawn, double p) const {
  return percentile(drawn.service, service_edges_, p);
}

double BlockSampler::response_percentile(const Drawn& drawn, double p) const {
  return percentile(drawn.response, response_edges_, p);
}

std::vector<BlockSampler::Edge> BlockSampler::edges_of(std::span<const ClientResult> runs,
                                                       base::Histogram ClientInterval::* member) {
  std::map<std::pair<uint64_t, uint64_t>, bool> found;
  for (const ClientResult& run : runs) {
    for (const ClientInterval& interval : run.intervals) {
      if (interval.warmup) continue;
      (interval.*member).each([&](uint64_t low, uint64_t high, uint64_t) {
        found[{low, high}] = true;
      });
    }
  }
  std::vector<Edge> edges;
  edges.reserve(found.size());
  for (const auto& [edge, known] : found) edges.push_back({edge.first, edge.second});
  return edges;
}

std::vector<uint32_t> BlockSampler::counts(const base::Histogram& histogram,
                                           const std::vector<Edge>& edges) {
  std::vector<uint32_t> out(edges.size());
  size_t i = 0;
  histogram.each([&](uint64_t low, uint64_t high, uint64_t count) {
    while (edges[i] != Edge{low, high}) ++i;
    out[i] = static_cast<uint32_t>(std::min<uint64_t>(count, UINT32_MAX));
  });
  return out;
}

BlockSampler::Row BlockSampler::row_of(const ClientInterval& interval, double issuing_end_s) const {
  Row row{.service = counts(interval.service_time, service_edges_),
          .response = counts(interval.response_time, response_edges_)};
  row.errors = static_cast<double>(interval.failed + interval.bad_status);
  row.ended = static_cast<double>(interval.answered + interval.failed);
  // What came while the last requests were awaited is no rate.
  const double within = std::min(interval.end_s(), issuing_end_s) - interval.begin_s;
  if (within >= interval.for_s / 2) {
    row.answered = static_cast<double>(interval.answered);
    row.seconds = within;
  }
  return row;
}

void BlockSampler::add(Row& to, const Row& row) {
  for (size_t i = 0; i < row.service.size(); ++i) to.service[i] += row.service[i];
  for (size_t i = 0; i < row.response.size(); ++i) to.response[i] += row.response[i];
  to.answered += row.answered;
  to.seconds += row.seconds;
  to.errors += row.errors;
  to.ended += row.ended;
}

void BlockSampler::add(Drawn& to, const Row& row) const {
  for (size_t i = 0; i < row.service.size(); ++i) to.service[i] += row.service[i];
  for (size_t i = 0; i < row.response.size(); ++i) to.response[i] += row.response[i];
  to.answered += row.answered;
  to.seconds += row.seconds;
  to.errors += row.errors;
  to.ended += row.ended;
}

void BlockSampler::clear(Drawn& out) const {
  out = {.service = std::move(out.service), .response = std::move(out.response)};
  out.service.assign(service_edges_.size(), 0);
  out.response.assign(response_edges_.size(), 0);
}

double BlockSampler::percentile(const std::vector<uint64_t>& counts, const std::vector<Edge>& edges,
                                double p) {
  uint64_t count = 0;
  for (const uint64_t n : counts) count += n;
  const double wanted = p / 100 * static_cast<double>(count);
  double seen = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    const auto here = static_cast<double>(counts[i]);
    if (here > 0 && seen + here >= wanted) {
      const auto lowest = static_cast<double>(edges[i].lowest);
      const double width = static_cast<double>(edges[i].highest) + 1 - lowest;
      return lowest + width * std::clamp((wanted - seen) / here, 0.0, 1.0);
    }
    seen += here;
  }
  return 0;
}

}  // namespace giliran::report
