// One key of a section of the configuration file: the single description from which files are read,
// the effective configuration is printed, flags are made and the documentation is written.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/reader.h"
#include "config/toml_text.h"

namespace giliran::config {

template <typename T>
struct Key {
  std::string_view name;
  std::string_view form;     // what kind of value, for people: "time", "bytes"
  std::string_view example;  // as TOML
  std::string_view meaning;
  std::function<void(const Value&, T&, Reader&)> read;
  // As an inline TOML value; empty where there is nothing to say.
  std::function<std::string(const T&)> write{};
  // Instead of `write`: whole tables, with headers that begin with `path`.
  std::function<void(const T&, const std::string& path, std::string& out)> write_tables{};
  std::string_view absent{};  // what holds without the key, where write() of a default is not it
  std::string_view also{};    // a second spelling
  bool required = false;
};

template <typename T>
const Key<T>* find_key(std::span<const Key<T>> keys, std::string_view name) {
  for (const Key<T>& key : keys) {
    if (key.name == name || (!key.also.empty() && key.also == name)) return &key;
  }
  return nullptr;
}

template <typename T>
void read_table(const Value& table, std::span<const Key<T>> keys, T& out, Reader& reader) {
  if (table.kind != Value::Kind::kTable) return reader.bad(table, "expected a table");
  std::vector<const Key<T>*> seen;
  for (const Value& member : table.children) {
    const Key<T>* key = find_key(keys, member.key);
    if (key == nullptr) {
      std::vector<std::string_view> names;
      for (const Key<T>& each : keys) names.push_back(each.name);
      reader.unknown(member, names);
      continue;
    }
    const Reader::Inside inside(reader, key->name);
    for (const Key<T>* other : seen) {
      if (other == key)
        reader.error(member.key_at, fmt::format("'{}' is another spelling of it; "
                                                "give one of them",
                                                key->also));
    }
    seen.push_back(key);
    key->read(member, out, reader);
  }
  for (const Key<T>& key : keys) {
    const bool there = std::ranges::find(seen, &key) != seen.end();
    if (!key.required || there) continue;
    const Reader::Inside inside(reader, key.name);
    reader.error(table.at, fmt::format("is missing, such as {} = {}", key.name, key.example));
  }
}

// "name = value" lines, then the tables.
template <typename T>
void write_table(const T& from, std::span<const Key<T>> keys, const std::string& path,
                 std::string& out) {
  for (const Key<T>& key : keys) {
    const std::string text = key.write ? key.write(from) : std::string();
    if (!text.empty()) out += fmt::format("{} = {}\n", key.name, text);
  }
  for (const Key<T>& key : keys) {
    if (!key.write_tables) continue;
    key.write_tables(from, fmt::format("{}{}{}", path, path.empty() ? "" : ".", key.name), out);
  }
}

// "{ a = 1, b = 2 }"
template <typename T>
std::string write_inline(const T& from, std::span<const Key<T>> keys) {
  std::string text;
  for (const Key<T>& key : keys) {
    const std::string value = key.write ? key.write(from) : std::string();
    if (!value.empty()) text += fmt::format("{}{} = {}", text.empty() ? "" : ", ", key.name, value);
  }
  return text.empty() ? "{}" : "{ " + text + " }";
}

// A key of a part, as a key of the whole.
template <typename Whole, typename Part>
Key<Whole> lift(const Key<Part>& key, Part Whole::* part) {
  return {.name = key.name,
          .form = key.form,
          .example = key.example,
          .meaning = key.meaning,
          .read = [read = key.read, part](const Value& value, Whole& out,
                                          Reader& reader) { read(value, out.*part, reader); },
          .write = [write = key.write, part](const Whole& from) { return write(from.*part); },
          .absent = key.absent,
          .also = key.also,
          .required = key.required};
}

}  // namespace giliran::config
