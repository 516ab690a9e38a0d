#include "cli/client_flags.h"

#include <fmt/format.h>

#include "base/parse.h"
#include "base/text.h"
#include "cli/setters.h"
#include "client/target.h"
#include "config/url.h"

namespace giliran::cli {
namespace {

base::Result<void> add_header(client::ClientOptions& o, const std::string& text) {
  if (text.starts_with('@') && text.size() > 1) {
    o.header_files.push_back(text.substr(1));
    return {};
  }
  const size_t colon = text.find(':');
  if (colon == std::string::npos || colon == 0) {
    return base::fail(fmt::format("'{}': expected 'Name: value', or @FILE", text));
  }
  o.headers.push_back(text);
  return {};
}

// As curl's --data-binary has it.
base::Result<void> set_body(client::ClientOptions& o, const std::string& text) {
  if (!text.starts_with('@')) {
    o.body = text;
    return {};
  }
  if (text.size() == 1) return base::fail("'@': expected @FILE; a text that begins with @: @-");
  if (!o.body_file.empty()) return base::fail("--body and --body-file: give one of them");
  o.body_file = text.substr(1);
  o.body_file_flag = "--body";
  return {};
}

base::Result<void> set_speed(double& out, const std::string& text) {
  const bool times = text.ends_with('x');
  const double speed =
      GILIRAN_TRY(base::parse_double(times ? text.substr(0, text.size() - 1) : text));
  if (!(speed > 0)) return base::fail(fmt::format("'{}': expected more than 0", text));
  out = speed;
  return {};
}

base::Result<void> add_expectations(std::vector<report::Expectation>& out,
                                    const std::string& text) {
  auto list = GILIRAN_TRY(report::Expectation::parse_list(text));
  out.insert(out.end(), list.begin(), list.end());
  return {};
}

// "127.0.0.1:8080/x" is a URL to curl, wrk and every browser.
std::string with_scheme(const std::string& target, std::vector<std::string>& warnings) {
  const size_t begin = target.find_last_of(" \t") + 1;  // behind weight and method
  const std::string url = target.substr(begin);
  if (!config::lacks_scheme(url)) return target;
  warnings.push_back(fmt::format("no scheme in '{0}', http://{0} is asked", url));
  return target.substr(0, begin) + "http://" + url;
}

}  // namespace

Setter set_time(base::Duration& out) {
  return [set = set_duration(out)](const std::string& text) {
    const bool bare = base::all_digits(text);
    return set(bare && text != "0" ? text + "s" : text);
  };
}

base::Result<void> add_target(client::ClientOptions& o, const std::string& text,
                              std::vector<std::string>& warnings) {
  if (base::all_digits(text)) {
    return base::fail(fmt::format(
        "'{0}' is no URL; -n {0} is so many requests, -R {0} so many a second (hey's -q)", text));
  }
  const std::string whole = with_scheme(text, warnings);
  const client::TargetSpec spec = GILIRAN_TRY(client::parse_target_line(whole));
  // Placeholders are looked at with the plan, which knows of --literal.
  const bool absolute = spec.url.find("://") != std::string::npos;
  if (absolute && spec.url.find("{{") == std::string::npos) {
    const auto url = config::parse_url(spec.url);
    if (!url) return std::unexpected(url.error());
  }
  if (o.url.empty()) {
    o.url = whole;
  } else {
    o.more_targets.push_back(whole);
  }
  return {};
}

std::vector<Flag> client_content_flags(client::ClientOptions& o) {
  return {
      {"-H,--header", "'NAME: VALUE'", "a header field; @FILE: one a line",
       [&o](const std::string& text) { return add_header(o, text); }, true},
      {"--header-file", "PATH", "header fields, one a line", add_text(o.header_files), true},
      {"-m,--method", "METHOD", "default: GET, or POST with a body", set_text(o.method)},
      {"--body", "TEXT|@FILE", "the request body; @FILE: from a file, @-: standard input",
       [&o](const std::string& text) { return set_body(o, text); }},
      {"--body-file", "PATH", "the request body, from a file",
       [&o](const std::string& text) { return set_body(o, "@" + text); }},
      {"--targets", "PATH",
       "what to ask, in vegeta's format: [WEIGHT] [METHOD] URL, headers, @BODY",
       set_text(o.targets_file)},
      {"--literal", "",
       "{{seq}}, {{rand:1..9}}, {{id}}, {{dist:exp(5ms)}} in URL, header and body are text",
       set_true(o.literal)},
      {"--replay", "LOG", "the requests of a log at its times: ours, httplog or combined",
       set_text(o.replay_path)},
      {"--speed", "FACTOR", "of the replay; 2: in half the time",
       [&o](const std::string& text) { return set_speed(o.speed, text); }},
  };
}

std::vector<Flag> client_result_flags(client::ClientOptions& o) {
  return {
      {"--expect", "THRESHOLD", "p99<10ms, errors<0.1%, rate>5k, service.p99<2ms: else status 3",
       [&o](const std::string& text) { return add_expectations(o.expect, text); }, true},
      {"--find-max", "THRESHOLDS", "searches the highest rate that holds: 'p99<10ms,errors<0.1%'",
       [&o](const std::string& text) { return add_expectations(o.find_max, text); }},
      {"--step-duration", "TIME", "of each step of the search; default: 5s",
       set_time(o.step_duration)},
      {"--start-rate", "RATE", "where the search begins; default: 100", set_rate(o.start_rate)},
      {"--coordinator-log", "PATH", "tells the search where the coordinator's time went",
       set_text(o.coordinator_log)},
      {"--hgrm", "PATH", "percentiles of the response time, HdrHistogram's format",
       set_text(o.hgrm_path)},
  };
}

}  // namespace giliran::cli
