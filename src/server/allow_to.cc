#include "server/allow_to.h"

#include <fmt/format.h>

#include <optional>

#include "base/text.h"
#include "config/host_port.h"
#include "config/url.h"
#include "net/listen.h"

namespace giliran::server {
namespace {

std::optional<base::Address> loopback_address(const config::HostPort& parts,
                                              const std::string& host_port) {
  if (base::equals_ignoring_case(parts.host, "localhost")) {
    return base::Address::loopback(parts.port);
  }
  const auto address = base::Address::parse(host_port);
  if (!address || address->is_unix()) return std::nullopt;
  const std::string host = address->host_text();
  if (!host.starts_with("127.") && host != "::1") return std::nullopt;
  return *address;
}

std::unexpected<base::Error> refuse_flag(std::string_view item, std::string_view why) {
  return base::fail(fmt::format("--allow-to {}: {}; expected HOST:PORT or loopback", item, why));
}

std::unexpected<Refusal> refuse(uint16_t status, std::string text) {
  return std::unexpected(Refusal{.status = status, .text = std::move(text)});
}

}  // namespace

base::Result<AllowTo> AllowTo::make(const std::vector<std::string>& list) {
  AllowTo made;
  for (const std::string& item : list) {
    if (item == "loopback") {
      made.loopback_ = true;
      continue;
    }
    const auto parts = config::split_host_port(item);
    if (!parts) return refuse_flag(item, parts.error().message);
    const auto addresses = net::resolve(item);
    if (!addresses) return refuse_flag(item, addresses.error().message);
    made.named_.emplace_back(config::canonical(*parts), addresses->front());
  }
  return made;
}

std::expected<Target, Refusal> AllowTo::find(std::string_view url) const {
  const auto parsed = config::parse_url(url);
  if (!parsed) return refuse(400, fmt::format("to: {}", parsed.error().message));
  if (parsed->scheme != config::Scheme::kHttp) {
    return refuse(400, fmt::format("to: URL '{}': only http:// can be called", url));
  }
  Target target{
      .url = std::string(url), .authority = parsed->host, .path = parsed->target, .address = {}};
  const auto parts = config::split_host_port(parsed->host_port);
  if (!parts) return refuse(400, fmt::format("to: {}", parts.error().message));
  const std::string wanted = config::canonical(*parts);
  for (const auto& [name, address] : named_) {
    if (name == wanted) {
      target.address = address;
      return target;
    }
  }
  if (loopback_) {
    if (const auto address = loopback_address(*parts, parsed->host_port)) {
      target.address = *address;
      return target;
    }
  }
  if (named_.empty() && !loopback_) {
    return refuse(403,
                  "this server calls nobody: start it with --allow-to HOST:PORT "
                  "or --allow-to loopback");
  }
  return refuse(403, fmt::format("{} is not allowed: start this server with --allow-to {}",
                                 parsed->host_port, parsed->host_port));
}

}  // namespace giliran::server
