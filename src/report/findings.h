// What stands out in a report, as sentences for a person.
#pragma once

#include <string>
#include <vector>

#include "report/report.h"

namespace giliran::report {

// The most important first. Looks at everything in `report` but its findings.
std::vector<std::string> findings(const Report& report);

// "client exchanges": what a section is about.
std::string title(telemetry::Tier tier, telemetry::Kind kind);

}  // namespace giliran::report
