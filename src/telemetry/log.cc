#include "telemetry/log.h"

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <thread>

#include "base/assert.h"
#include "telemetry/entry.h"
#include "telemetry/log_file.h"
#include "telemetry/ring.h"

namespace giliran::telemetry {

namespace {

constexpr auto kDrainInterval = std::chrono::milliseconds(20);
constexpr auto kWaitForRoom = std::chrono::microseconds(200);
constexpr size_t kWriteBytes = size_t{256} << 10;

// Wakes the log thread before its interval is over. A wake-up may be missed: the interval bounds
// what that costs, and the producer needs no lock.
class Waker {
 public:
  void wake() {
    if (!asked_.exchange(true, std::memory_order_relaxed)) condition_.notify_one();
  }
  void wait(base::Duration at_most) {
    std::unique_lock lock(mutex_);
    condition_.wait_for(lock, at_most, [this] { return asked_.load(std::memory_order_relaxed); });
    asked_.store(false, std::memory_order_relaxed);
  }

 private:
  std::mutex mutex_;
  std::condition_variable condition_;
  std::atomic<bool> asked_{false};
};

class RingSink final : public RecordSink {
 public:
  RingSink(const LogOptions& options, Waker& waker, const std::atomic<bool>& closed)
      : ring_(options.ring_bytes), full_(options.full), waker_(waker), closed_(closed) {}

  void write(const Record& record) override {
    if (!put_entry(record, undeclared_, ring_) && !wait_for_room(record)) {
      ++undeclared_;
      dropped_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    undeclared_ = 0;
    wake_where_half_full();
  }

  Ring& ring() { return ring_; }
  uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  // False where the record is to be dropped: by choice, or because nobody reads any more.
  bool wait_for_room(const Record& record) {
    if (full_ == LogFull::kDrop) return false;
    while (!closed_.load(std::memory_order_acquire)) {
      waker_.wake();
      base::sleep_blocking(kWaitForRoom);
      if (put_entry(record, undeclared_, ring_)) return true;
    }
    return false;
  }

  void wake_where_half_full() {
    const size_t half = ring_.capacity() / 2;
    if (ring_.used_at_most() < half) {
      woke_ = false;
    } else if (ring_.used() < half) {
      woke_ = false;
    } else if (!woke_) {
      woke_ = true;
      waker_.wake();
    }
  }

  Ring ring_;
  LogFull full_;
  Waker& waker_;
  const std::atomic<bool>& closed_;
  bool woke_ = false;
  uint64_t undeclared_ = 0;  // dropped since the last record that got in
  std::atomic<uint64_t> dropped_{0};
};

class FileLog final : public Log {
 public:
  FileLog(const LogOptions& options, base::Clock& clock)
      : tier_(options.tier),
        clock_(clock),
        file_(options.path, clock),
        encoder_(options.format, options.process) {
    for (size_t i = 0; i < options.workers; ++i) {
      sinks_.push_back(std::make_unique<RingSink>(options, waker_, closed_));
    }
    declared_.resize(options.workers);
    buffer_.reserve(kWriteBytes * 2);
  }
  ~FileLog() override { close(); }

