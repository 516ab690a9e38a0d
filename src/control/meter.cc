#include "control/meter.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "report/fault.h"

namespace giliran::control {
namespace {

bool is_error(const telemetry::Record& record) {
  return record.end != telemetry::End::kOk || report::is_5xx(record.status);
}

}  // namespace

void Seen::add(const Seen& other) {
  records += other.records;
  errors += other.errors;
  GILIRAN_ASSERT(total.add(other.total).has_value());
}

void Meter::write(const telemetry::Record& record) {
  ++seen_.records;
  if (is_error(record)) ++seen_.errors;
  seen_.total.record(static_cast<uint64_t>(std::max<int64_t>(record.total.count(), 0)));
  next_.write(record);
}

Seen Meter::take() {
  return std::exchange(seen_, Seen{});
}

}  // namespace giliran::control
