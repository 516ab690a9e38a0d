#include "client/rate_profile.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/assert.h"
#include "base/parse.h"
#include "base/text.h"

namespace giliran::client {
namespace {

constexpr double kNsPerS = 1e9;
constexpr double kLongestNs = 9e18;
// Of a count: sums of stages are exact to this, and a whole request is far more.
constexpr double kRounding = 1e-6;

double ns_of(base::Duration d) {
  return static_cast<double>(d.count());
}

base::Result<Stage> parse_stage(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) {
    return base::fail(
        fmt::format("'{}': expected TIME:RATE, such as 10s:1k, or TIME:=RATE to jump", text));
  }
  Stage stage;
  stage.length = GILIRAN_TRY(base::parse_duration(text.substr(0, colon)));
  std::string_view rate = text.substr(colon + 1);
  stage.jump = rate.starts_with('=');
  if (stage.jump) rate.remove_prefix(1);
  stage.rate = GILIRAN_TRY(base::parse_rate(rate));
  if (stage.length.count() <= 0) {
    return base::fail(fmt::format("'{}': a stage needs a time above zero", text));
  }
  return stage;
}

}  // namespace

base::Result<std::vector<Stage>> parse_stages(std::string_view text) {
  std::vector<Stage> stages;
  for (bool more = true; more;) {
    const size_t comma = text.find(',');
    more = comma != std::string_view::npos;
    stages.push_back(GILIRAN_TRY(parse_stage(base::trim(text.substr(0, comma)))));
    if (more) text.remove_prefix(comma + 1);
  }
  return stages;
}

RateProfile RateProfile::constant(double rate) {
  GILIRAN_ASSERT(rate > 0);
  RateProfile profile;
  profile.append(kNever, rate, rate);
  return profile;
}

RateProfile RateProfile::stages(double start_rate, base::Duration warmup,
                                std::span<const Stage> stages) {
  RateProfile profile;
  if (warmup.count() > 0) profile.append(warmup, start_rate, start_rate);
  double rate = start_rate;
  for (const Stage& stage : stages) {
    profile.append(stage.length, stage.jump ? stage.rate : rate, stage.rate);
    rate = stage.rate;
  }
  return profile;
}

void RateProfile::append(base::Duration length, double rate_begin, double rate_end) {
  Piece piece{.length = length, .rate_begin = rate_begin, .rate_end = rate_end};
  if (!pieces_.empty()) {
    piece.begin = pieces_.back().begin + pieces_.back().length;
    piece.count_begin = pieces_.back().count_end;
  }
  if (length != kNever) {
    const double mean = (rate_begin + rate_end) / 2;
    piece.count_end = piece.count_begin + mean * ns_of(length) / kNsPerS;
  }
  pieces_.push_back(piece);
}

// Whole nanoseconds first, so that 1,000 a second for 0.3 s are 300 and not 300.00000000000006.
double RateProfile::count_within(const Piece& piece, base::Duration t) {
  const double slope =
      piece.length == kNever ? 0 : (piece.rate_end - piece.rate_begin) / ns_of(piece.length);
  return (piece.rate_begin + slope * ns_of(t) / 2) * ns_of(t) / kNsPerS;
}

double RateProfile::rate_at(base::Duration t) const {
  for (const Piece& piece : pieces_) {
    if (t < piece.begin || (piece.length != kNever && t >= piece.begin + piece.length)) continue;
    if (piece.length == kNever) return piece.rate_begin;
    return piece.rate_begin +
           (piece.rate_end - piece.rate_begin) * (ns_of(t - piece.begin) / ns_of(piece.length));
  }
  return 0;
}

double RateProfile::count_before(base::Duration t) const {
  double count = 0;
  for (const Piece& piece : pieces_) {
    if (t <= piece.begin) break;
    const bool whole = piece.length != kNever && t >= piece.begin + piece.length;
    count = whole ? piece.count_end : piece.count_begin + count_within(piece, t - piece.begin);
  }
  return count;
}

double RateProfile::mean(base::Duration from, base::Duration to) const {
  if (to <= from) return 0;
  return (count_before(to) - count_before(from)) / base::to_seconds(to - from);
}

base::Duration RateProfile::time_of(double count) const {
  for (const Piece& piece : pieces_) {
    if (piece.length != kNever && count >= piece.count_end - kRounding) continue;
    const double within = std::max(count - piece.count_begin, 0.0);
    // within = rate_begin * t + slope / 2 * t^2, solved so that nothing cancels.
    const double slope = piece.length == kNever
                             ? 0
                             : (piece.rate_end - piece.rate_begin) / ns_of(piece.length) * kNsPerS;
    const double root =
        std::sqrt(std::max(piece.rate_begin * piece.rate_begin + 2 * slope * within, 0.0));
    const double divisor = piece.rate_begin + root;
    const double ns = divisor > 0 ? 2 * within / divisor * kNsPerS : 0;
    if (ns > kLongestNs - ns_of(piece.begin)) return kNever;
    return piece.begin + base::Duration(static_cast<int64_t>(std::llround(ns)));
  }
  return kNever;
}

base::Duration RateProfile::length() const {
  if (pieces_.empty()) return {};
  const Piece& last = pieces_.back();
  return last.length == kNever ? kNever : last.begin + last.length;
}

}  // namespace giliran::client
