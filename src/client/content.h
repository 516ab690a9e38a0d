// What the requests of a run are, derived from the options: targets, templates, replay.
#pragma once

#include "client/options.h"
#include "client/plan.h"
#include "config/url.h"

namespace giliran::client {

// Fills in protocol, url, targets or line, replay and replay_due; returns whom to connect to. Reads
// the files that are named. An error says which flag to mend.
base::Result<config::Url> plan_content(const ClientOptions& options, Plan& plan);

}  // namespace giliran::client
