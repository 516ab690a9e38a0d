#include "config/reader.h"

#include <fmt/format.h>

#include "base/parse.h"
#include "config/key_rows.h"
#include "config/neighbours.h"
#include "config/toml_text.h"

namespace giliran::config {
namespace {

// Another section that has a key of this name: "[timeouts]".
std::string coordinator_section_with(std::string_view name) {
  for (const KeyRow& row : key_rows()) {
    if (row.name == name) return row.section;
  }
  return "";
}

std::string join(std::span<const std::string_view> names) {
  std::string text;
  for (const std::string_view name : names) {
    text += fmt::format("{}{}", text.empty() ? "" : ", ", name);
  }
  return text;
}

// The one of `known` that begins with the name: "idle_timeout" for "idle". Empty: none, or several.
std::string_view only_longer(std::string_view name, std::span<const std::string_view> known) {
  std::string_view found;
  for (const std::string_view each : known) {
    if (name.empty() || !each.starts_with(fmt::format("{}_", name))) continue;
    if (!found.empty()) return {};
    found = each;
  }
  return found;
}

std::string section_with(const Reader& reader, std::string_view name) {
  if (reader.of_coordinator) return coordinator_section_with(name);
  return reader.section_with ? reader.section_with(name) : std::string();
}

std::string advice(const Reader& reader, std::string_view name,
                   std::span<const std::string_view> known) {
  if (reader.of_coordinator) {
    const std::string_view word = advice_on_key(reader.path(), name);
    if (!word.empty()) return std::string(word);
  }
  std::string_view near = base::nearest(name, known);
  if (near.empty()) near = only_longer(name, known);
  if (!near.empty()) return fmt::format("did you mean '{}'?", near);
  const std::string section = section_with(reader, name);
  if (!section.empty()) return fmt::format("it belongs into {}", section);
  return fmt::format("known here: {}", join(known));
}

}  // namespace

std::string Problem::text() const {
  std::string out;
  if (!key.empty()) out += fmt::format("key '{}': ", key);
  if (value) out += fmt::format("bad value '{}': ", *value);
  return out + what;
}

Reader::Inside::Inside(Reader& reader, std::string_view key)
    : reader_(reader), before_(reader.path_.size()) {
  if (before_ != 0) reader.path_ += '.';
  reader.path_ += key;
}

void Reader::bad(const Value& value, std::string expected) {
  problems.push_back(
      {.at = value.at, .key = path_, .value = value.shown(), .what = std::move(expected)});
}

void Reader::error(Position at, std::string what) {
  problems.push_back({.at = at, .key = path_, .what = std::move(what)});
}

void Reader::warn(Position at, std::string what) {
  warnings.push_back({.at = at, .key = path_, .what = std::move(what)});
}

void Reader::unknown(const Value& member, std::span<const std::string_view> known) {
  const std::string name = text_value(member.key).shown();
  const bool is_list = path_ == "pool" || path_ == "listener";
  std::string instead = advice(*this, member.key, known);
  if (of_coordinator && is_list && member.kind == Value::Kind::kTable) {
    instead =
        fmt::format("each has a [[{}]] of its own, with name = {}", path_, quoted(member.key));
  }
  problems.push_back({.at = member.key_at,
                      .what = fmt::format("unknown key '{}{}{}'; {}", path_,
                                          path_.empty() ? "" : ".", name, instead)});
}

std::optional<std::string> Reader::read_file(const Value& path, size_t max) {
  if (!read_file_) {
    bad(path, "files are not read here");
    return std::nullopt;
  }
  auto content = read_file_(path.text, max);
  if (content) return std::move(*content);
  bad(path, content.error().message);
  return std::nullopt;
}

}  // namespace giliran::config
