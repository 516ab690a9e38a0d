// Named distributions of durations, as --delay and --work take them:
// 5ms, exp(5ms), lognormal(5ms,p99=40ms), uniform(1ms,9ms), bimodal(5ms,1%:200ms).
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/rng.h"
#include "base/time.h"

namespace giliran::base {

class Distribution {
 public:
  Distribution() = default;                  // always zero
  static Distribution constant(Duration d);  // d not negative
  // An error names the part that is wrong and lists the forms.
  static Result<Distribution> parse(std::string_view text);

  Duration sample(Rng& rng) const;  // never negative
  Duration mean() const;
  bool zero() const { return kind_ == Kind::kConstant && a_ == 0; }
  const std::string& text() const { return text_; }  // as it was written; "0" by default

 private:
  enum class Kind : unsigned char { kConstant, kExponential, kLognormal, kUniform, kBimodal };
  Kind kind_ = Kind::kConstant;
  // Nanoseconds and shape, by kind: constant(a), exp(mean a), lognormal(mu a, sigma b of ln ns; the
  // text's first number is the median), uniform(a..b), bimodal(a, with probability p: b).
  double a_ = 0;
  double b_ = 0;
  double p_ = 0;
  std::string text_ = "0";
};

}  // namespace giliran::base
