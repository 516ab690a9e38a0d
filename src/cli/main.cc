#include <fmt/format.h>

#include <iostream>
#include <string>
#include <vector>

#include "base/printable.h"
#include "cli/parse.h"

namespace giliran::cli {
namespace {

struct Run {
  int operator()(const Text& text) const {
    fmt::print("{}", text.text);
    return 0;
  }
  int operator()(const control::CoordinatorOptions& options) const {
    return control::run_coordinator(options);
  }
  int operator()(const server::ServerOptions& options) const { return server::run_server(options); }
  int operator()(const client::ClientOptions& options) const { return client::run_client(options); }
  int operator()(const report::ReportOptions& options) const {
    return report::run_report(options, std::cout, std::cerr);
  }
  int operator()(const report::CompareRun& run) const {
    return report::run_compare(run, std::cout, std::cerr);
  }
  int operator()(const CheckOptions& options) const {
    return run_check(options, std::cout, std::cerr);
  }
  int operator()(const lab::LabOptions& options) const { return lab::run_lab(options); }
};

int main_of(const std::vector<std::string>& args) {
  const auto parsed = parse(args);
  if (!parsed) {
    fmt::print(stderr, "{}\n", base::printable_lines(parsed.error().message));
    return 2;
  }
  for (const std::string& warning : parsed->warnings) {
    fmt::print(stderr, "{}\n", base::printable_lines(warning));
  }
  return std::visit(Run{}, parsed->what);
}

}  // namespace
}  // namespace giliran::cli

int main(int argc, char** argv) {
  return giliran::cli::main_of(std::vector<std::string>(argv + 1, argv + argc));
}
