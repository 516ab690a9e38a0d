#include "lab/folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>

#include "lab/commands.h"

namespace giliran::lab {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr int kFoldersMax = 1000;
constexpr std::string_view kFormat = "giliran-lab/";

std::string mark_of(const std::string& folder) {
  return folder + "/result.json";
}

base::Error failed(const std::string& path, int code) {
  return {.message = fmt::format("{}: {}", path, std::strerror(code)), .code = code};
}

std::string read_all(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

bool plain_name(std::string_view name) {
  return !name.empty() &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

// Names of what an earlier lab planned.
struct Earlier {
  std::vector<std::string> runs;
  std::vector<std::string> servers;
};

std::vector<std::string> names_in(const Json& object, const char* key) {
  std::vector<std::string> names;
  if (!object.contains(key) || !object[key].is_array()) return names;
  for (const Json& name : object[key]) {
    if (name.is_string() && plain_name(name.get_ref<const std::string&>())) names.push_back(name);
  }
  return names;
}

// An error where the mark is not a lab's.
base::Result<Earlier> earlier_lab(const std::string& folder) {
  const Json mark = Json::parse(read_all(mark_of(folder)), nullptr, false);
  const bool ours = mark.is_object() && mark.contains("format") && mark["format"].is_string() &&
                    mark["format"].get_ref<const std::string&>().starts_with(kFormat);
  if (!ours) return base::fail(folder + " has a result.json that is not of a lab");
  Earlier earlier{.runs = names_in(mark, "planned"), .servers = names_in(mark, "server_names")};
  return earlier;
}

// Removes files by the names we give them, so that whatever else a user put there stays.
void remove_run(const std::string& folder, const std::vector<std::string>& servers) {
  std::error_code ignored;
  for (const std::string& path :
       {coordinator_log(folder), client_log(folder), client_json(folder), folder + "/commands.txt",
        folder + "/stderr.txt", report_file(folder), coordinator_file(folder)}) {
    fs::remove(path, ignored);
  }
  for (const std::string& server : servers) {
    fs::remove(server_log(folder, server), ignored);
    fs::remove(server_file(folder, server), ignored);
  }
  fs::remove(folder, ignored);  // only where it is empty
}

base::Result<void> write_file(int fd, const std::string& path, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return std::unexpected(failed(path, errno));
    text.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

std::string unfinished(const Scenario& scenario) {
  Json object = {{"format", "giliran-lab/2"}, {"finished", false}, {"planned", Json::array()}};
  for (const RunPlan& run : scenario.runs) object["planned"].push_back(run.name);
  object["server_names"] = server_names(scenario);
  return object.dump(1) + "\n";
}

}  // namespace

std::vector<std::string> server_names(const Scenario& scenario) {
  std::set<std::string> names;
  for (const RunPlan& run : scenario.runs) {
    for (const ServerPlan& server : run.servers) names.insert(server.name);
  }
  return {names.begin(), names.end()};
}

// The lock is the kernel's and ends with this process, however it ends.
base::Result<Folder> Folder::try_take(const std::string& path, bool only_new) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return std::unexpected(failed(path, error.value()));
  const bool empty = fs::is_empty(path, error);
  if (error) return std::unexpected(failed(path, error.value()));
  const bool marked = fs::exists(mark_of(path), error);
  if (!empty && !marked) {
    return base::fail(fmt::format("{} is not empty and was not written by a lab", path), EEXIST);
  }
  if (marked && only_new) return base::fail(path + " has the result of a lab", EEXIST);
  net::Descriptor mark(::open(mark_of(path).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  if (!mark) return std::unexpected(failed(mark_of(path), errno));
  if (::flock(mark.get(), LOCK_EX | LOCK_NB) != 0) {
    return base::fail(fmt::format("{} is in use by another lab", path), EEXIST);
  }
  if (marked) {
    const auto earlier = earlier_lab(path);
    if (!earlier) return base::fail(earlier.error().message, EEXIST);
    for (const std::string& run : earlier->runs) remove_run(path + "/" + run, earlier->servers);
    for (const char* const name : {"summary.txt", "report.html", "scenario.toml"}) {
      fs::remove(path + "/" + name, error);
    }
  }
  return Folder(path, std::move(mark));
}

base::Result<Folder> Folder::take(const std::string& named, const Scenario& scenario,
                                  const Unnamed& unnamed) {
  for (int i = unnamed.only_new ? 2 : 1; i <= kFoldersMax; ++i) {
    const std::string path = !named.empty() ? named
                             : i == 1       ? unnamed.name
                                            : fmt::format("{}-{}", unnamed.name, i);
    auto folder = try_take(path, named.empty() && unnamed.only_new);
    if (!folder && (!named.empty() || folder.error().code != EEXIST)) {
      folder.error().message += "; name another folder with --out";
      return folder;
    }
    if (!folder) continue;
    GILIRAN_TRY_VOID(folder->write_result(unfinished(scenario)));
    return folder;
  }
  return base::fail(fmt::format("{}-2 to {}-{} are all taken; name a folder with --out",
                                unnamed.name, unnamed.name, kFoldersMax));
}

base::Result<std::string> Folder::make_run(const RunPlan& plan) const {
  std::string path = path_ + "/" + plan.name;
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return std::unexpected(failed(path, error.value()));
  return path;
}

base::Result<void> Folder::write_result(std::string_view json) const {
  const std::string path = mark_of(path_);
  if (::ftruncate(mark_.get(), 0) != 0 || ::lseek(mark_.get(), 0, SEEK_SET) < 0) {
    return std::unexpected(failed(path, errno));
  }
  return write_file(mark_.get(), path, json);
}

base::Result<void> Folder::write(const std::string& name, std::string_view text) const {
  const std::string path = path_ + "/" + name;
  const net::Descriptor fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (!fd) return std::unexpected(failed(path, errno));
  return write_file(fd.get(), path, text);
}

void Folder::remove_logs(const RunPlan& plan) const {
  std::error_code ignored;
  for (const std::string& path : logs_of(plan, path_ + "/" + plan.name)) fs::remove(path, ignored);
}

base::Result<void> replace_file(const std::string& path, std::string_view text) {
  const std::string beside = path + ".new";
  {
    const net::Descriptor fd(
        ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
    if (!fd) return std::unexpected(failed(beside, errno));
    GILIRAN_TRY_VOID(write_file(fd.get(), beside, text));
  }
  if (std::rename(beside.c_str(), path.c_str()) != 0) return std::unexpected(failed(path, errno));
  return {};
}

}  // namespace giliran::lab
