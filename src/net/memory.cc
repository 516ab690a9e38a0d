#include "net/memory.h"

#include <algorithm>

#include "base/assert.h"
#include "net/memory_io.h"

namespace giliran::net {
namespace {

bool later(const MemoryNetwork::Event& a, const MemoryNetwork::Event& b) {
  return a.time != b.time ? a.time > b.time : a.number > b.number;
}

bool listens_for(const base::Address& listener, const base::Address& to) {
  if (listener == to) return true;
  const base::Address any = base::Address::ipv4(0, to.port());
  return to.family() == AF_INET && listener == any;
}

}  // namespace

void MemoryNetwork::at(base::Instant time, Task task) {
  events.push_back({.time = time, .number = next_number++, .task = std::move(task)});
  std::push_heap(events.begin(), events.end(), later);
}

MemoryNetwork::Task MemoryNetwork::take_first() {
  std::pop_heap(events.begin(), events.end(), later);
  Event event = std::move(events.back());
  events.pop_back();
  clock.set(std::max(clock.now(), event.time));
  return std::move(event.task);
}

base::Duration MemoryNetwork::delay() {
  const base::Duration range = options.delay_max - options.delay_min;
  GILIRAN_ASSERT(range.count() >= 0);
  return options.delay_min +
         base::Duration(static_cast<int64_t>(rng.below(static_cast<uint64_t>(range.count()) + 1)));
}

const MemoryListener* MemoryNetwork::pick_listener(const base::Address& to) {
  uint64_t count = 0;
  for (const MemoryListener& one : listeners) count += listens_for(one.address, to) ? 1 : 0;
  if (count == 0) return nullptr;
  uint64_t chosen = rng.below(count);
  for (const MemoryListener& one : listeners) {
    if (listens_for(one.address, to) && chosen-- == 0) return &one;
  }
  return nullptr;
}

struct MemoryWorld::Impl {
  Impl(uint64_t seed, MemoryOptions options) : network(seed, options) {}

  // The loop whose timers are due first, and when.
  MemoryIo* first_timer(base::Instant& when) {
    MemoryIo* first = nullptr;
    when = base::kNoDeadline;
    for (const std::unique_ptr<MemoryIo>& io : ios) {
      const base::Instant next = io->timers().next();
      if (next >= when) continue;
      when = next;
      first = io.get();
    }
    return first;
  }

  // Runs what comes next, where that is not after `until`. False where there was nothing.
  bool step(base::Instant until, size_t& count) {
    base::Instant timer_time;
    MemoryIo* const io = first_timer(timer_time);
    const base::Instant event_time =
        network.events.empty() ? base::kNoDeadline : network.events.front().time;
    const base::Instant time = std::min(timer_time, event_time);
    if (time == base::kNoDeadline || time > until) return false;
    if (event_time <= timer_time) {
      MemoryNetwork::Task task = network.take_first();
      task();
      ++count;
      return true;
    }
    network.clock.set(std::max(network.clock.now(), timer_time));
    count += io->timers().advance(network.clock.now());
    return true;
  }

  MemoryNetwork network;
  std::vector<std::unique_ptr<MemoryIo>> ios;
};

MemoryWorld::MemoryWorld(uint64_t seed, MemoryOptions options)
    : impl_(std::make_unique<Impl>(seed, options)) {}

MemoryWorld::~MemoryWorld() {
  // Tasks that never ran may hold slices of the loops' pools.
  impl_->network.events.clear();
}

Io& MemoryWorld::add_io() {
  impl_->ios.push_back(std::make_unique<MemoryIo>(impl_->network));
  return *impl_->ios.back();
}

base::Clock& MemoryWorld::clock() {
  return impl_->network.clock;
}
base::Rng& MemoryWorld::rng() {
  return impl_->network.rng;
}
MemoryOptions& MemoryWorld::options() {
  return impl_->network.options;
}

void MemoryWorld::set_reach(const base::Address& address, Reach reach) {
  impl_->network.reach[address.text()] = reach;
}

void MemoryWorld::reset_all(const base::Address& address) {
  for (const std::unique_ptr<MemoryIo>& io : impl_->ios) io->reset_all(address);
}

size_t MemoryWorld::run_until(base::Instant until) {
  size_t count = 0;
  while (impl_->step(until, count)) {
  }
  if (until != base::kNoDeadline) {
    impl_->network.clock.set(std::max(impl_->network.clock.now(), until));
  }
  return count;
}

size_t MemoryWorld::run_for(base::Duration d) {
  return run_until(clock().now() + d);
}

}  // namespace giliran::net