  base::Result<void> start() {
    if (auto opened = file_.open(); !opened) return opened;
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
  void close() override {
    if (!thread_.joinable()) return;
    stop_.store(true, std::memory_order_release);
    waker_.wake();
    thread_.join();
  }
  Counts counts() const override {
    Counts counts{.written = written_.load(std::memory_order_relaxed),
                  .dropped = lost_.load(std::memory_order_relaxed),
                  .write_errors = write_errors_.load(std::memory_order_relaxed),
                  .left_out = left_out_.load(std::memory_order_relaxed)};
    for (const auto& sink : sinks_) counts.dropped += sink->dropped();
    return counts;
  }

 private:
  void run() {
    while (!stop_.load(std::memory_order_acquire)) {
      waker_.wait(kDrainInterval);
      drain_all();
      if (reopen_.exchange(false, std::memory_order_acq_rel)) file_.reopen();
    }
    // Whoever is still waiting for room gets it, until nothing is left.
    while (drain_all()) {
    }
    closed_.store(true, std::memory_order_release);
    drain_all();
    for (size_t i = 0; i < sinks_.size(); ++i) declare(i, sinks_[i]->dropped() - declared_[i]);
    flush();
  }

  // One look at every ring, then a write of everything seen. True where there was something.
  bool drain_all() {
    bool any = false;
    for (size_t i = 0; i < sinks_.size(); ++i) any = drain(i) || any;
    flush();
    return any;
  }

  bool drain(size_t worker) {
    Ring& ring = sinks_[worker]->ring();
    // Bounded, so that one busy ring does not keep the others waiting.
    size_t left = ring.capacity();
    std::string_view bytes;
    Entry entry;
    while (left != 0 && (bytes = ring.front()).data() != nullptr) {
      read_entry(bytes, entry);
      if (entry.dropped_before != 0) declare(worker, entry.dropped_before);
      if (encoder_.append(entry.record, buffer_)) {
        ++buffered_;
      } else {
        left_out_.fetch_add(1, std::memory_order_relaxed);
      }
      left -= std::min(left, bytes.size());
      ring.pop();
      if (buffer_.size() >= kWriteBytes) flush();
    }
    return left != ring.capacity();
  }

  void declare(size_t worker, uint64_t dropped) {
    declared_[worker] += dropped;
    const uint64_t count = dropped + undeclared_lost_;
    undeclared_lost_ = 0;
    if (count == 0) return;
    encoder_.append_dropped(tier_, count, clock_.wall(), buffer_);
    declarations_.push_back({.end = buffer_.size(), .count = count});
  }

  void flush() {
    if (buffer_.empty()) return;
    const size_t lost = file_.write(buffer_);
    uint64_t records_lost = 0;
    if (lost != 0) {
      const std::string_view suffix = std::string_view(buffer_).substr(buffer_.size() - lost);
      records_lost = static_cast<uint64_t>(std::count(suffix.begin(), suffix.end(), '\n'));
      undeclared_lost_ += lost_declarations(buffer_.size() - lost, records_lost) + records_lost;
    }
    write_errors_.store(file_.errors(), std::memory_order_relaxed);
    lost_.fetch_add(records_lost, std::memory_order_relaxed);
    written_.fetch_add(buffered_ - records_lost, std::memory_order_relaxed);
    buffered_ = 0;
    declarations_.clear();
    buffer_.clear();
  }

  // Takes the lines that said how much was dropped off `lines`; returns what they said.
  uint64_t lost_declarations(size_t written, uint64_t& lines) const {
    uint64_t count = 0;
    for (const Declaration& d : declarations_) {
      if (d.end <= written) continue;
      count += d.count;
      --lines;
    }
    return count;
  }

  struct Declaration {
    size_t end;  // of its line in `buffer_`
    uint64_t count;
  };

  Tier tier_;
  base::Clock& clock_;
  LogFile file_;
  LineEncoder encoder_;  // the log thread's
  Waker waker_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> closed_{false};
  std::atomic<bool> reopen_{false};
  std::atomic<uint64_t> written_{0};
  std::atomic<uint64_t> lost_{0};
  std::atomic<uint64_t> write_errors_{0};
  std::atomic<uint64_t> left_out_{0};
  std::vector<std::unique_ptr<RingSink>> sinks_;
  // The log thread's.
  std::string buffer_;
  uint64_t buffered_ = 0;                  // records in `buffer_`
  std::vector<Declaration> declarations_;  // in `buffer_`
  std::vector<uint64_t> declared_;         // records dropped, by worker, that the log told of
  uint64_t undeclared_lost_ = 0;           // lost to failed writes, not yet said in the log
  std::thread thread_;
};

// --log was not given.
class NoLog final : public Log {
 public:
  RecordSink& sink(size_t) override { return sink_; }
  void reopen() override {}
  void close() override {}
  Counts counts() const override { return {}; }

 private:
  NullSink sink_;
};

}  // namespace

base::Result<std::unique_ptr<Log>> Log::open(const LogOptions& options, base::Clock& clock) {
  if (options.path.empty()) return std::make_unique<NoLog>();
  auto log = std::make_unique<FileLog>(options, clock);
  if (auto started = log->start(); !started) return std::unexpected(started.error());
  return log;
}

}  // namespace giliran::telemetry
