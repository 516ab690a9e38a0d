// What a request can ask: the targets of a run, from the command line and from a file.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "client/template.h"
#include "config/url.h"

namespace giliran::client {

struct HeaderTemplate {
  std::string name;
  Template value;
};

struct Target {
  std::string method = "GET";
  std::string url;     // as it was written, for plans
  std::string host{};  // of the Host header, as it was written
  Template path{};     // origin form: path and query
  std::vector<HeaderTemplate> headers{};
  Template body{};
  uint32_t weight = 1;
};

constexpr uint32_t kTargetWeightMax = 1'000'000;
constexpr size_t kTargetsMax = 100'000;

// A target as it stands in a file or on the command line: [WEIGHT] [METHOD] URL-or-path.
struct TargetSpec {
  std::string where{};  // of its line, for messages: "targets.txt:3"; empty: the command line
  uint32_t weight = 1;
  std::string method{};                // empty: not said
  std::string url{};                   // absolute, or a path of the first target's host
  std::vector<std::string> headers{};  // "Name: value"
  std::string body_file{};             // empty: not said
};

base::Result<TargetSpec> parse_target_line(std::string_view line);
// The file format of vegeta, with a weight in front where one is wanted: target lines, each
// followed by its header lines and `@FILE` for the body; empty lines and those that begin with #
// between them. `file` names it in messages.
base::Result<std::vector<TargetSpec>> parse_targets(std::string_view text, std::string_view file);

// What holds for every target that does not say otherwise.
struct TargetDefaults {
  std::string_view method{};  // empty: GET, or POST with a body
  std::span<const std::string> headers{};
  std::string_view body{};
  bool literal = false;  // placeholders are plain text
};

struct Targets {
  config::Url url{};  // of the first; all have its scheme, host and port
  std::vector<Target> list{};
};

// Reads the body files. http:// only. At least one spec.
base::Result<Targets> make_targets(std::span<const TargetSpec> specs,
                                   const TargetDefaults& defaults);

// A choice among targets by weight, from the seed and the request's number only.
class TargetChoice {
 public:
  explicit TargetChoice(std::span<const Target> targets);
  size_t of(const RequestNumber& request) const;

 private:
  std::vector<uint64_t> up_to_;  // sum of the weights so far
};

// The lines of a text, but for empty ones and those that begin with #.
std::vector<std::string> header_lines(std::string_view text);
// Header lines of a file, "Name: value" each; empty lines and those that begin with # are skipped.
base::Result<std::vector<std::string>> read_headers(const std::string& path);
// A whole file ("-": standard input) of at most `bytes_max`; an error begins with `flag`.
base::Result<std::string> read_whole(std::string_view flag, const std::string& path,
                                     uint64_t bytes_max);
// A URL of which path and query may have placeholders.
base::Result<config::Url> check_url(std::string_view text);

}  // namespace giliran::client
