// The configuration file of a coordinator: TOML to config::Coordinator and back.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "config/coordinator.h"
#include "config/cross_check.h"
#include "config/toml_file.h"

namespace giliran::config {

struct ParseOptions {
  CrossCheck check{};
  // Gives the content of `file` keys, by the path as written; by default they are problems.
  Reader::ReadFile read_file{};
  // Gets what is legal and probably not meant, a line each: "FILE:LINE:COLUMN: warning: ...". Only
  // where nothing is wrong: a pool may look unused because its name is misspelt elsewhere.
  std::vector<std::string>* warnings = nullptr;
};

// An error is one line, "FILE:LINE:COLUMN: key 'x': bad value 'y': expected ...", for each problem
// there is, in the order of the text (at most kProblemsToldMax, then how many more). A file without
// listeners passes: flags may bring them, and complete() looks at the whole.
base::Result<Coordinator> parse_coordinator(std::string_view text, std::string_view file_name,
                                            const ParseOptions& options = {});

// What the `file` keys of a file in `folder` name, read from there.
Reader::ReadFile files_of(std::filesystem::path folder);

// Reads the file and what its `file` keys name, relative to its folder.
base::Result<Coordinator> load_coordinator(const std::string& path, const CrossCheck& check = {},
                                           std::vector<std::string>* warnings = nullptr);

// Flags and file together: nothing is missing and everything fits. An error has a line for each
// problem, without positions.
base::Result<void> complete(const Coordinator& config, const CrossCheck& check = {});

// The effective configuration, defaults included, as a file that parses to an equal one.
std::string print_coordinator(const Coordinator& config);

}  // namespace giliran::config
