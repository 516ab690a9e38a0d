// For tests: pages of docs/ that must say what the tables of keys say.
#pragma once

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace giliran::config {

// The text of docs/NAME; `here` is a file in a folder of src.
inline std::string documentation(const char* here, const std::string& name) {
  const auto docs = std::filesystem::path(here).parent_path() / "../../docs";
  std::ostringstream text;
  text << std::ifstream(docs / name).rdbuf();
  return text.str();
}

// What stands between the marks around tables that `command` prints; empty where a mark is gone.
inline std::string tables_in(const std::string& page, std::string_view command) {
  const std::string begin =
      "<!-- from `" + std::string(command) + "`; a test compares them -->\n\n";
  const size_t from = page.find(begin);
  const size_t to = page.find("\n<!-- end of keys -->");
  if (from == std::string::npos || to == std::string::npos) return {};
  return page.substr(from + begin.size(), to - from - begin.size());
}

inline std::vector<std::string> toml_examples(const std::string& page) {
  constexpr std::string_view kBegin = "```toml\n";
  std::vector<std::string> examples;
  for (size_t at = page.find(kBegin); at != std::string::npos; at = page.find(kBegin, at)) {
    at += kBegin.size();
    examples.push_back(page.substr(at, page.find("```", at) - at));
  }
  return examples;
}

}  // namespace giliran::config
