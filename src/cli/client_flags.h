// Flags of `giliran client` in groups: what it asks, and what it expects and writes.
#pragma once

#include <string>
#include <vector>

#include "cli/command.h"
#include "client/options.h"

namespace giliran::cli {

// A target as an argument: the first is the URL of the run. Where the scheme is left out, http://
// is assumed and a warning says so.
base::Result<void> add_target(client::ClientOptions& o, const std::string& text,
                              std::vector<std::string>& warnings);
// A duration; a number alone counts seconds, as load tools have it.
Setter set_time(base::Duration& out);
std::vector<Flag> client_content_flags(client::ClientOptions& o);
std::vector<Flag> client_result_flags(client::ClientOptions& o);

}  // namespace giliran::cli
