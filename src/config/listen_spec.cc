#include "config/listen_spec.h"

#include <fmt/format.h>

#include "base/parse.h"
#include "base/text.h"
#include "config/host_port.h"
#include "config/scheme_text.h"

namespace giliran::config {
namespace {

constexpr std::string_view kInherited = "fd@";
constexpr uint64_t kDescriptorMin = 3;  // the three before are standard input, output and error
constexpr uint64_t kDescriptorMax = 65535;

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
  if (address.starts_with(kInherited)) {
    const auto number = base::parse_uint(address.substr(kInherited.size()), kDescriptorMax);
    if (!number || *number < kDescriptorMin) {
      return refuse(
          text, fmt::format("expected fd@N with N from {} to {}", kDescriptorMin, kDescriptorMax));
    }
    spec.host_port = fmt::format("{}{}", kInherited, *number);
    return spec;
  }
  if (base::all_digits(address)) {
    return refuse(text, fmt::format("expected HOST:PORT, such as 127.0.0.1:{0}, or :{0} for every "
                                    "IPv4 address",
                                    address));
  }
  const auto parts = split_host_port(address);
  if (!parts) return refuse(text, parts.error().message);
  spec.host_port = std::string(address);
  return spec;
}

}  // namespace giliran::config
