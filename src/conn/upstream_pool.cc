#include "conn/upstream_pool.h"

namespace giliran::conn {

UpstreamPool::Entry::Entry(UpstreamPool& pool, uint64_t number, uint64_t key_index,
                           const base::Address& to)
    : connection(pool.io_, to, number, pool.options_.client, pool), key(key_index) {
  connection.user = this;
}

UpstreamPool::UpstreamPool(net::Io& io, const UpstreamOptions& options, uint64_t first_number,
                           uint64_t stride)
    : io_(io), options_(options), next_number_(first_number), stride_(stride) {}

UpstreamPool::~UpstreamPool() = default;

// The one used last is also the one that has been idle shortest.
UpstreamPool::Entry* UpstreamPool::idle_one(uint64_t key, const LeaseOptions& options) const {
  Entry* const entry = options.fresh ? nullptr : newest_[key];
  if (entry == nullptr) return nullptr;
  const base::Duration unused = io_.turn_started() - entry->connection.idle_since();
  return unused <= options.idle_at_most ? entry : nullptr;
}

UpstreamPool::Lease UpstreamPool::lease(uint64_t key, const base::Address& to,
                                        const LeaseOptions& options, ClientStreamEvents& events) {
  GILIRAN_ASSERT(options.preamble.empty() || (options.fresh && options.exclusive));
  if (key >= newest_.size()) newest_.resize(key + 1, nullptr);
  Entry* entry = idle_one(key, options);
  if (entry != nullptr) {
    unlink(*entry);
    ++counts_.reused;
  } else {
    entry = &slab_.make(*this, next_number_, key, to);
    next_number_ += stride_;
    ++counts_.opened;
    entry->all_next = all_;
    if (all_ != nullptr) all_->all_previous = entry;
    all_ = entry;
    if (!options.preamble.empty()) entry->connection.send_preamble(options.preamble);
  }
  entry->exclusive = options.exclusive;
  return {entry->connection, entry->connection.start(events)};
}

void UpstreamPool::link(Entry& entry) {
  GILIRAN_ASSERT(!entry.listed);
  entry.listed = true;
  entry.newer = nullptr;
  entry.older = newest_[entry.key];
  if (entry.older != nullptr) entry.older->newer = &entry;
  newest_[entry.key] = &entry;
  entry.lru_newer = nullptr;
  entry.lru_older = lru_newest_;
  if (lru_newest_ != nullptr) lru_newest_->lru_newer = &entry;
  lru_newest_ = &entry;
  if (lru_oldest_ == nullptr) lru_oldest_ = &entry;
  ++idle_count_;
}

void UpstreamPool::unlink(Entry& entry) {
  if (!entry.listed) return;
  entry.listed = false;
  if (entry.newer != nullptr) {
    entry.newer->older = entry.older;
  } else {
    newest_[entry.key] = entry.older;
  }
  if (entry.older != nullptr) entry.older->newer = entry.newer;
  if (entry.lru_newer != nullptr) {
    entry.lru_newer->lru_older = entry.lru_older;
  } else {
    lru_newest_ = entry.lru_older;
  }
  if (entry.lru_older != nullptr) {
    entry.lru_older->lru_newer = entry.lru_newer;
  } else {
    lru_oldest_ = entry.lru_newer;
  }
  --idle_count_;
}

void UpstreamPool::on_idle(ClientConnection& connection) {
  auto& entry = *static_cast<Entry*>(connection.user);
  if (draining_ || entry.exclusive) {
    connection.shut();
    return;
  }
  link(entry);
  if (idle_count_ > options_.idle_max) {
    ++counts_.evicted;
    lru_oldest_->connection.shut();
  }
  if (!timer_.armed()) io_.arm(timer_, options_.idle_timeout);
}

void UpstreamPool::on_unusable(ClientConnection& connection) {
  unlink(*static_cast<Entry*>(connection.user));
}

void UpstreamPool::on_connection_closed(ClientConnection& connection) {
  auto& entry = *static_cast<Entry*>(connection.user);
  GILIRAN_ASSERT(!entry.listed);
  if (entry.all_previous != nullptr) {
    entry.all_previous->all_next = entry.all_next;
  } else {
    all_ = entry.all_next;
  }
  if (entry.all_next != nullptr) entry.all_next->all_previous = entry.all_previous;
  slab_.destroy(entry);
  if (slab_.live() == 0 && on_empty) on_empty();
}

void UpstreamPool::on_expiry() {
  while (lru_oldest_ != nullptr) {
    const base::Instant expiry = lru_oldest_->connection.idle_since() + options_.idle_timeout;
    if (expiry > io_.turn_started()) {
      io_.timers().arm(timer_, expiry);
      return;
    }
    ++counts_.expired;
    lru_oldest_->connection.shut();
  }
}

void UpstreamPool::drain() {
  draining_ = true;
  while (lru_oldest_ != nullptr) lru_oldest_->connection.shut();
}

void UpstreamPool::shut() {
  draining_ = true;
  for (Entry* entry = all_; entry != nullptr; entry = entry->all_next) entry->connection.shut();
}

}  // namespace giliran::conn
