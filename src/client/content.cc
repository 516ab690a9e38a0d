#include "client/content.h"

#include <fmt/format.h>

#include "client/head_limit.h"

namespace giliran::client {
namespace {

// An answer of a tcp:// server and a message fit the same bound.
constexpr size_t kMessageBytesMax = 16383;
constexpr double kSpeedMin = 0.001;
constexpr double kSpeedMax = 1e6;

base::Result<std::string> read_body(const ClientOptions& options) {
  if (options.body_file.empty()) return options.body;
  if (!options.body.empty()) return base::fail("--body and --body-file: give one of them");
  return read_whole(options.body_file_flag, options.body_file, kBodyBytesMax);
}

base::Result<std::vector<TargetSpec>> read_specs(const ClientOptions& options) {
  std::vector<TargetSpec> specs;
  if (!options.url.empty()) specs.push_back(GILIRAN_TRY(parse_target_line(options.url)));
  for (const std::string& line : options.more_targets) {
    specs.push_back(GILIRAN_TRY(parse_target_line(line)));
  }
  if (options.targets_file.empty()) return specs;
  const std::string text =
      GILIRAN_TRY(read_whole("--targets", options.targets_file, kBodyBytesMax));
  auto listed = GILIRAN_TRY(parse_targets(text, options.targets_file));
  // With a file, an URL without a path of its own only says which server.
  if (specs.size() == 1 && listed.front().url.starts_with('/')) {
    const auto url = check_url(specs.front().url);
    if (!url) return std::unexpected(url.error());
    if (url->target == "/") {
      const std::string authority = url->text().substr(0, url->text().size() - 1);
      for (TargetSpec& spec : listed) {
        if (spec.url.starts_with('/')) spec.url.insert(0, authority);
      }
      specs.clear();
    }
  }
  specs.insert(specs.end(), std::make_move_iterator(listed.begin()),
               std::make_move_iterator(listed.end()));
  return specs;
}

base::Result<void> plan_replay(const ClientOptions& options, const config::Url& url, Plan& plan) {
  if (!options.body.empty() || !options.body_file.empty() || !options.method.empty() ||
      !options.targets_file.empty() || !options.more_targets.empty() || url.target != "/") {
    return base::fail(
        "--replay: methods, paths and sizes of bodies come from the log: give http://HOST:PORT and "
        "no --method, --body or --targets");
  }
  if (options.rate != 0 || !options.stages.empty() || options.warmup.count() != 0) {
    return base::fail("--replay: the times come from the log: --speed changes them");
  }
  if (!(options.speed >= kSpeedMin && options.speed <= kSpeedMax)) {
    return base::fail(
        fmt::format("--speed {}: expected {} to {}", options.speed, kSpeedMin, kSpeedMax));
  }
  // Its own head passed, so that this fits.
  const size_t beside = head_bytes_beside(plan.targets.front());
  plan.replay = GILIRAN_TRY(read_replay({.path = options.replay_path,
                                         .speed = options.speed,
                                         .requests_max = options.requests,
                                         .until = options.duration,
                                         .head_bytes_left = kHeadBytesMax - beside}));
  plan.loop = Loop::kOpen;
  plan.arrivals = Arrivals::kReplay;
  plan.replay_due.reserve(plan.replay->requests.size());
  for (const Replay::Request& request : plan.replay->requests) {
    plan.replay_due.push_back(request.due);
  }
  return {};
}

base::Result<config::Url> plan_http(const ClientOptions& options, Plan& plan) {
  std::vector<std::string> headers = options.headers;
  for (const std::string& path : options.header_files) {
    auto read = GILIRAN_TRY(read_headers(path));
    headers.insert(headers.end(), read.begin(), read.end());
  }
  const std::string body = GILIRAN_TRY(read_body(options));
  const std::vector<TargetSpec> specs = GILIRAN_TRY(read_specs(options));
  Targets made = GILIRAN_TRY(make_targets(
      specs,
      {.method = options.method, .headers = headers, .body = body, .literal = options.literal}));
  plan.targets = std::move(made.list);
  plan.url = plan.targets.front().url;
  if (!options.replay_path.empty()) GILIRAN_TRY_VOID(plan_replay(options, made.url, plan));
  return std::move(made.url);
}

base::Result<void> plan_tcp(const ClientOptions& options, Plan& plan) {
  if (!options.headers.empty() || !options.header_files.empty() || !options.method.empty() ||
      !options.body.empty() || !options.body_file.empty()) {
    return base::fail("--header, --method and --body are for http:// only: use --message");
  }
  if (!options.more_targets.empty() || !options.targets_file.empty() ||
      !options.replay_path.empty()) {
    return base::fail("several targets and --replay are for http:// only");
  }
  if (options.message.size() > kMessageBytesMax ||
      options.message.find('\n') != std::string::npos) {
    return base::fail(
        fmt::format("--message: expected one line of at most {} bytes", kMessageBytesMax));
  }
  plan.line = options.message + "\n";
  return {};
}

}  // namespace

base::Result<config::Url> plan_content(const ClientOptions& options, Plan& plan) {
  if (!options.url.starts_with("tcp://")) {
    plan.protocol = Protocol::kHttp;
    config::Url url = GILIRAN_TRY(plan_http(options, plan));
    if (url.scheme != config::Scheme::kTcp) return url;
    return base::fail(fmt::format("URL '{}': tcp:// takes no weight, method or file", plan.url));
  }
  config::Url url = GILIRAN_TRY(config::parse_url(options.url));
  plan.protocol = Protocol::kTcp;
  plan.url = url.text();
  GILIRAN_TRY_VOID(plan_tcp(options, plan));
  return url;
}

}  // namespace giliran::client
