#include "base/distribution.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/assert.h"
#include "base/parse.h"
#include "base/text.h"

namespace giliran::base {
namespace {

constexpr std::string_view kForms =
    "expected 5ms, exp(5ms), lognormal(5ms,p99=40ms), uniform(1ms,9ms) or bimodal(5ms,1%:200ms)";
constexpr std::string_view kNames[] = {"exp", "lognormal", "uniform", "bimodal"};
constexpr double kZ99 = 2.3263478740408408;  // the normal distribution's 99th percentile
constexpr double kLongestNs = 9.2e18;

std::unexpected<Error> refuse(std::string_view text, std::string_view why) {
  return fail(fmt::format("'{}': {}; {}", text, why, kForms));
}

// What is wrong with a part of `text`.
std::unexpected<Error> refuse(std::string_view text, const Error& part) {
  return fail(fmt::format("'{}': {}; {}", text, part.message, kForms));
}

Duration to_duration(double ns) {
  return Duration(static_cast<int64_t>(std::clamp(ns, 0.0, kLongestNs)));
}

double to_ns(Duration d) {
  return static_cast<double>(d.count());
}

// "a,b" in two; b is empty where there is no comma.
struct Parts {
  std::string_view first;
  std::string_view second;
  bool two = false;
};

Parts split(std::string_view text, char separator) {
  const size_t at = text.find(separator);
  if (at == std::string_view::npos) return {.first = trim(text), .second = {}, .two = false};
  return {.first = trim(text.substr(0, at)), .second = trim(text.substr(at + 1)), .two = true};
}

}  // namespace

Distribution Distribution::constant(Duration d) {
  GILIRAN_ASSERT(d.count() >= 0);
  Distribution made;
  made.a_ = to_ns(d);
  if (d.count() != 0) made.text_ = format_duration(d);
  return made;
}

Result<Distribution> Distribution::parse(std::string_view text) {
  Distribution made;
  made.text_ = std::string(text);
  const size_t open = text.find('(');
  if (open == std::string_view::npos) {
    const auto duration = parse_duration(text);
    if (!duration) return fail(fmt::format("{}; {}", duration.error().message, kForms));
    made.a_ = to_ns(*duration);
    return made;
  }
  const std::string_view name = text.substr(0, open);
  if (std::ranges::find(kNames, name) == std::end(kNames)) {
    const std::string_view near = nearest(name, kNames);
    return refuse(text, near.empty()
                            ? fmt::format("there is no distribution '{}'", name)
                            : fmt::format("there is no '{}', did you mean '{}'?", name, near));
  }
  if (!text.ends_with(')')) return refuse(text, "')' is missing at the end");
  const std::string_view inside = text.substr(open + 1, text.size() - open - 2);
  const Parts parts = split(inside, ',');
  if (parts.two == (name == "exp")) {
    return refuse(text, fmt::format("{} takes {}", name, parts.two ? "one part" : "two parts"));
  }
  const auto first = parse_duration(parts.first);
  if (!first) return refuse(text, first.error());
  made.a_ = to_ns(*first);
  if (name == "exp") {
    made.kind_ = Kind::kExponential;
    return made;
  }
  std::string_view second_text = parts.second;
  if (name == "lognormal") {
    if (!second_text.starts_with("p99=")) {
      return refuse(text, fmt::format("'{}' should be p99=DURATION", second_text));
    }
    second_text.remove_prefix(4);
  } else if (name == "bimodal") {
    const Parts slow = split(second_text, ':');
    if (!slow.two) return refuse(text, fmt::format("'{}' should be PART:DURATION", second_text));
    const auto part = parse_fraction(slow.first);
    if (!part) return refuse(text, part.error());
    made.p_ = *part;
    second_text = slow.second;
  }
  const auto second = parse_duration(second_text);
  if (!second) return refuse(text, second.error());
  made.b_ = to_ns(*second);
  if (name == "bimodal") {
    made.kind_ = Kind::kBimodal;
  } else if (name == "uniform") {
    if (*second < *first) return refuse(text, "the second bound is below the first");
    made.kind_ = Kind::kUniform;
  } else {
    if (first->count() == 0) return refuse(text, "the median must be above zero");
    if (*second <= *first) return refuse(text, "p99 must be above the median");
    made.kind_ = Kind::kLognormal;
    made.b_ = std::log(made.b_ / made.a_) / kZ99;
    made.a_ = std::log(made.a_);
  }
  return made;
}

Duration Distribution::sample(Rng& rng) const {
  switch (kind_) {
    case Kind::kConstant:
      return to_duration(a_);
    case Kind::kExponential:
      return to_duration(-a_ * std::log1p(-rng.uniform()));
    case Kind::kLognormal: {
      // Box and Muller's transform; its second value is not kept, so that sample() has no state.
      const double radius = std::sqrt(-2 * std::log1p(-rng.uniform()));
      const double normal = radius * std::cos(2 * std::numbers::pi * rng.uniform());
      return to_duration(std::exp(a_ + b_ * normal));
    }
    case Kind::kUniform:
      return to_duration(a_ + (b_ - a_) * rng.uniform());
    case Kind::kBimodal:
      return to_duration(rng.uniform() < p_ ? b_ : a_);
  }
  return Duration(0);
}

Duration Distribution::mean() const {
  switch (kind_) {
    case Kind::kConstant:
    case Kind::kExponential:
      return to_duration(a_);
    case Kind::kLognormal:
      return to_duration(std::exp(a_ + b_ * b_ / 2));
    case Kind::kUniform:
      return to_duration((a_ + b_) / 2);
    case Kind::kBimodal:
      return to_duration(a_ + (b_ - a_) * p_);
  }
  return Duration(0);
}

}  // namespace giliran::base
