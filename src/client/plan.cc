#include "client/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "base/parse.h"
#include "base/text.h"
#include "config/url.h"
#include "net/listen.h"

namespace giliran::client {
namespace {

using base::equals_ignoring_case;

// An answer of a tcp:// server and a message fit the same bound.
constexpr size_t kMessageBytesMax = 16383;
constexpr uint32_t kConnectionsMax = 1'000'000;
constexpr uint32_t kThreadsMax = 1024;

bool is_token(std::string_view text) {
  static constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    const char low = base::to_lower(c);
    return (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') || kOthers.contains(c);
  });
}

bool is_field_value(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
  });
}

// What the client itself writes, with what to do instead.
base::Result<void> check_header_name(std::string_view name) {
  if (equals_ignoring_case(name, "connection")) {
    return base::fail("--header Connection: use --new-connection for a connection per request");
  }
  for (const std::string_view own : {"content-length", "transfer-encoding", "traceparent"}) {
    if (equals_ignoring_case(name, own)) {
      return base::fail(fmt::format("--header {}: the client writes this one itself", name));
    }
  }
  return {};
}

base::Result<std::vector<Header>> parse_headers(const std::vector<std::string>& texts) {
  std::vector<Header> headers;
  for (const std::string& text : texts) {
    const size_t colon = text.find(':');
    const std::string_view name = std::string_view(text).substr(0, colon);
    if (colon == std::string::npos || !is_token(name)) {
      return base::fail(fmt::format("--header \"{}\": expected \"Name: value\"", text));
    }
    const std::string_view value = base::trim(std::string_view(text).substr(colon + 1));
    if (!is_field_value(value)) {
      return base::fail(fmt::format("--header {}: control character in the value", name));
    }
    const auto allowed = check_header_name(name);
    if (!allowed) return std::unexpected(allowed.error());
    headers.push_back({std::string(name), std::string(value)});
  }
  return headers;
}

base::Result<std::string> read_body(const ClientOptions& options) {
  if (options.body_file.empty()) return options.body;
  if (!options.body.empty()) return base::fail("--body and --body-file: give one of them");
  std::ifstream file(options.body_file, std::ios::binary);
  std::string bytes(std::istreambuf_iterator<char>(file), {});
  if (!file) return base::fail("--body-file " + options.body_file + ": cannot be read");
  if (bytes.size() > kBodyBytesMax) {
    return base::fail(fmt::format("--body-file {}: {} bytes, at most {}", options.body_file,
                                  bytes.size(), base::format_bytes(kBodyBytesMax)));
  }
  return bytes;
}

base::Result<void> check_numbers(const ClientOptions& options) {
  if (options.connections > kConnectionsMax) {
    return base::fail(
        fmt::format("--connections {}: expected 1 to {}", options.connections, kConnectionsMax));
  }
  if (options.threads > kThreadsMax) {
    return base::fail(
        fmt::format("--threads {}: expected at most {}", options.threads, kThreadsMax));
  }
  if (options.timeout.count() <= 0) return base::fail("--timeout: expected more than 0");
  if (options.duration.count() < 0) return base::fail("--duration: expected more than 0");
  return {};
}

base::Result<void> plan_http(const ClientOptions& options, const config::Url& url, Plan& plan) {
  plan.headers = GILIRAN_TRY(parse_headers(options.headers));
  plan.body = GILIRAN_TRY(read_body(options));
  plan.target = url.target;
  plan.host = url.host;
  plan.method = !options.method.empty() ? options.method : plan.body.empty() ? "GET" : "POST";
  if (!is_token(plan.method)) {
    return base::fail(fmt::format("--method \"{}\": expected a word", plan.method));
  }
  if (plan.method == "CONNECT") return base::fail("--method CONNECT: not supported");
  const auto named = [&](std::string_view name) {
    return std::ranges::find_if(plan.headers, [&](const Header& header) {
      return equals_ignoring_case(header.name, name);
    });
  };
  const auto host = named("host");
  if (host != plan.headers.end()) {
    plan.host = host->value;
    plan.headers.erase(host);
  }
  if (named("host") != plan.headers.end()) return base::fail("--header Host: given twice");
  if (named("user-agent") == plan.headers.end()) {
    plan.headers.insert(plan.headers.begin(), {"User-Agent", "giliran/" GILIRAN_VERSION});
  }
  plan.headers.insert(plan.headers.begin(), {"Host", plan.host});
  return {};
}

base::Result<void> plan_tcp(const ClientOptions& options, Plan& plan) {
  if (!options.headers.empty() || !options.method.empty() || !options.body.empty() ||
      !options.body_file.empty()) {
    return base::fail("--header, --method and --body are for http:// only: use --message");
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

base::Result<Plan> make_plan(const ClientOptions& options, unsigned processors) {
  const config::Url url = GILIRAN_TRY(config::parse_url(options.url));
  const auto checked = check_numbers(options);
  if (!checked) return std::unexpected(checked.error());
  const bool http = url.scheme == config::Scheme::kHttp;
  Plan plan;
  plan.url = url.text();
  plan.protocol = http ? Protocol::kHttp : Protocol::kTcp;
  plan.sources = options.sources;
  plan.connections = options.connections != 0 ? options.connections : kDefaultConnections;
  plan.threads = options.threads;
  plan.requests = options.requests;
  plan.duration = options.duration;
  plan.new_connection = options.new_connection;
  plan.timeout = options.timeout;
  plan.seed = options.seed;
  const auto filled = http ? plan_http(options, url, plan) : plan_tcp(options, plan);
  if (!filled) return std::unexpected(filled.error());
  if (plan.requests == 0 && plan.duration.count() == 0) plan.duration = kDefaultDuration;
  // A client without a request to make would be none.
  if (plan.requests != 0 && plan.requests < plan.connections) {
    plan.connections = static_cast<uint32_t>(plan.requests);
  }
  if (plan.threads == 0) plan.threads = std::max(processors, 1u);
  plan.threads = std::min(plan.threads, plan.connections);
  plan.addresses = GILIRAN_TRY(net::resolve(url.host_port));
  // "localhost" is often both, and its server often on the first only.
  const auto v4 = std::ranges::find(plan.addresses, AF_INET, &base::Address::family);
  if (v4 != plan.addresses.end()) std::rotate(plan.addresses.begin(), v4, v4 + 1);
  return plan;
}

std::string text(const Plan& plan) {
  std::string text =
      fmt::format("{} thread{}, {} connection{}", plan.threads, plan.threads == 1 ? "" : "s",
                  plan.connections, plan.connections == 1 ? "" : "s");
  if (plan.requests != 0) text += fmt::format(", {} requests", plan.requests);
  if (plan.duration.count() != 0) text += ", " + base::format_duration(plan.duration);
  text += plan.new_connection ? ", closed loop, a new connection per request, "
                              : ", closed loop, keep-alive, ";
  if (plan.protocol == Protocol::kHttp && plan.method != "GET") text += plan.method + " ";
  return text + fmt::format("{}, seed {}", plan.url, plan.seed);
}

}  // namespace giliran::client
