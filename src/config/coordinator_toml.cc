#include "config/coordinator_toml.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>

#include "base/parse.h"
#include "config/keys.h"

namespace giliran::config {
namespace {

std::string located(std::string_view file, Position at, std::string_view text) {
  if (at.line == 0) return fmt::format("{}: {}", file, text);
  return fmt::format("{}:{}:{}: {}", file, at.line, at.column, text);
}

// In the order of the text, those of one place in the order they were found.
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

// At most `max` bytes of a file; the message of an error does not name it.
base::Result<std::string> read_whole(const std::filesystem::path& path, size_t max) {
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in) return base::fail(fmt::format("cannot be read: {}", std::strerror(errno)));
  std::string content(max + 1, '\0');
  in.read(content.data(), static_cast<std::streamsize>(content.size()));
  if (in.bad()) return base::fail(fmt::format("cannot be read: {}", std::strerror(errno)));
  content.resize(static_cast<size_t>(in.gcount()));
  if (content.size() > max) {
    return base::fail(fmt::format("is longer than {}", base::format_bytes(max)));
  }
  return content;
}

// A pipe or a device would make a reload wait, or read something else the second time.
base::Result<std::string> read_regular(const std::filesystem::path& path, size_t max) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) return base::fail("there is no such file");
  if (!std::filesystem::is_regular_file(status)) return base::fail("is no regular file");
  return read_whole(path, max);
}

}  // namespace

base::Result<Coordinator> parse_coordinator(std::string_view text, std::string_view file_name,
                                            const ParseOptions& options) {
  const auto root = read_toml(text);
  if (!root) {
    return base::fail(located(file_name, root.error().at, "not TOML: " + root.error().what));
  }
  Coordinator config;
  Reader reader(options.read_file);
  read_table(*root, file_keys(), config, reader);
  cross_check(config, &*root, options.check, reader);
  if (!reader.problems.empty()) return refuse(reader.problems, file_name);
  if (options.warnings == nullptr) return config;
  for (const Problem& problem : in_order(reader.warnings)) {
    options.warnings->push_back(located(file_name, problem.at, "warning: " + problem.text()));
  }
  return config;
}

base::Result<Coordinator> load_coordinator(const std::string& path, const CrossCheck& check,
                                           std::vector<std::string>* warnings) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    return base::fail(fmt::format("{}: is a folder, expected a file", path));
  }
  const auto text = read_whole(path, kTomlBytesMax);
  if (!text) return base::fail(fmt::format("{}: {}", path, text.error().message));
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  const auto read_file = [&folder](const std::string& name, size_t max) {
    return read_regular(folder / name, max);
  };
  return parse_coordinator(*text, path,
                           {.check = check, .read_file = read_file, .warnings = warnings});
}

base::Result<void> complete(const Coordinator& config, const CrossCheck& check) {
  Reader reader;
  if (config.listeners.empty()) {
    reader.error({},
                 "no address to listen on: give --listen HOST:PORT, such as --listen "
                 "127.0.0.1:8080, or [[listener]] in a file");
  }
  cross_check(config, nullptr, check, reader);
  if (!reader.problems.empty()) return refuse(reader.problems, "");
  return {};
}

std::string print_coordinator(const Coordinator& config) {
  std::string text;
  write_table(config, file_keys(), "", text);
  return text;
}

}  // namespace giliran::config
