// `giliran compare A.json B.json` and `giliran compare --merge A.json B.json...`
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "report/compare.h"

namespace giliran::report {

struct CompareRun {
  std::vector<std::string> a;  // of repeated runs; with --merge: all
  std::vector<std::string> b{};
  bool merge = false;
  CompareOptions options{};
  std::string json_path{};  // --json PATH, "-": standard output
  std::string html_path{};  // --html PATH, "-": standard output
};

// Reads, compares or merges, and prints. Exit status: 0; 1 where an output cannot be written; 2
// where a file is no result; 3 where B is worse in a row or more.
int run_compare(const CompareRun& run, std::ostream& out, std::ostream& err);

}  // namespace giliran::report
