#include "client/target.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>

#include "base/parse.h"
#include "base/text.h"
#include "client/head_limit.h"
#include "client/options.h"

namespace giliran::client {
namespace {

using base::equals_ignoring_case;

// No placeholder of a run draws at it.
constexpr uint64_t kPlaceOfChoice = UINT64_MAX;
constexpr size_t kReadBytes = 64 << 10;

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

bool is_absolute(std::string_view text) {
  return text.find("://") != std::string_view::npos;
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

base::Result<Template> parse_template(std::string_view text, bool literal, uint64_t& places) {
  if (literal) return Template::literal(text);
  return Template::parse(text, places);
}

// The first word, with the spaces behind it, off the front.
std::string_view take_word(std::string_view& text) {
  const size_t end = std::min(text.find_first_of(" \t"), text.size());
  const std::string_view word = text.substr(0, end);
  text = base::trim(text.substr(end));
  return word;
}

// An error with where it was found in front.
std::unexpected<base::Error> at(const TargetSpec& spec, const base::Error& error) {
  if (spec.where.empty()) return base::fail(error.message);
  return base::fail(fmt::format("{}: {}", spec.where, error.message));
}

struct Parts {
  std::string_view authority;  // with the scheme
  std::string_view path;       // "/" at least
};

// Of an absolute URL.
Parts split_url(std::string_view text) {
  const size_t begin = text.find("://") + 3;
  const size_t end = std::min(text.find_first_of("/?#", begin), text.size());
  return {.authority = text.substr(0, end), .path = text.substr(end)};
}

base::Result<HeaderTemplate> parse_header(std::string_view text, bool literal, uint64_t& places) {
  const size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  if (colon == std::string_view::npos || !is_token(name)) {
    return base::fail(fmt::format("--header \"{}\": expected \"Name: value\"", text));
  }
  const std::string_view value = base::trim(text.substr(colon + 1));
  if (!is_field_value(value)) {
    return base::fail(fmt::format("--header {}: control character in the value", name));
  }
  GILIRAN_TRY_VOID(check_header_name(name));
  auto parsed = parse_template(value, literal, places);
  if (!parsed) return base::fail(fmt::format("--header {}: {}", name, parsed.error().message));
  return HeaderTemplate{.name = std::string(name), .value = std::move(*parsed)};
}

bool has_header(const std::vector<HeaderTemplate>& headers, std::string_view name) {
  return std::ranges::any_of(
      headers, [&](const HeaderTemplate& h) { return equals_ignoring_case(h.name, name); });
}

// Host first, then User-Agent, then what everybody has and the target does not replace.
base::Result<void> set_headers(const TargetSpec& spec, const TargetDefaults& defaults,
                               std::string_view host, uint64_t& places, Target& target) {
  std::vector<HeaderTemplate> own;
  for (const std::string& text : spec.headers) {
    own.push_back(GILIRAN_TRY(parse_header(text, defaults.literal, places)));
  }
  std::vector<HeaderTemplate> all;
  for (const std::string& text : defaults.headers) {
    HeaderTemplate common = GILIRAN_TRY(parse_header(text, defaults.literal, places));
    if (!has_header(own, common.name)) all.push_back(std::move(common));
  }
  all.insert(all.end(), std::make_move_iterator(own.begin()), std::make_move_iterator(own.end()));
  const auto is_host = [](const HeaderTemplate& h) { return equals_ignoring_case(h.name, "host"); };
  HeaderTemplate first{.name = "Host", .value = Template::literal(host)};
  if (const auto given = std::ranges::find_if(all, is_host); given != all.end()) {
    first.value = std::move(given->value);
    all.erase(given);
  }
  if (std::ranges::any_of(all, is_host)) return base::fail("--header Host: given twice");
  target.host = first.value.text();
  target.headers.push_back(std::move(first));
  if (!has_header(all, "user-agent")) {
    target.headers.push_back({"User-Agent", Template::literal("giliran/" GILIRAN_VERSION)});
  }
  std::ranges::move(all, std::back_inserter(target.headers));
  return {};
}

base::Result<void> set_body(const TargetSpec& spec, const TargetDefaults& defaults,
                            uint64_t& places, Target& target) {
  std::string read;
  std::string_view bytes = defaults.body;
  if (!spec.body_file.empty()) {
    read = GILIRAN_TRY(read_whole("body", spec.body_file, kBodyBytesMax));
    bytes = read;
  }
  auto parsed = parse_template(bytes, defaults.literal, places);
  if (!parsed) {
    return base::fail(
        fmt::format("body: {} (--literal takes it as it is)", parsed.error().message));
  }
  target.body = std::move(*parsed);
  return {};
}

base::Result<Target> make_target(const TargetSpec& spec, const TargetDefaults& defaults,
                                 const config::Url& url, std::string_view authority) {
  const bool absolute = is_absolute(spec.url);
  const std::string full = absolute ? spec.url : std::string(authority) + spec.url;
  std::string_view path = split_url(full).path;
  path = path.substr(0, path.find('#'));
  uint64_t places = 0;
  Target target{.url = full, .weight = spec.weight};
  target.path = GILIRAN_TRY(
      parse_template(path.starts_with('/') ? std::string(path) : "/" + std::string(path),
                     defaults.literal, places));
  GILIRAN_TRY_VOID(set_headers(spec, defaults, url.host, places, target));
  GILIRAN_TRY_VOID(set_body(spec, defaults, places, target));
  const bool has_body = target.body.size_max() != 0;
  const std::string_view method = spec.method.empty() ? defaults.method : spec.method;
  target.method = !method.empty() ? method : has_body ? "POST" : "GET";
  if (!is_token(target.method)) {
    return base::fail(fmt::format("--method \"{}\": expected a word", target.method));
  }
  if (target.method == "CONNECT") return base::fail("--method CONNECT: not supported");
  GILIRAN_TRY_VOID(check_head(target));
  return target;
}

}  // namespace

base::Result<std::string> read_whole(std::string_view flag, const std::string& path,
                                     uint64_t bytes_max) {
  std::ifstream opened;
  errno = 0;
  if (path != "-") opened.open(path, std::ios::binary);
  const int open_error = errno;
  std::istream& file = path == "-" ? std::cin : opened;
  std::string bytes;
  std::string chunk(kReadBytes, '\0');
  errno = 0;
  // A file may have no end, and a folder no bytes.
  while (bytes.size() <= bytes_max) {
    file.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
    if (file.gcount() == 0) break;
    bytes.append(chunk, 0, static_cast<size_t>(file.gcount()));
  }
  if ((path != "-" && !opened.is_open()) || file.bad()) {
    const int error = opened.is_open() || path == "-" ? errno : open_error;
    const std::string why = error == 0 ? "" : std::string(": ") + std::strerror(error);
    return base::fail(fmt::format("{} {}: cannot be read{}", flag, path, why));
  }
  if (bytes.size() > bytes_max) {
    return base::fail(fmt::format("{} {}: at most {}", flag, path, base::format_bytes(bytes_max)));
  }
  return bytes;
}

base::Result<std::vector<std::string>> read_headers(const std::string& path) {
  return header_lines(GILIRAN_TRY(read_whole("header file", path, kBodyBytesMax)));
}

std::vector<std::string> header_lines(std::string_view rest) {
  std::vector<std::string> headers;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (base::trim(line).empty() || line.starts_with('#')) continue;
    headers.emplace_back(line);
  }
  return headers;
}

base::Result<config::Url> check_url(std::string_view text) {
  if (!is_absolute(text)) return config::parse_url(text);  // says what is missing
  const Parts parts = split_url(text);
  if (parts.authority.find("{{") != std::string_view::npos) {
    return base::fail(fmt::format(
        "URL '{}': placeholders stand in the path and the query; the host is one for the whole run",
        text));
  }
  uint64_t places = 0;
  const Template path = GILIRAN_TRY(Template::parse(parts.path, places));
  std::string example(parts.authority);
  path.append({.seed = 1, .number = 1}, example);
  auto url = config::parse_url(example);
  if (!url && !path.constant()) {
    return base::fail(fmt::format("URL '{}' becomes {}", text, url.error().message));
  }
  return url;
}

base::Result<TargetSpec> parse_target_line(std::string_view line) {
  TargetSpec spec;
  std::string_view rest = base::trim(line);
  std::string_view after = rest;
  std::string_view word = take_word(after);
  if (!after.empty() && base::all_digits(word)) {
    const auto weight = base::parse_uint(word, kTargetWeightMax);
    if (!weight || *weight == 0) {
      return base::fail(
          fmt::format("'{}': expected a weight from 1 to {}", word, kTargetWeightMax));
    }
    spec.weight = static_cast<uint32_t>(*weight);
    rest = after;
    word = take_word(after);
  }
  if (!after.empty() && is_token(word)) {
    spec.method = word;
    rest = after;
  }
  if (!is_absolute(rest) && !rest.starts_with('/')) {
    if (rest.find_first_of(" \t") == std::string_view::npos) {
      return std::unexpected(config::parse_url(rest).error());
    }
    return base::fail(fmt::format(
        "'{}': expected [WEIGHT] [METHOD] URL, as in 'GET http://127.0.0.1:8080/' or '/path'",
        rest));
  }
  spec.url = rest;
  return spec;
}

base::Result<std::vector<TargetSpec>> parse_targets(std::string_view text, std::string_view file) {
  std::vector<TargetSpec> specs;
  bool open = false;  // the target above takes headers and a body
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    line = base::trim(line);
    if (line.empty()) open = false;
    if (line.empty() || line.starts_with('#')) continue;
    const std::string where = fmt::format("{}:{}", file, number);
    const size_t colon = line.find(':');
    const bool header = colon != std::string_view::npos && is_token(line.substr(0, colon)) &&
                        !line.substr(colon).starts_with("://");
    if (header || line.starts_with('@')) {
      if (!open) {
        return base::fail(
            fmt::format("{}: '{}': expected a target line in front of it, as in "
                        "'GET http://127.0.0.1:8080/'",
                        where, line));
      }
      if (header) specs.back().headers.emplace_back(line);
      if (!header) specs.back().body_file = line.substr(1);
      continue;
    }
    auto spec = parse_target_line(line);
    if (!spec) return base::fail(fmt::format("{}: {}", where, spec.error().message));
    if (specs.size() == kTargetsMax) {
      return base::fail(fmt::format("{}: at most {} targets", where, kTargetsMax));
    }
    spec->where = where;
    specs.push_back(std::move(*spec));
    open = true;
  }
  if (specs.empty()) return base::fail(fmt::format("{}: there is no target in it", file));
  return specs;
}

