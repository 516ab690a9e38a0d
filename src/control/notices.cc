#include "control/notices.h"

#include <spdlog/spdlog.h>

#include <cstring>

#include "base/parse.h"

namespace giliran::control {
namespace {

constexpr base::Duration kAgain = std::chrono::seconds(10);

}  // namespace

bool OperatorNotices::again(base::Instant& told) {
  const base::Instant now = control_.now();
  if (told != base::Instant{} && now - told < kAgain) return false;
  told = now;
  return true;
}

void OperatorNotices::accept_paused(int error) {
  control_.post([this, error] {
    if (!again(pause_told_)) return;
    spdlog::warn(
        "accepting pauses: {}; raise the limit (ulimit -n, LimitNOFILE=) or lower "
        "connections_max or idle_timeout",
        std::strerror(error));
  });
}

void OperatorNotices::connections_full(const std::string& listener) {
  if (full_posted_.exchange(true)) return;
  control_.post([this, listener] {
    full_posted_ = false;
    if (!again(full_told_)) return;
    spdlog::warn("{} has reached connections_max: more are answered 503, or closed",
                 listener.empty() ? "the coordinator" : "listener " + listener);
  });
}

void OperatorNotices::memory_full(uint32_t ended) {
  ended_ += ended;
  if (memory_posted_.exchange(true)) return;
  control_.post([this] {
    memory_posted_ = false;
    if (!again(memory_told_)) return;
    spdlog::warn("memory_max is reached: {} connections that held most were ended",
                 ended_.exchange(0));
  });
}

void OperatorNotices::server_down(const cluster::Endpoint& endpoint, base::Duration left_out,
                                  int error) {
  control_.post([name = endpoint.name, left_out, error] {
    spdlog::warn("server {} does not connect ({}): left out for {}", name, std::strerror(error),
                 base::format_duration(std::chrono::floor<std::chrono::milliseconds>(left_out)));
  });
}

void OperatorNotices::server_up(const cluster::Endpoint& endpoint) {
  control_.post([name = endpoint.name] { spdlog::info("server {} is back", name); });
}

}  // namespace giliran::control
