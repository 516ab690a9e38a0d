// Connections to servers that one worker keeps open between exchanges: leases streams, most
// recently used first; gives the least recently used up where there are too many, and each before
// servers usually do.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/slab.h"
#include "conn/client_connection.h"

namespace giliran::conn {

struct UpstreamOptions {
  ClientOptions client;
  base::Duration idle_timeout = std::chrono::seconds(4);
  uint32_t idle_max = 1024;
};

struct LeaseOptions {
  bool fresh = false;      // a new connection
  bool exclusive = false;  // never shared: closed after its exchange
  // An idle connection unused for longer is not taken.
  base::Duration idle_at_most = base::Duration::max();
  // Sent before all else; copied. Only with fresh and exclusive.
  std::string_view preamble = {};
};

class UpstreamPool final : private ClientConnectionOwner {
 public:
  // first_number, stride: connections are numbered first, first + stride, ... (unique over
  // workers).
  UpstreamPool(net::Io& io, const UpstreamOptions& options, uint64_t first_number, uint64_t stride);
  ~UpstreamPool();

  struct Lease {
    ClientConnection& connection;
    ClientStream& stream;
  };
  // A stream to the address for `key` (the endpoint's identity, a small dense number): on the idle
  // connection used last where there is one that `options` allow, else on a new one.
  Lease lease(uint64_t key, const base::Address& to, const LeaseOptions& options,
              ClientStreamEvents& events);
  Lease lease(uint64_t key, const base::Address& to, bool fresh, ClientStreamEvents& events) {
    return lease(key, to, LeaseOptions{.fresh = fresh}, events);
  }

  // Closes all idle connections, and those in use when they become idle.
  void drain();
  // Cuts everything.
  void shut();

  std::function<void()> on_empty;  // called when the last connection is gone; empty: nobody is told

  uint32_t idle() const { return idle_count_; }
  uint32_t open() const { return static_cast<uint32_t>(slab_.live()); }

  struct Counts {
    uint64_t opened = 0, reused = 0, evicted = 0, expired = 0;
  };
  const Counts& counts() const { return counts_; }

 private:
  struct Entry {
    Entry(UpstreamPool& pool, uint64_t number, uint64_t key_index, const base::Address& to);
    ClientConnection connection;
    uint64_t key;
    bool listed = false;     // in both lists below
    bool exclusive = false;  // closed when it becomes idle
    Entry* newer = nullptr;  // idle connections of this key, most recently used first
    Entry* older = nullptr;
    Entry* lru_newer = nullptr;  // idle connections of all keys
    Entry* lru_older = nullptr;
    Entry* all_next = nullptr;  // every open connection
    Entry* all_previous = nullptr;
  };

  void on_idle(ClientConnection& connection) override;
  void on_unusable(ClientConnection& connection) override;
  void on_connection_closed(ClientConnection& connection) override;
  Entry* idle_one(uint64_t key, const LeaseOptions& options) const;
  void link(Entry& entry);
  void unlink(Entry& entry);
  void on_expiry();

  net::Io& io_;
  const UpstreamOptions& options_;
  base::Slab<Entry> slab_;
  std::vector<Entry*> newest_;  // by key
  Entry* lru_newest_ = nullptr;
  Entry* lru_oldest_ = nullptr;
  Entry* all_ = nullptr;
  net::MemberTimer<UpstreamPool, &UpstreamPool::on_expiry> timer_{*this};
  uint64_t next_number_;
  uint64_t stride_;
  uint32_t idle_count_ = 0;
  bool draining_ = false;
  Counts counts_;
};

}  // namespace giliran::conn
