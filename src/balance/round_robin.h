// Exact weighted turns over all workers together.
#pragma once

#include "balance/policy.h"

namespace giliran::balance {

// A shared ticket indexes the prepared smooth sequence, so that over any whole number of periods
// each endpoint gets exactly its weight, however many workers choose.
//
// A turn whose endpoint is not usable is given away: the pool's `spill` position walks the same
// sequence on its own, past the unusable ones, so that a dead endpoint's turns are themselves dealt
// in turn, by weight, over all the rest; going on from the ticket instead would give them all to
// the dead one's successor. Retries take spill turns only. Where kWalkMax entries in a row are
// unusable, one of the usable is drawn by weight. Cost: constant while most are usable; at most
// kWalkMax + the number of endpoints otherwise.
class RoundRobin final : public Policy {
 public:
  static constexpr size_t kWalkMax = 256;

  std::string_view name() const override { return "round-robin"; }
  std::unique_ptr<const Prepared> prepare(std::span<const Candidate> candidates) const override;
};

}  // namespace giliran::balance
