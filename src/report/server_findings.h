// What stands out about servers.
#pragma once

#include <vector>

#include "report/report.h"

namespace giliran::report {

// Seen from one tier for each kind of record, so that a server that several tiers saw fail is one
// finding: from the coordinator where its log is there, else from the client, else from the servers
// themselves. Clients are heard beside the coordinator on what it cannot know: that nobody could
// connect to it.
void about_servers(const Report& report, std::vector<Finding>& out);

// The section from which the kind is seen; null where there is none.
const Section* seen_from(const Report& report, telemetry::Kind kind);

}  // namespace giliran::report
