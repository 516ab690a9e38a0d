#include "base/rng.h"

#include <sys/random.h>

#include "base/assert.h"

namespace giliran::base {

uint64_t random_seed() {
  uint64_t seed = 0;
  GILIRAN_ASSERT(getrandom(&seed, sizeof seed, 0) == sizeof seed);
  return seed;
}

}  // namespace giliran::base
