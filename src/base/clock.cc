#include "base/clock.h"

#include <ctime>

namespace giliran::base {
namespace {

int64_t read_ns(clockid_t id) {
  timespec ts{};
  clock_gettime(id, &ts);
  return static_cast<int64_t>(ts.tv_sec) * 1'000'000'000 + ts.tv_nsec;
}

}  // namespace

Instant SystemClock::now() {
  return Instant(Duration(read_ns(CLOCK_MONOTONIC)));
}
WallTime SystemClock::wall() {
  return WallTime{read_ns(CLOCK_REALTIME)};
}

Duration process_cpu_time() {
  return Duration(read_ns(CLOCK_PROCESS_CPUTIME_ID));
}
Duration thread_cpu_time() {
  return Duration(read_ns(CLOCK_THREAD_CPUTIME_ID));
}

void sleep_blocking(Duration d) {
  if (d.count() <= 0) return;
  timespec left{.tv_sec = d.count() / 1'000'000'000, .tv_nsec = d.count() % 1'000'000'000};
  while (nanosleep(&left, &left) != 0) {
  }
}

}  // namespace giliran::base
