// What a run might have measured had it been another one of its kind: its intervals drawn again, in
// blocks. For compare.h, which says why so.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/rng.h"
#include "report/client_result.h"

namespace giliran::report {

// A histogram over the buckets that a sampler knows, in order.
struct Drawn {
  std::vector<uint64_t> service, response;
  double answered = 0, seconds = 0;  // while requests were issued
  double errors = 0, ended = 0;
};

class BlockSampler {
 public:
  // The intervals of all runs without their warm-ups.
  explicit BlockSampler(std::span<const ClientResult> runs);

  size_t intervals() const { return intervals_; }
  size_t block() const { return block_; }
  double blocks() const;
  // By how much too little draws scatter, as a variance; 1: not. Few blocks and few runs know less
  // than they show, blocks end where likeness does not, and whole blocks are drawn, which may be
  // more intervals than there were.
  double narrowness() const;

  void draw(base::Rng& rng, Drawn& out) const;  // several runs: drawn too
  void all(Drawn& out) const;                   // every interval once
  // ns, in a straight line within a bucket; 0 where there is nothing.
  double service_percentile(const Drawn& drawn, double p) const;
  double response_percentile(const Drawn& drawn, double p) const;

 private:
  struct Edge {
    uint64_t lowest = 0;
    uint64_t highest = 0;
    bool operator==(const Edge&) const = default;
  };
  struct Row {  // sums over one or more intervals
    std::vector<uint32_t> service, response;
    double answered = 0, seconds = 0, errors = 0, ended = 0;
  };
  struct RunRows {
    std::vector<Row> intervals;
    std::vector<Row> blocks;  // sums, by the first interval
    size_t draws = 0;         // of blocks, to be as long as the run
  };
  static std::vector<Edge> edges_of(std::span<const ClientResult> runs,
                                    base::Histogram ClientInterval::* member);
  static std::vector<uint32_t> counts(const base::Histogram& histogram,
                                      const std::vector<Edge>& edges);
  Row row_of(const ClientInterval& interval, double issuing_end_s) const;
  static void add(Row& to, const Row& row);
  void add(Drawn& to, const Row& row) const;
  void clear(Drawn& out) const;
  static double percentile(const std::vector<uint64_t>& counts, const std::vector<Edge>& edges,
                           double p);

  std::vector<Edge> service_edges_, response_edges_;
  std::vector<RunRows> runs_;
  size_t intervals_ = 0;
  size_t block_ = 1;
  double autocorrelation_ = 0;  // of neighbouring intervals; of several runs the greatest
};

// The length of a block for a row of numbers, by the rule in compare.h. 1..n/4, at least 1.
size_t block_length(std::span<const double> values);

// Student's t at 99.5 %, that is of intervals with a confidence of 99 %. freedom: 1 or more.
double student_t_99(double freedom);
constexpr double kNormal99 = 2.5758293035489;  // the same of the normal distribution

}  // namespace giliran::report
