// The smooth weighted round-robin sequence of nginx, whole, ahead of time.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace giliran::balance {

// One full period: sum(weights) / gcd(weights) indices, in which i comes weights[i] / gcd times,
// spread as evenly as nginx spreads it ({5,1,1}: 0 0 1 0 2 0 0). Every weight is at least 1.
// The algorithm (Igor Sysoev's): every step adds its weight to each one's credit, picks the one
// with the most (the first of equals), and takes the sum of weights off its credit. Cost: length x
// number of different weights, because of all with one weight only the next in line can be picked.
std::vector<uint32_t> smooth_sequence(std::span<const uint32_t> weights);

}  // namespace giliran::balance
