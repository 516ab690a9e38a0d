// A report as JSON: docs/formats/report.md.
#pragma once

#include <nlohmann/json.hpp>

#include "report/report.h"

namespace giliran::report {

nlohmann::ordered_json to_json(const Report& report);
nlohmann::ordered_json to_json(const Conservation& conservation);
nlohmann::ordered_json to_json(const Quantiles& quantiles);

}  // namespace giliran::report
