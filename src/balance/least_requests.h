// The endpoint with the fewest requests in flight for its weight.
#pragma once

#include "balance/policy.h"

namespace giliran::balance {

// Least (in_flight + 1) / weight; equals are drawn evenly, so that an idle pool is not always
// answered by its first endpoint. Up to kScanMax endpoints all are compared. Above that two are
// drawn by weight and the better one taken (Mitzenmacher's power of two choices), because a scan
// would touch one contended cache line an endpoint: constant cost while most are usable. Where
// kDrawsMax draws give no usable one, all are compared after all.
class LeastRequests final : public Policy {
 public:
  static constexpr size_t kScanMax = 8;
  static constexpr int kDrawsMax = 16;

  std::string_view name() const override { return "least-requests"; }
  std::unique_ptr<const Prepared> prepare(std::span<const Candidate> candidates) const override;
};

}  // namespace giliran::balance
