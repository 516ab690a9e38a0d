// A histogram of nanoseconds as docs/formats/client_json.md writes it, there and back.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "base/error.h"
#include "base/histogram.h"

namespace giliran::report {

nlohmann::ordered_json to_json(const base::Histogram& nanoseconds, bool buckets);

// Exactly the histogram that was written, from its buckets: as many digits as they show, `digits`
// where they would do (few small values do not tell). `where` names it in errors.
base::Result<base::Histogram> parse_histogram(const nlohmann::ordered_json& json, int digits,
                                              const std::string& where);

}  // namespace giliran::report
