// What the data plane goes by: time-outs and limits, as configured.
#pragma once

#include "config/coordinator.h"
#include "health/backoff.h"
#include "wire/http1/head.h"

namespace giliran::proxy {

// When a direction of a flow is spliced: after so many receives in a row that brought so much,
// until a splice brings little. CPU of messages that are spliced, relative to received and sent
// (loopback, asked for one by one, medians of 4 pairs): 1 KiB 1.10, 2 KiB 1.09, 4 KiB 1.01, 8 KiB
// 0.95, 16 KiB 0.94, 32 KiB 0.82, 64 KiB 0.71, 128 KiB 0.58, 256 KiB 0.56, 1 MiB 0.54.
struct SpliceRule {
  uint8_t receives = 3;
  uint32_t from_bytes = 16384;
  uint32_t down_to_bytes = 8192;
};

struct Options : config::Timeouts, config::Limits {
  health::BackoffOptions backoff;
  SpliceRule splice;

  static Options of(const config::Coordinator& config) {
    Options options;
    static_cast<config::Timeouts&>(options) = config.timeouts;
    static_cast<config::Limits&>(options) = config.limits;
    options.backoff.first = config.backoff_first;
    options.backoff.max = config.backoff_max;
    return options;
  }
  wire::http1::HeadLimits head_limits() const {
    return {.head_bytes_max = head_bytes_max,
            .target_bytes_max = target_bytes_max,
            .fields_max = fields_max};
  }
};

}  // namespace giliran::proxy
