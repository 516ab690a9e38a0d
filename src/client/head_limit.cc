#include "client/head_limit.h"

#include <fmt/format.h>

#include "base/ids.h"
#include "base/parse.h"
#include "report/table.h"

namespace giliran::client {
namespace {

constexpr std::string_view kTraceparent = "traceparent";
constexpr size_t kShownOfUrl = 60;

}  // namespace

size_t head_bytes_beside(const Target& target) {
  size_t bytes = conn::kHeadOwnBytesMax + kTraceparent.size() + base::TraceParent::kTextSize +
                 conn::kFieldOwnBytes;
  for (const HeaderTemplate& header : target.headers) {
    bytes += header.name.size() + header.value.size_max() + conn::kFieldOwnBytes;
  }
  return bytes;
}

base::Result<void> check_head(const Target& target) {
  const size_t bytes = target.method.size() + target.path.size_max() + head_bytes_beside(target);
  if (bytes <= kHeadBytesMax) return {};
  return base::fail(fmt::format(
      "{}: its request head has up to {} bytes, more than head_bytes_max ({}): a shorter URL, "
      "or fewer or shorter header fields",
      report::printable(target.url, kShownOfUrl), bytes, base::format_bytes(kHeadBytesMax)));
}

}  // namespace giliran::client
