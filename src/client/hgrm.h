// Percentiles of a histogram as HdrHistogram prints them: what its plotter and the tools made for
// wrk2 read (.hgrm).
#pragma once

#include <string>

#include "base/histogram.h"

namespace giliran::client {

// Values in milliseconds of a histogram of nanoseconds; five lines for each halving of what is
// left, as outputPercentileDistribution(out, 5, 1e6) of HdrHistogram.
std::string hgrm_text(const base::Histogram& nanoseconds);

}  // namespace giliran::client
