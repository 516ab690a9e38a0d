#include "config/server_spec.h"

#include <fmt/format.h>

#include <unordered_map>

#include "base/parse.h"
#include "base/text.h"
#include "config/host_port.h"

namespace giliran::config {
namespace {

constexpr std::string_view kForm = "expected HOST:PORT or HOST:PORT=WEIGHT";

std::unexpected<base::Error> refuse(std::string_view text, std::string_view why) {
  return base::fail(fmt::format("server '{}': {}", text, why));
}

// text: all that was written, for the message.
base::Result<void> check_address(std::string_view text, std::string_view address) {
  if (const size_t end = address.find("://"); end != std::string_view::npos) {
    std::string_view rest = text.substr(end + 3);
    if (address.ends_with('/')) rest.remove_suffix(1);
    return refuse(
        text, fmt::format("a server has no scheme (the listener's holds), {}: {}", kForm, rest));
  }
  if (base::all_digits(address)) {
    return refuse(text, fmt::format("{}, such as 127.0.0.1:{}", kForm, address));
  }
  const auto parts = split_host_port(address);
  if (!parts) return refuse(text, parts.error().message);
  if (parts->host.empty() || parts->host == "*") {
    return refuse(text, fmt::format("the host is missing, {}", kForm));
  }
  if (parts->port == 0 && !parts->host.starts_with("unix:")) {
    return refuse(text, "nobody can be reached on port 0");
  }
  return {};
}

}  // namespace

base::Result<void> parse_server_address(std::string_view text) {
  return check_address(text, text);
}

base::Result<ServerSpec> parse_server_spec(std::string_view text) {
  // The last one, because a Unix path may have others.
  const size_t equals = text.rfind('=');
  const std::string_view address = text.substr(0, equals);
  GILIRAN_TRY_VOID(check_address(text, address));
  ServerSpec spec{.host_port = std::string(address)};
  if (equals == std::string_view::npos) return spec;
  const auto weight = base::parse_uint(text.substr(equals + 1), kWeightMax);
  if (!weight || *weight == 0) {
    return refuse(text, fmt::format("weight '{}': expected a whole number from 1 to {}",
                                    text.substr(equals + 1), kWeightMax));
  }
  spec.weight = static_cast<uint32_t>(*weight);
  return spec;
}

base::Result<std::vector<ServerSpec>> parse_server_list(std::span<const std::string> texts) {
  std::vector<ServerSpec> specs;
  std::unordered_map<std::string, size_t> seen;
  for (const std::string& text : texts) {
    specs.push_back(GILIRAN_TRY(parse_server_spec(text)));
    const auto parts = split_host_port(specs.back().host_port);
    const auto [first, fresh] = seen.emplace(canonical(*parts), specs.size());
    if (fresh) continue;
    return base::fail(fmt::format(
        "server {} '{}' is the same as server {} '{}'; to give one server more turns, give it a "
        "weight: {}=2; to have it twice, give each a name in a file: "
        "servers = [{{ address = \"{}\", name = \"...\" }}, ...]",
        specs.size(), text, first->second, texts[first->second - 1], specs.back().host_port,
        specs.back().host_port));
  }
  return specs;
}

}  // namespace giliran::config
