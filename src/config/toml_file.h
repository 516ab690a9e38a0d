// A TOML file of keys, read whole: what coordinator, server and scenario files share. A problem is
// told with file, line, column, the bad value and what was expected.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "config/key.h"
#include "config/reader.h"

namespace giliran::config {

constexpr size_t kProblemsToldMax = 20;

// "FILE:LINE:COLUMN: text"
std::string located(std::string_view file, Position at, std::string_view text);

// In the order of the text, those of one place in the order they were found.
std::vector<Problem> in_order(const std::vector<Problem>& problems);

// A line for each problem, the first kProblemsToldMax of them; without a file, what is wrong alone.
std::unexpected<base::Error> refuse(const std::vector<Problem>& problems, std::string_view file);

// At most `max` bytes of a file; the message of an error does not name it.
base::Result<std::string> read_whole(const std::filesystem::path& path, size_t max);

// The text of a TOML file; an error names it. "-": standard input, which can be read once.
base::Result<std::string> read_toml_file(const std::string& path);
// What messages call the file.
std::string shown_path(const std::string& path);

// The tree of `text`, or where it is not TOML.
base::Result<Value> parse_toml(std::string_view text, std::string_view file);

// `text` as a T. `file` is for messages.
template <typename T>
base::Result<T> parse_toml_as(std::string_view text, std::string_view file,
                              std::span<const Key<T>> keys) {
  const Value root = GILIRAN_TRY(parse_toml(text, file));
  T read{};
  Reader reader;
  read_table(root, keys, read, reader);
  if (!reader.problems.empty()) return refuse(reader.problems, file);
  return read;
}

}  // namespace giliran::config
