#include "config/toml_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <map>

#include "base/parse.h"

namespace giliran::config {

std::string located(std::string_view file, Position at, std::string_view text) {
  if (at.line == 0) return fmt::format("{}: {}", file, text);
  return fmt::format("{}:{}:{}: {}", file, at.line, at.column, text);
}

std::vector<Problem> in_order(const std::vector<Problem>& problems) {
  std::multimap<Position, const Problem*> places;
  for (const Problem& problem : problems) places.emplace(problem.at, &problem);
  std::vector<Problem> ordered;
  for (const auto& [place, problem] : places) ordered.push_back(*problem);
  return ordered;
}

std::unexpected<base::Error> refuse(const std::vector<Problem>& found, std::string_view file) {
  const std::vector<Problem> problems = in_order(found);
  std::string text;
  for (size_t i = 0; i < std::min(problems.size(), kProblemsToldMax); ++i) {
    text += fmt::format(
        "{}{}", i == 0 ? "" : "\n",
        file.empty() ? problems[i].text() : located(file, problems[i].at, problems[i].text()));
  }
  if (problems.size() > kProblemsToldMax) {
    text += fmt::format("\n{}{}and {} more", file, file.empty() ? "" : ": ",
                        problems.size() - kProblemsToldMax);
  }
  return base::fail(std::move(text));
}

namespace {

constexpr std::string_view kStandardInput = "-";

base::Result<std::string> read_at_most(std::istream& in, size_t max) {
  std::string content(max + 1, '\0');
  in.read(content.data(), static_cast<std::streamsize>(content.size()));
  if (in.bad()) return base::fail(fmt::format("cannot be read: {}", std::strerror(errno)));
  content.resize(static_cast<size_t>(in.gcount()));
  if (content.size() > max) {
    return base::fail(fmt::format("is longer than {}", base::format_bytes(max)));
  }
  return content;
}

// For a file that another program's name speaks of.
std::string_view whose(std::string_view file) {
  for (const std::string_view end : {".cfg", ".conf", ".yaml", ".yml", ".json", ".ini"}) {
    if (file.ends_with(end))
      return "; giliran reads TOML (docs/configuration.md), nobody else's files";
  }
  return "";
}

}  // namespace

base::Result<std::string> read_whole(const std::filesystem::path& path, size_t max) {
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in) return base::fail(fmt::format("cannot be read: {}", std::strerror(errno)));
  return read_at_most(in, max);
}

std::string shown_path(const std::string& path) {
  return path == kStandardInput ? "standard input" : path;
}

base::Result<std::string> read_toml_file(const std::string& path) {
  std::error_code error;
  const bool piped = path == kStandardInput;
  if (!piped && std::filesystem::is_directory(path, error)) {
    return base::fail(fmt::format("{}: is a folder, expected a file", path));
  }
  auto text = piped ? read_at_most(std::cin, kTomlBytesMax) : read_whole(path, kTomlBytesMax);
  if (!text) return base::fail(fmt::format("{}: {}", shown_path(path), text.error().message));
  return text;
}

base::Result<Value> parse_toml(std::string_view text, std::string_view file) {
  auto root = read_toml(text);
  if (!root) {
    return base::fail(located(file, root.error().at,
                              fmt::format("not TOML: {}{}", root.error().what, whose(file))));
  }
  return std::move(*root);
}

}  // namespace giliran::config
