// What the data plane goes by: time-outs and limits, as configured.
#pragma once

#include "config/coordinator.h"
#include "health/backoff.h"
#include "wire/http1/head.h"

namespace giliran::proxy {

struct Options : config::Timeouts, config::Limits {
  health::BackoffOptions backoff;

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
