// Every key of a configuration file as text: for docs/configuration.md and for advice. Other files
// of keys document themselves with the same parts.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/key.h"

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
std::string key_tables(std::span<const KeyRow> rows,
                       const std::function<std::string(const std::string& section)>& heading);

// A row for each key but those that are sections, which have rows of their own.
template <typename T>
void add_rows(std::vector<KeyRow>& rows, std::string_view section, std::span<const Key<T>> keys,
              const T& defaults = {}) {
  for (const Key<T>& key : keys) {
    if (key.write_tables) continue;
    std::string text(key.absent);
    if (text.empty() && key.write) text = key.write(defaults);
    rows.push_back({.section = std::string(section),
                    .name = key.name,
                    .form = key.form,
                    .default_text = std::move(text),
                    .example = key.example,
                    .meaning = key.meaning});
  }
}

}  // namespace giliran::config
