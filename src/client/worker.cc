#include "client/worker.h"

#include "client/tcp_session.h"

namespace giliran::client {

Worker::Worker(Run& run, net::Io& io, const WorkerOptions& options, std::function<void()> on_done)
    : station_(run, io, options.sink, base::Rng(options.seed), options.live),
      on_done_(std::move(on_done)) {
  if (run.plan.protocol == Protocol::kHttp) http_ = std::make_unique<HttpStation>(run.plan);
  for (uint32_t i = 0; i < options.sessions; ++i) {
    if (http_ != nullptr) {
      sessions_.push_back(std::make_unique<HttpSession>(station_, *http_));
    } else {
      sessions_.push_back(std::make_unique<TcpSession>(station_));
    }
  }
  station_.live_sessions = options.sessions;
  station_.on_all_done = [this] { finish(); };
}

Worker::~Worker() = default;

void Worker::start() {
  for (const auto& session : sessions_) session->start();
}

void Worker::stop() {
  if (stopped_) return;
  stopped_ = true;
  answered_until_stop_ = station_.recorder.counts().answered;
  for (const auto& session : sessions_) session->on_stop();
}

void Worker::finish() {
  if (!stopped_) answered_until_stop_ = station_.recorder.counts().answered;
  stopped_ = true;
  on_done_();
}

}  // namespace giliran::client
