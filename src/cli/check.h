// giliran check: what a file of a coordinator, a server or the lab comes to, without starting
// anything.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>

namespace giliran::cli {

enum class CheckWhat : uint8_t {
  kCheck,        // is it good
  kPrint,        // the effective configuration too
  kKeys,         // every key there is, as the tables of docs/configuration.md; no file
  kScenarioKeys  // the same of docs/scenarios.md
};

struct CheckOptions {
  std::string file;  // -: standard input
  CheckWhat what = CheckWhat::kCheck;
};

// The exit status: 0 good, 2 not. Resolves and opens nothing but the file and those it names.
int run_check(const CheckOptions& options, std::ostream& out, std::ostream& err);

}  // namespace giliran::cli
