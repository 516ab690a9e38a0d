// Mistakes made on purpose, in a build with GILIRAN_CANARY alone (sim/sim_canary.cc): each has to
// be noticed by what the simulation checks. In every other build broken() is false at compile time.
#pragma once

#include <cstdint>

namespace giliran::proxy {

enum class Mistake : uint8_t {
  kNone,
  kSpoilBytes,      // bytes of a response are others
  kLoseBytes,       // of a tunnel
  kReleaseTwice,    // the slot of an endpoint
  kKeepSlot,        // never given back
  kRepeatUnsafe,    // what may have been executed is sent again
  kNoBudget,        // for retries
  kLoseRecord,      // now and then
  kRecordTwice,     // likewise
  kNoQueueTimeout,  // waits as long as it takes
  kLongQueue,       // longer than queue_max
  kNoTotalTimeout
};

#ifdef GILIRAN_CANARY
inline Mistake mistake = Mistake::kNone;
inline bool broken(Mistake which) {
  return which == mistake;
}
#else
constexpr bool broken(Mistake) {
  return false;
}
#endif

}  // namespace giliran::proxy
