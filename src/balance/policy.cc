#include "balance/policy.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "balance/least_requests.h"
#include "balance/round_robin.h"
#include "base/parse.h"

namespace giliran::balance {
namespace {

const RoundRobin kRoundRobin{};
const LeastRequests kLeastRequests{};
const Policy* const kPolicies[] = {&kRoundRobin, &kLeastRequests};

}  // namespace

base::Result<const Policy*> find_policy(std::string_view name) {
  for (const Policy* policy : kPolicies) {
    if (policy->name() == name) return policy;
  }
  const std::vector<std::string_view> names = policy_names();
  const std::string_view near = base::nearest(name, names);
  return base::fail(fmt::format("there is no policy '{}'{}; known: {}", name,
                                near.empty() ? "" : fmt::format(", did you mean '{}'?", near),
                                fmt::join(names, ", ")));
}

std::vector<std::string_view> policy_names() {
  std::vector<std::string_view> names;
  for (const Policy* policy : kPolicies) names.push_back(policy->name());
  return names;
}

}  // namespace giliran::balance
