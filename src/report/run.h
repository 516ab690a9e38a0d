// `giliran report LOG...`
#pragma once

#include <ostream>
#include <string>
#include <vector>

namespace giliran::report {

struct ReportOptions {
  std::vector<std::string> paths;  // our logs of any tiers, in any order; "-": standard input
  bool json = false;
  size_t slowest = 10;
  bool complete = false;  // logs of every process are given (ConservationOptions::complete)
};

// Reads, analyses and prints. Exit status: 0; 1 where the logs do not account for everything, hold
// no record or failed while being read; 2 where a log cannot be opened or none is given.
int run_report(const ReportOptions& options, std::ostream& out, std::ostream& err);

}  // namespace giliran::report