base::Result<Targets> make_targets(std::span<const TargetSpec> specs,
                                   const TargetDefaults& defaults) {
  Targets made;
  const auto first =
      std::ranges::find_if(specs, [](const TargetSpec& spec) { return is_absolute(spec.url); });
  if (first == specs.end()) {
    return base::fail("no URL: a target has to say which server, as in http://127.0.0.1:8080/");
  }
  const std::string authority(split_url(first->url).authority);
  for (const TargetSpec& spec : specs) {
    const std::string full = is_absolute(spec.url) ? spec.url : authority + spec.url;
    auto url = defaults.literal ? config::parse_url(full) : check_url(full);
    if (!url) return at(spec, url.error());
    if (made.list.empty()) made.url = *url;
    if (url->scheme != made.url.scheme || url->host_port != made.url.host_port) {
      return at(
          spec,
          base::Error{.message = fmt::format(
                          "'{}': all targets of a run are on one server, here {}: connections are "
                          "shared, and what is measured is one system",
                          spec.url, authority)});
    }
    auto target = make_target(spec, defaults, *url, authority);
    if (!target) return at(spec, target.error());
    made.list.push_back(std::move(*target));
  }
  return made;
}

TargetChoice::TargetChoice(std::span<const Target> targets) {
  uint64_t sum = 0;
  for (const Target& target : targets) up_to_.push_back(sum += target.weight);
}

size_t TargetChoice::of(const RequestNumber& request) const {
  if (up_to_.size() == 1) return 0;
  const uint64_t drawn = draws(request, kPlaceOfChoice).below(up_to_.back());
  return static_cast<size_t>(std::ranges::upper_bound(up_to_, drawn) - up_to_.begin());
}

}  // namespace giliran::client
