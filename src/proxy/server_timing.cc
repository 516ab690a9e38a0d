#include "proxy/server_timing.h"

#include <fmt/format.h>

#include <algorithm>

namespace giliran::proxy {
namespace {

double ms(base::Duration duration) {
  return base::to_seconds(std::max(duration, base::Duration{})) * 1e3;
}

}  // namespace

std::string_view format_server_timing(const PhasesSoFar& phases,
                                      std::span<char, kServerTimingBytesMax> out) {
  const auto end = fmt::format_to_n(
      out.data(), out.size(), "gl-queue;dur={:.3f}, gl-connect;dur={:.3f}, gl-wait;dur={:.3f}",
      ms(phases.queue), ms(phases.connect), ms(phases.wait));
  return {out.data(), std::min(end.size, out.size())};
}

}  // namespace giliran::proxy
