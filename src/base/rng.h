// The one door to randomness: a seeded generator, the same sequence everywhere for the same seed.
#pragma once

#include <bit>
#include <cstdint>

namespace giliran::base {

// xoshiro256** by Blackman and Vigna (2018), seeded through splitmix64. Not for secrets.
class Rng {
 public:
  explicit Rng(uint64_t seed) {
    for (uint64_t& word : state_) {
      seed += 0x9e3779b97f4a7c15ULL;
      uint64_t z = seed;
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
      z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
      word = z ^ (z >> 31);
    }
  }

  uint64_t next() {
    const uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }

  // Uniform in [0, n), n > 0. Lemire's multiply-shift without the rejection: bias below n / 2^64.
  uint64_t below(uint64_t n) {
    return static_cast<uint64_t>((static_cast<unsigned __int128>(next()) * n) >> 64);
  }

  // Uniform in [0, 1).
  double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

  // A generator of its own for a part (a worker, a connection), independent of how many are made.
  Rng split(uint64_t part) { return Rng(next() ^ (part * 0xd1342543de82ef95ULL)); }

 private:
  uint64_t state_[4];
};

// A seed that differs from run to run, from the kernel.
uint64_t random_seed();

}  // namespace giliran::base
