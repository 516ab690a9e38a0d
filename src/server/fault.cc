#include "server/fault.h"

#include <fmt/format.h>

#include "base/parse.h"
#include "base/rng.h"

namespace giliran::server {
namespace {

std::unexpected<base::Error> refuse(std::string_view text, std::string_view why) {
  return base::fail(
      fmt::format("'{}': {}; expected RATE, RATE:STATUS or RATE:reset, such as 1%:503", text, why));
}

}  // namespace

base::Result<FaultSpec> FaultSpec::parse(std::string_view text) {
  FaultSpec spec;
  const size_t colon = text.find(':');
  const auto rate = base::parse_fraction(text.substr(0, colon));
  if (!rate) return refuse(text, rate.error().message);
  spec.rate = *rate;
  if (colon == std::string_view::npos) return spec;
  const std::string_view how = text.substr(colon + 1);
  if (how == "reset") {
    spec.kind = Kind::kReset;
    return spec;
  }
  const auto status = base::parse_uint(how, 599);
  if (!status || *status < 200) {
    return refuse(text, fmt::format("'{}' is neither a status (200 to 599) nor reset", how));
  }
  spec.status = static_cast<uint16_t>(*status);
  return spec;
}

bool FaultSpec::hits(uint64_t seed, uint64_t number) const {
  if (rate <= 0) return false;
  base::Rng draw(seed + number * 0xd1342543de82ef95ULL);
  return draw.uniform() < rate;
}

std::string FaultSpec::text() const {
  if (rate <= 0) return "none";
  if (kind == Kind::kReset) return fmt::format("{:g}%:reset", rate * 100);
  return fmt::format("{:g}%:{}", rate * 100, status);
}

}  // namespace giliran::server
