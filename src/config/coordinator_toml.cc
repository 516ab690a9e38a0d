#include "config/coordinator_toml.h"

#include <fmt/format.h>

#include <filesystem>

#include "config/keys.h"
#include "config/toml_file.h"

namespace giliran::config {
namespace {

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
  const Value root = GILIRAN_TRY(parse_toml(text, file_name));
  Coordinator config;
  Reader reader(options.read_file);
  reader.of_coordinator = true;
  read_table(root, file_keys(), config, reader);
  cross_check(config, &root, options.check, reader);
  if (!reader.problems.empty()) return refuse(reader.problems, file_name);
  if (options.warnings == nullptr) return config;
  for (const Problem& problem : in_order(reader.warnings)) {
    options.warnings->push_back(located(file_name, problem.at, "warning: " + problem.text()));
  }
  return config;
}

Reader::ReadFile files_of(std::filesystem::path folder) {
  return [folder = std::move(folder)](const std::string& name, size_t max) {
    return read_regular(folder / name, max);
  };
}

base::Result<Coordinator> load_coordinator(const std::string& path, const CrossCheck& check,
                                           std::vector<std::string>* warnings) {
  const std::string text = GILIRAN_TRY(read_toml_file(path));
  return parse_coordinator(text, path,
                           {.check = check,
                            .read_file = files_of(std::filesystem::path(path).parent_path()),
                            .warnings = warnings});
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
