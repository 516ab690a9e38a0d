// Every key of a configuration file as text: for docs/configuration.md and for advice.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace giliran::config {

struct KeyRow {
  std::string section;  // "[timeouts]", "[[listener]]"; empty: the top of the file
  std::string_view name;
  std::string_view form;     // "time", "bytes", "list of texts"
  std::string default_text;  // as TOML, or in words
  std::string_view example;  // as TOML
  std::string_view meaning;
};

// In the order of the documentation.
const std::vector<KeyRow>& key_rows();

// The rows as Markdown: a table for each section.
std::string key_tables();

}  // namespace giliran::config
