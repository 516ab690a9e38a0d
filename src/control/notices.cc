#include "control/notices.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <cstring>

#include "base/parse.h"

namespace giliran::control {
namespace {

constexpr base::Duration kAgain = std::chrono::seconds(10);

}  // namespace

std::string describe(const proxy::ServerTrouble& trouble) {
  std::string text = fmt::format("server {} {}: ", trouble.server.name, trouble.why);
  if (trouble.left_out.count() == 0) {
    return text +
           fmt::format("it stays in use, as no other server of pool {} is up", trouble.pool.name);
  }
  const auto whole = std::chrono::floor<std::chrono::milliseconds>(trouble.left_out);
  text += fmt::format("left out for {}", base::format_duration(whole));
  if (trouble.alone) text += fmt::format("; no other server of pool {} is up", trouble.pool.name);
  return text;
}

bool OperatorNotices::again(base::Instant& told) {
  const base::Instant now = control_.now();
  if (told != base::Instant{} && now - told < kAgain) return false;
  told = now;
  return true;
}

void OperatorNotices::accept_paused(int error) {
  if (pause_posted_.exchange(true)) return;
  control_.post([this, error] {
    pause_posted_ = false;
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

void OperatorNotices::server_failed(const proxy::ServerTrouble& trouble) {
  control_.post([text = describe(trouble)] { spdlog::warn("{}", text); });
}

void OperatorNotices::server_up(const cluster::Endpoint& endpoint) {
  control_.post([name = endpoint.name] { spdlog::info("server {} is back", name); });
}

}  // namespace giliran::control
