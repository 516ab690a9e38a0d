// What stands out of what no server did.
#pragma once

#include <vector>

#include "report/report.h"

namespace giliran::report {

// Refused by the coordinator, given up by clients, cut. `servers_weight`: of the likeliest cause
// among the servers (server_findings.h); what follows from it weighs less.
void about_other_failures(const Section& s, double servers_weight, std::vector<Finding>& out);

// Failures at the clients beyond what the coordinator knows to have failed: on the way, or because
// they did not wait.
void about_clients(const Report& report, const Section& client, std::vector<Finding>& out);

// Attempts of formats that do not say where they failed.
void about_retries(const Section& s, std::vector<Finding>& out);

}  // namespace giliran::report
