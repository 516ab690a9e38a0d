#include "client/worker.h"

#include "client/tcp_session.h"

namespace giliran::client {

Worker::Worker(Run& run, net::Io& io, const WorkerOptions& options, std::function<void()> on_done)
    : station_(run, io, options.sink, options.thread, base::Rng(options.seed), options.live),
      on_done_(std::move(on_done)) {
  if (run.plan.protocol == Protocol::kHttp) http_ = std::make_unique<HttpStation>(run.plan);
  if (run.plan.loop == Loop::kOpen) {
    open_loop_ = std::make_unique<OpenLoop>(station_, options.thread, options.sessions);
    station_.open_loop = open_loop_.get();
  }
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
  began_ = station_.io.now();
  cpu_before_ = base::thread_cpu_time();
  const base::Instant planned = station_.run.started;
  const base::Instant started = planned == base::kNoDeadline ? began_ : planned;
  station_.recorder.measure_since(started + station_.plan.warmup);
  station_.recorder.begin_slices(started, station_.plan.interval);
  for (const auto& session : sessions_) session->start();
  if (open_loop_ != nullptr) open_loop_->start(started);
}

void Worker::stop() {
  if (stopped_) return;
  end_issuing();
  if (open_loop_ != nullptr) open_loop_->stop();
  for (const auto& session : sessions_) session->on_stop();
}

void Worker::finish() {
  if (!stopped_) end_issuing();
  on_done_();
}

void Worker::end_issuing() {
  stopped_ = true;
  answered_until_stop_ = station_.recorder.answered_measuring();
  const base::Instant now = station_.io.now();
  load_ = {.time = now - began_, .cpu = base::thread_cpu_time() - cpu_before_};
  if (open_loop_ != nullptr) load_.all_busy = open_loop_->all_busy(now);
}

}  // namespace giliran::client
