#include "server/site.h"

#include <algorithm>

namespace giliran::server {

Lot Site::draw(uint64_t number, const base::Distribution* asked_delay,
               const base::Distribution* asked_work) const {
  const base::Distribution& delays = asked_delay == nullptr ? delay : *asked_delay;
  const base::Distribution& works = asked_work == nullptr ? work : *asked_work;
  Lot lot{.fault = fail.hits(seed, number), .needs_thread = blocking || !works.zero()};
  if (delays.zero() && works.zero()) return lot;
  base::Rng rng(seed ^ (number * 0x9e3779b97f4a7c15ULL));
  base::Duration waits = delays.sample(rng);
  lot.work = works.sample(rng);
  if (asked_delay != nullptr) waits = std::min(waits, kAskedTimeMax);
  if (asked_work != nullptr) lot.work = std::min(lot.work, kAskedTimeMax);
  (blocking ? lot.hold : lot.delay) = waits;
  return lot;
}

}  // namespace giliran::server
