// What a result was measured on.
#pragma once

#include <string>

namespace giliran::report {

struct Machine {
  unsigned cores = 0;  // that this process may use
  std::string os;      // "Linux 6.1.0-37-amd64 x86_64"; empty where unknown
  std::string cpu;     // "AMD EPYC 7763 64-Core Processor"; empty where unknown
};

// Of this process. Reads /proc/cpuinfo.
Machine this_machine();

}  // namespace giliran::report
