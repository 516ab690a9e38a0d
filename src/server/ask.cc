#include "server/ask.h"

#include <fmt/format.h>

#include "base/parse.h"

namespace giliran::server {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Resource resource_of(std::string_view path) {
  if (path == "/health") return Resource::kHealth;
  if (path == "/echo") return Resource::kEcho;
  if (path == "/fanout") return Resource::kFanOut;
  return Resource::kAny;
}

using Outcome = std::expected<void, Refusal>;

Outcome refuse(std::string_view key, std::string_view why) {
  return std::unexpected(Refusal{.status = 400, .text = fmt::format("{}: {}", key, why)});
}

Outcome set_time(std::string_view key, std::string_view value,
                 std::optional<base::Distribution>& out) {
  auto parsed = base::Distribution::parse(value);
  if (!parsed) return refuse(key, parsed.error().message);
  if (parsed->mean() > kAskedTimeMax) {
    return refuse(key, fmt::format("'{}' is more than {} on average", value,
                                   base::format_duration(kAskedTimeMax)));
  }
  out = std::move(*parsed);
  return {};
}

Outcome set_parameter(std::string_view key, const std::string& value, Ask& ask) {
  if (key == "delay") return set_time(key, value, ask.delay);
  if (key == "work") return set_time(key, value, ask.work);
  if (key == "status") {
    const auto status = base::parse_uint(value, 599);
    if (!status || *status < 200) {
      return refuse(key, fmt::format("'{}': expected a status from 200 to 599", value));
    }
    ask.status = static_cast<uint16_t>(*status);
  } else if (key == "body") {
    const auto bytes = base::parse_bytes(value);
    if (!bytes) return refuse(key, bytes.error().message);
    if (*bytes > kAskedBodyBytesMax) {
      return refuse(key,
                    fmt::format("'{}': at most {}", value, base::format_bytes(kAskedBodyBytesMax)));
    }
    ask.body_bytes = *bytes;
  } else if (key == "to" && ask.resource == Resource::kFanOut) {
    if (ask.targets.size() == kTargetsMax) {
      return refuse(key, fmt::format("at most {} calls", kTargetsMax));
    }
    ask.targets.push_back(value);
  }
  return {};
}

}  // namespace

std::string percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      const int high = hex_digit(text[i + 1]);
      const int low = hex_digit(text[i + 2]);
      if (high >= 0 && low >= 0) {
        out.push_back(static_cast<char>(high * 16 + low));
        i += 2;
        continue;
      }
    }
    out.push_back(text[i]);
  }
  return out;
}

std::expected<Ask, Refusal> parse_ask(std::string_view path) {
  const size_t question = path.find('?');
  Ask ask;
  ask.resource = resource_of(path.substr(0, question));
  std::string_view query =
      question == std::string_view::npos ? std::string_view() : path.substr(question + 1);
  while (!query.empty()) {
    const size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
    const size_t equals = pair.find('=');
    if (equals == std::string_view::npos) continue;
    const auto set =
        set_parameter(pair.substr(0, equals), percent_decode(pair.substr(equals + 1)), ask);
    if (!set) return std::unexpected(set.error());
  }
  if (ask.resource == Resource::kFanOut && ask.targets.empty()) {
    return std::unexpected(
        Refusal{.status = 400, .text = "to: expected /fanout?to=http://HOST:PORT/PATH"});
  }
  return ask;
}

}  // namespace giliran::server
