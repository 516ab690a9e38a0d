// Faults of servers in words.
#pragma once

#include <cstdint>
#include <string>

#include "report/fault.h"

namespace giliran::report {

// "refused connections": what stands behind the name of a server.
std::string did(Fault fault);

// How often of how many attempts, when, and what became of the requests.
std::string detail_text(const FaultRow& fault, uint64_t attempts);

}  // namespace giliran::report
