#include "telemetry/log.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <thread>
#include <utility>

#include "base/assert.h"
#include "telemetry/entry.h"
#include "telemetry/log_sink.h"
#include "telemetry/log_writer.h"

namespace giliran::telemetry {

namespace {

constexpr auto kDrainInterval = std::chrono::milliseconds(20);
// How long a file may take nothing before the process ends without it.
constexpr auto kPatienceAtEnd = std::chrono::seconds(5);
constexpr auto kPatienceInHurry = std::chrono::milliseconds(500);

class FileLog final : public Log {
 public:
  FileLog(const LogOptions& options, base::Clock& clock) : writer_(options, clock) {
    for (size_t i = 0; i < options.workers; ++i) {
      sinks_.push_back(std::make_unique<RingSink>(options, waker_, closed_));
    }
    said_.resize(options.workers);
  }
  ~FileLog() override { close(); }

  base::Result<void> start() {
    if (auto opened = writer_.open(); !opened) return opened;
    // Signals are for the threads that expect them.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return {};
  }

  RecordSink& sink(size_t worker) override {
    GILIRAN_ASSERT(worker < sinks_.size());
    return *sinks_[worker];
  }
  void reopen() override {
    reopen_.store(true, std::memory_order_release);
    waker_.wake();
  }
  void hurry() override { writer_.be_patient_for(kPatienceInHurry); }
  void finish(std::function<void()> finished) override {
    if (!thread_.joinable()) return finished ? finished() : void();
    if (stop_.load(std::memory_order_relaxed)) return;
    finished_ = std::move(finished);
    writer_.be_patient_for(kPatienceAtEnd);
    stop_.store(true, std::memory_order_release);
    waker_.wake();
  }
  void close() override {
    finish({});
    if (thread_.joinable()) thread_.join();
  }
  Counts counts() const override {
    Counts counts = writer_.counts();
    for (const auto& sink : sinks_) counts.dropped += sink->dropped();
    return counts;
  }

 private:
  void run() {
    do {
      work();
      pause();
    } while (!stop_.load(std::memory_order_acquire));
    // Whoever is still waiting for room gets it, until nothing is left.
    work_off();
    closed_.store(true, std::memory_order_release);
    work_off();
    writer_.end();
    work_off();
    writer_.sum_up();
    if (finished_) finished_();
  }

  void pause() {
    if (writer_.blocked()) {
      writer_.wait();
    } else {
      waker_.wait(kDrainInterval);
    }
  }

  void work_off() {
    while (work()) {
      if (writer_.blocked()) writer_.wait();
    }
  }

  // One look at every ring, then a write of everything seen. True where something was there, or is
  // still to be written.
  bool work() {
    if (reopen_.exchange(false, std::memory_order_acq_rel)) writer_.reopen();
    writer_.flush();
    bool any = false;
    for (size_t i = 0; i < sinks_.size(); ++i) any = drain(i) || any;
    if (any && !writer_.blocked()) writer_.flush();
    return any || writer_.blocked();
  }

  bool drain(size_t worker) {
    const uint64_t dropped = sinks_[worker]->dropped();
    Ring& ring = sinks_[worker]->ring();
    // Bounded, so that one busy ring does not keep the others waiting.
    size_t left = ring.capacity();
    std::string_view bytes;
    Entry entry;
    while (left != 0 && !writer_.blocked() && (bytes = ring.front()).data() != nullptr) {
      read_entry(bytes, entry);
      say_dropped(worker, entry.dropped);
      writer_.take(entry.record);
      left -= std::min(left, bytes.size());
      ring.pop();
    }
    // Nothing is between what was dropped last and now: it is said although no record follows.
    if (left != 0 && !writer_.blocked()) say_dropped(worker, dropped);
    return left != ring.capacity();
  }

  void say_dropped(size_t worker, uint64_t dropped) {
    if (dropped <= said_[worker]) return;
    writer_.take_dropped(dropped - std::exchange(said_[worker], dropped));
  }

  LogWriter writer_;
  Waker waker_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> closed_{false};
  std::atomic<bool> reopen_{false};
  std::function<void()> finished_;  // the log thread's, once stop_
  std::vector<std::unique_ptr<RingSink>> sinks_;
  std::vector<uint64_t>
      said_;  // the log thread's: dropped records, by worker, that the log told of
  std::thread thread_;
};

// --log was not given.
class NoLog final : public Log {
 public:
  RecordSink& sink(size_t) override { return sink_; }
  void reopen() override {}
  void hurry() override {}
  void finish(std::function<void()> finished) override {
    if (finished) finished();
  }
  void close() override {}
  Counts counts() const override { return {}; }

 private:
  NullSink sink_;
};

}  // namespace

bool goes_to_terminal(const std::string& path) {
  return path == "-" && ::isatty(STDOUT_FILENO) == 1;
}

base::Result<std::unique_ptr<Log>> Log::open(const LogOptions& options, base::Clock& clock) {
  if (options.path.empty()) return std::make_unique<NoLog>();
  auto log = std::make_unique<FileLog>(options, clock);
  if (auto started = log->start(); !started) return std::unexpected(started.error());
  return log;
}

}  // namespace giliran::telemetry
