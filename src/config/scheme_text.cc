#include "config/scheme_text.h"

#include <fmt/format.h>

#include "base/text.h"

namespace giliran::config {

base::Result<std::optional<Scheme>> take_scheme(std::string_view& text) {
  const size_t end = text.find("://");
  // A "://" further back belongs to a path or a query.
  if (end == std::string_view::npos || text.find_first_of("/?#") < end) return std::nullopt;
  const std::string_view written = text.substr(0, end);
  std::optional<Scheme> scheme;
  if (base::equals_ignoring_case(written, "http")) scheme = Scheme::kHttp;
  if (base::equals_ignoring_case(written, "tcp")) scheme = Scheme::kTcp;
  if (scheme) {
    text.remove_prefix(end + 3);
    return scheme;
  }
  if (base::equals_ignoring_case(written, "https")) {
    return base::fail("https is not supported yet, use http://");
  }
  return base::fail(fmt::format("unknown scheme '{}', expected http:// or tcp://", written));
}

}  // namespace giliran::config
