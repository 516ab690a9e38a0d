#include "client/conductor.h"

#include <algorithm>

#include "net/engine.h"

namespace giliran::client {

Conductor::Conductor(const Plan& plan, base::Clock& clock, ConductorOptions options)
    : plan_(plan), clock_(clock), options_(std::move(options)), run_(plan) {}

Conductor::~Conductor() = default;

base::Result<void> Conductor::prepare() {
  io_ = GILIRAN_TRY(net::make_epoll_io(clock_));
  base::Rng rng(plan_.seed);
  for (size_t i = 0; i < plan_.threads; ++i) {
    lanes_.push_back(std::make_unique<Lane>());
    lanes_.back()->io = GILIRAN_TRY(net::make_epoll_io(clock_));
    add_lane(i, rng);
  }
  return {};
}

void Conductor::add_lane(size_t index, base::Rng& rng) {
  Lane& lane = *lanes_[index];
  const uint32_t share = plan_.connections / plan_.threads;
  const bool one_more = index < plan_.connections % plan_.threads;
  const WorkerOptions options{
      .sessions = share + (one_more ? 1 : 0),
      .sink = options_.log == nullptr ? nullptr : &options_.log->sink(index),
      .seed = rng.next(),
      .live = options_.look_every.count() != 0};
  lane.worker = std::make_unique<Worker>(run_, *lane.io, options, [this] {
    io_->post([this] {
      --running_;
      end_where_all_done();
    });
  });
}

RunResult Conductor::run() {
  running_ = lanes_.size();
  started_wall_ = clock_.wall();
  started_ = clock_.now();
  cpu_before_ = base::process_cpu_time();
  if (plan_.duration.count() != 0) {
    io_->timers().arm(deadline_timer_, started_ + plan_.duration);
  }
  if (options_.look_every.count() != 0) {
    io_->timers().arm(look_timer_, started_ + options_.look_every);
  }
  for (const auto& lane : lanes_) {
    lane->io->post([worker = lane->worker.get()] { worker->start(); });
    lane->thread = std::thread([io = lane->io.get()] { io->run(); });
  }
  io_->run();
  for (const auto& lane : lanes_) {
    lane->io->stop();
    lane->thread.join();
  }
  const RunResult finished = result();
  if (options_.look_every.count() != 0) {
    Live last;
    for (const auto& lane : lanes_) last.add(lane->worker->take_live());
    look(std::move(last));
  }
  return finished;
}

void Conductor::interrupt() {
  interrupted_ = true;
  stop_issuing();
}

void Conductor::stop_issuing() {
  if (stopped_ != base::Instant{}) return;
  stopped_ = clock_.now();
  run_.rule.stop();
  for (const auto& lane : lanes_) {
    lane->io->post([worker = lane->worker.get()] { worker->stop(); });
  }
}

void Conductor::on_look_timer() {
  io_->timers().arm(look_timer_, look_timer_.deadline() + options_.look_every);
  if (looks_due_ != 0 || running_ == 0) return;  // a thread is late: the next look shows more
  looks_due_ = lanes_.size();
  looking_ = {};
  for (const auto& lane : lanes_) {
    lane->io->post([this, worker = lane->worker.get()] {
      io_->post([this, live = worker->take_live()] { on_live(live); });
    });
  }
}

void Conductor::on_live(const Live& live) {
  looking_.add(live);
  if (--looks_due_ == 0) look(std::move(looking_));
  end_where_all_done();
}

void Conductor::look(Live live) {
  meter_.look(std::move(live), clock_.now() - started_);
  if (options_.on_look) options_.on_look(meter_);
}

void Conductor::end_where_all_done() {
  if (running_ == 0 && looks_due_ == 0) io_->stop();
}

RunResult Conductor::result() const {
  RunResult result;
  result.plan = plan_;
  result.started = started_wall_;
  base::Instant last = stopped_;
  for (const auto& lane : lanes_) {
    result.totals.add(lane->worker->recorder());
    result.answered_issuing += lane->worker->answered_until_stop();
    last = std::max(last, lane->worker->last_answer());
  }
  result.elapsed = last - started_;
  result.issuing = stopped_ == base::Instant{} ? result.elapsed : stopped_ - started_;
  result.cpu = base::process_cpu_time() - cpu_before_;
  result.interrupted = interrupted_;
  result.logged = options_.log != nullptr;
  return result;
}

}  // namespace giliran::client
