#include "config/listen_spec.h"

#include <fmt/format.h>

#include "config/host_port.h"
#include "config/scheme_text.h"

namespace giliran::config {
namespace {

std::unexpected<base::Error> refuse(std::string_view text, std::string_view why) {
  return base::fail(fmt::format("listen address '{}': {}", text, why));
}

}  // namespace

std::string ListenSpec::text() const {
  return fmt::format("{}://{}", name(scheme), host_port);
}

base::Result<ListenSpec> parse_listen_spec(std::string_view text) {
  ListenSpec spec;
  std::string_view address = text;
  const auto scheme = take_scheme(address);
  if (!scheme) return refuse(text, scheme.error().message);
  spec.scheme = scheme->value_or(Scheme::kHttp);
  if (address.ends_with('/') && !address.starts_with("unix:")) {
    return refuse(text, "a listen address has no path, leave the last '/' out");
  }
  const auto parts = split_host_port(address);
  if (!parts) return refuse(text, parts.error().message);
  spec.host_port = std::string(address);
  return spec;
}

}  // namespace giliran::config
