// What a worker's records say while it runs, for whoever looks on: counted on the way to the log.
#pragma once

#include <cstdint>

#include "base/histogram.h"
#include "telemetry/record.h"

namespace giliran::control {

// Of records since the look before.
struct Seen {
  uint64_t records = 0;
  uint64_t errors = 0;  // did not end well, or were answered 5xx
  base::Histogram total{base::Histogram::Options{.digits = 2}};  // nanoseconds, of all of them

  void add(const Seen& other);
};

// Stands before a worker's sink where somebody looks on, and only there. That worker's thread only.
class Meter final : public telemetry::RecordSink {
 public:
  explicit Meter(telemetry::RecordSink& next) : next_(next) {}

  void write(const telemetry::Record& record) override;
  // What was seen since the last call.
  Seen take();

 private:
  telemetry::RecordSink& next_;
  Seen seen_;
};

}  // namespace giliran::control
