#include "client/conductor.h"

#include <algorithm>

#include "net/engine.h"

namespace giliran::client {
namespace {

// So that no thread begins an open loop late only because it is started late.
constexpr base::Duration kStartLead = std::chrono::milliseconds(2);
constexpr base::Duration kStartLeadPerThread = std::chrono::microseconds(100);
// Whether servers still answered is looked up in this last part of the issuing.
constexpr int kEndPart = 10;

}  // namespace

Conductor::Conductor(const Plan& plan, base::Clock& clock, ConductorOptions options)
    : plan_(plan), clock_(clock), options_(std::move(options)), run_(plan) {}

Conductor::~Conductor() = default;

base::Result<void> Conductor::prepare() {
  io_ = GILIRAN_TRY(net::make_epoll_io(clock_));
  // Not of the plan's seed: it is for trace ids, which two runs of one seed must not share, as
  // their logs may be read together.
  base::Rng rng(base::random_seed());
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
      .thread = static_cast<uint32_t>(index),
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
  if (plan_.loop == Loop::kOpen) started_ += kStartLead + kStartLeadPerThread * plan_.threads;
  run_.started = started_;
  cpu_before_ = base::process_cpu_time();
  if (plan_.warmup.count() != 0) io_->timers().arm(warm_timer_, started_ + plan_.warmup);
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

void Conductor::interrupt(int signal) {
  interrupted_by_ = signal;
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
  result.totals = Recorder(false, plan_.loop == Loop::kOpen);
  result.started = started_wall_;
  base::Instant last = stopped_;
  for (const auto& lane : lanes_) {
    result.totals.add(lane->worker->recorder());
    result.answered_issuing += lane->worker->answered_until_stop();
    last = std::max(last, lane->worker->last_answer());
  }
  const base::Instant until = stopped_ == base::Instant{} ? last : stopped_;
  result.elapsed = std::max(last - started_, base::Duration{});
  result.warmup = std::min(plan_.warmup, std::max(until - started_, base::Duration{}));
  result.issuing = std::max(until - started_ - plan_.warmup, base::Duration{});
  result.cpu = base::process_cpu_time() - cpu_before_;
  result.interrupted_by = interrupted_by_;
  result.logged = options_.log != nullptr;
  add_load(result);
  const Counts& counts = result.totals.counts();
  result.verdict = judge({.plan = plan_,
                          .due = counts.due,
                          .issued = counts.issued,
                          .answered = counts.answered,
                          .shortages = counts.shortages,
                          .issuing = result.issuing,
                          .service = result.totals.service_time(),
                          .response = result.totals.response_time(),
                          .lag = result.totals.lag(),
                          .wait = result.totals.wait(),
                          .cpu_share_busiest = result.cpu_share_busiest,
                          .all_busy_share = result.all_busy_share,
                          .answering_at_end = answering_at_end(result.totals)});
  return result;
}

void Conductor::add_load(RunResult& result) const {
  Worker::Load sum;
  for (const auto& lane : lanes_) {
    const Worker::Load& load = lane->worker->load();
    sum.time += load.time;
    sum.cpu += load.cpu;
    sum.all_busy += load.all_busy;
    if (load.time.count() <= 0) continue;
    result.cpu_share_busiest = std::max(result.cpu_share_busiest,
                                        base::to_seconds(load.cpu) / base::to_seconds(load.time));
  }
  if (sum.time.count() <= 0) return;
  result.cpu_share = base::to_seconds(sum.cpu) / base::to_seconds(sum.time);
  result.all_busy_share = base::to_seconds(sum.all_busy) / base::to_seconds(sum.time);
}

bool Conductor::answering_at_end(const Recorder& totals) const {
  const auto& slices = totals.slices();
  if (stopped_ == base::Instant{} || slices.empty()) return true;
  const base::Duration issuing = stopped_ - started_;
  const base::Duration from = issuing - std::max(issuing / kEndPart, totals.interval());
  const auto end = static_cast<size_t>(issuing / totals.interval()) + 1;
  uint64_t answers = 0;
  for (auto i = static_cast<size_t>(std::max(from, base::Duration{}) / totals.interval());
       i < std::min(end, slices.size()); ++i) {
    answers += slices[i].answered;
  }
  return answers != 0;
}

}  // namespace giliran::client
