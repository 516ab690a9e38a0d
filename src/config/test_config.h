// For tests: what a text comes to, or what is said of it.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "config/coordinator_toml.h"

namespace giliran::config {

inline constexpr std::string_view kTestPolicies[] = {"round-robin", "least-requests", "random"};

inline base::Result<Coordinator> parse_test(std::string_view text,
                                            std::vector<std::string>* warnings = nullptr) {
  const auto read_file = [](const std::string& path, size_t) -> base::Result<std::string> {
    if (path == "sorry.html") return "<p>sorry</p>\n";
    if (path == "latin1.html") return "\xe9";
    return base::fail("there is no such file");
  };
  return parse_coordinator(text, "t.toml",
                           {.check = {.policies = kTestPolicies, .later_pool = {}},
                            .read_file = read_file,
                            .warnings = warnings});
}

inline Coordinator parsed(std::string_view text) {
  auto config = parse_test(text);
  if (config) return *config;
  ADD_FAILURE() << config.error().message << "\n" << text;
  return {};
}

// What is wrong with the text, less "t.toml:".
inline std::vector<std::string> problems_of(std::string_view text) {
  const auto config = parse_test(text);
  std::vector<std::string> lines;
  if (config) return lines;
  std::string_view rest = config.error().message;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    EXPECT_TRUE(line.starts_with("t.toml:")) << line;
    line.remove_prefix(std::min<size_t>(line.size(), 7));
    lines.emplace_back(line);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return lines;
}

}  // namespace giliran::config
