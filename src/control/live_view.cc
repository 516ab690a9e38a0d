// Nothing of this exists where no terminal shows it: a worker is then given its log's sink itself.
// Where it is, its records pass a Meter, and once a second it is asked by mailbox.
#include "control/live_view.h"

#include <spdlog/sinks/sink.h>
#include <spdlog/spdlog.h>

#include <utility>

namespace giliran::control {
namespace {

constexpr base::Duration kLookEvery = std::chrono::seconds(1);

// Diagnostics go above the block.
class AboveScreen final : public spdlog::sinks::sink {
 public:
  AboveScreen(terminal::LiveScreen& screen, spdlog::sink_ptr inner)
      : screen_(screen), inner_(std::move(inner)) {}

  void log(const spdlog::details::log_msg& message) override {
    screen_.above([&] {
      inner_->log(message);
      inner_->flush();
      return true;
    });
  }
  void flush() override { inner_->flush(); }
  void set_pattern(const std::string& pattern) override { inner_->set_pattern(pattern); }
  void set_formatter(std::unique_ptr<spdlog::formatter> formatter) override {
    inner_->set_formatter(std::move(formatter));
  }
  const spdlog::sink_ptr& inner() const { return inner_; }

 private:
  terminal::LiveScreen& screen_;
  spdlog::sink_ptr inner_;
};

}  // namespace

LiveView::LiveView(net::Io& control, Fleet& fleet, Snapshot snapshot)
    : control_(control), fleet_(fleet), snapshot_(std::move(snapshot)) {
  for (spdlog::sink_ptr& sink : spdlog::default_logger()->sinks()) {
    sink = std::make_shared<AboveScreen>(screen_, sink);
  }
}

LiveView::~LiveView() {
  for (spdlog::sink_ptr& sink : spdlog::default_logger()->sinks()) {
    if (const auto ours = std::dynamic_pointer_cast<AboveScreen>(sink)) sink = ours->inner();
  }
}

telemetry::RecordSink& LiveView::meter(telemetry::RecordSink& sink) {
  answers_.emplace_back();
  return *meters_.emplace_back(std::make_unique<Meter>(sink));
}

void LiveView::start() {
  started_ = looked_ = control_.now();
  servers();  // from here on
  control_.arm(timer_, kLookEvery);
}

void LiveView::stop() {
  stopped_ = true;
  control_.timers().disarm(timer_);
  screen_.clear();
}

// Armed again when all have answered: a worker that is late is not asked twice.
void LiveView::ask() {
  fleet_.on_each(
      [this](size_t i, const proxy::Worker& worker) {
        answers_[i] = {.seen = meters_[i]->take(),
                       .connections = worker.open(),
                       .in_flight = uint64_t{worker.open_exchanges()} + worker.open_flows()};
      },
      [this] {
        if (stopped_) return;
        control_.arm(timer_, kLookEvery);
        show();
      });
}

void LiveView::show() {
  const base::Instant now = control_.now();
  LiveFigures figures{.records_before = records_, .errors_before = errors_};
  for (const Answer& answer : answers_) {
    figures.seen.add(answer.seen);
    figures.connections += answer.connections;
    figures.in_flight += answer.in_flight;
  }
  figures.interval = now - std::exchange(looked_, now);
  figures.up = now - started_;
  figures.servers = servers();
  records_ += figures.seen.records;
  errors_ += figures.seen.errors;
  const auto size = terminal::LiveScreen::size();
  screen_.show(live_lines(figures, size.columns - 1, size.rows - 1));
}

// Each endpoint with how often it was chosen since the look before.
std::vector<terminal::Share> LiveView::servers() {
  const cluster::Snapshot& now = snapshot_();
  const auto before = std::exchange(chosen_, {});
  std::vector<terminal::Share> shares;
  for (const auto& pool : now.pools) {
    for (const auto& endpoint : pool->endpoints) {
      const uint64_t chosen = endpoint->live.chosen.load(std::memory_order_relaxed);
      const bool down = endpoint->backoff.look(control_.now()) != health::Verdict::kUp;
      const auto was = before.find(endpoint.get());
      shares.push_back({.name = endpoint->name,
                        .count = chosen - (was == before.end() ? 0 : was->second),
                        .note = down ? "left out" : ""});
      chosen_.emplace(endpoint.get(), chosen);
    }
  }
  return shares;
}

}  // namespace giliran::control
