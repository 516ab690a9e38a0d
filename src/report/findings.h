// What stands out in a report, as sentences for a person.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "report/report.h"

namespace giliran::report {

// The likeliest cause first, remarks last. Looks at everything in `report` but its findings and its
// answer.
std::vector<Finding> findings(const Report& report);

// How it went for those who asked, and the first finding that is more than a remark, in a sentence
// each. Looks at the findings, too.
std::string answer(const Report& report);

// "client exchanges": what a section is about.
std::string title(telemetry::Tier tier, telemetry::Kind kind);
// "1 client exchange".
std::string counted(uint64_t count, telemetry::Tier tier, telemetry::Kind kind);

}  // namespace giliran::report
