// A report for a person: aligned tables, no control characters.
#pragma once

#include <ostream>

#include "report/report.h"

namespace giliran::report {

void print_text(const Report& report, std::ostream& out);
// The conservation part alone.
void print_text(const Conservation& conservation, std::ostream& out);

}  // namespace giliran::report
