// Which tier limits a rate: what grew between a light load and the rate that fails. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace giliran::client {

// Mean times of the answers of a step, in us.
struct TierTimesOfStep {
  double answered = 0;
  double lag = 0;      // the generator was late
  double wait = 0;     // all connections were busy, or being opened
  double service = 0;  // actual send -> last byte
  // By the names of Server-Timing; gl-queue, gl-connect and gl-wait are the coordinator's.
  std::map<std::string, double> tiers{};

  // Weighted by the answers; a name that one of them lacks is 0 there.
  void add(const TierTimesOfStep& other);
};

enum class LimitingTier : unsigned char {
  kUnknown,
  kServer,
  kCoordinator,
  kPath,         // between client and server: nobody told more
  kConnections,  // of the client: too few
  kClient
};
std::string_view name(LimitingTier tier);

struct TimePart {
  LimitingTier tier{};
  std::string what;  // "queue", "connect", "before its clock starts"
  double before_us = 0;
  double fails_us = 0;

  double growth() const { return fails_us - before_us; }
};

struct Bottleneck {
  LimitingTier tier = LimitingTier::kUnknown;
  std::string text{};             // one sentence
  std::vector<TimePart> parts{};  // those that add up to the response time, in order of the way
};

// The part of the service time that grew most names the tier, where it grew by a fifth of what the
// service time was before, and by 50 us. Where nothing inside did but requests waited for a
// connection, there were too few. A server's own names are its tier; what the coordinator waited
// for it beyond them, too: it is the time before the server's clock starts. What is in nobody's
// account is the coordinator's where it tells its phases, and the path's where it does not.
// `before` without answers: what is largest in `fails`.
Bottleneck find_bottleneck(const TierTimesOfStep& before, const TierTimesOfStep& fails);

}  // namespace giliran::client
