// For tests: real workers on an in-memory network, with servers and clients a test scripts byte by
// byte.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "net/memory.h"
#include "net/test_loop.h"
#include "net/test_peer.h"
#include "proxy/worker.h"

namespace giliran::proxy {

// What nearly all of these tests say.
using telemetry::By;
using telemetry::End;
using telemetry::Phase;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

struct KeptRecord {
  telemetry::Record record;  // its texts are below
  std::string server, tried, method, target, host, reason, pool, policy, name, route, upgrade;
};

class RecordBook final : public telemetry::RecordSink {
 public:
  explicit RecordBook(std::vector<KeptRecord>& all) : all_(all) {}
  void write(const telemetry::Record& r) override {
    const auto text = [](std::string_view view) { return std::string(view); };
    all_.push_back({r, text(r.server), text(r.tried), text(r.method), text(r.target), text(r.host),
                    text(r.reason), text(r.pool), text(r.policy), text(r.process_name),
                    text(r.route), text(r.upgrade)});
  }

 private:
  std::vector<KeptRecord>& all_;
};

// A server: every request whose head has come is handed to on_request, in order.
class TestServer {
 public:
  TestServer(net::Io& io, uint16_t port) : address(base::Address::loopback(port)), listener(io) {
    listener.on_peer = [this](net::TestPeer& peer) {
      ++connections;
      peer.on_data = [this, &peer] { on_data(peer); };
    };
    listener.listen(address);
  }

  base::Address address;
  net::TestListener listener;
  int connections = 0;
  std::vector<std::string> requests;  // all that came of them so far; bodies too, unless `answer`
  std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
  std::function<void(net::TestPeer&, const std::string& head)> on_request;  // instead of `answer`

 private:
  void on_data(net::TestPeer& peer) {
    if (peer.ended) return peer.close();
    for (;;) {
      const size_t end = peer.incoming.find("\r\n\r\n");
      if (end == std::string::npos) return;
      requests.push_back(peer.incoming.substr(0, end + 4));
      peer.incoming.erase(0, end + 4);
      if (on_request) {
        on_request(peer, requests.back());
      } else {
        peer.send(answer);
      }
    }
  }
};

class ProxyTest : public testing::Test, public Notices {
 protected:
  static constexpr uint16_t kHttpPort = 8080;
  static constexpr uint16_t kTcpPort = 8081;
  static constexpr uint16_t kServerPort = 9000;

  struct Member {
    net::Io& io;
    RecordBook book;
    std::unique_ptr<Worker> worker;
    bool drained = false;
  };

  // Servers on 9000 and up, `workers` workers on 8080 (HTTP) and 8081 (TCP).
  void start(size_t servers, uint32_t workers = 1, const std::string& policy = "round-robin") {
    std::vector<cluster::Member> members;
    for (size_t i = 0; i < servers; ++i) {
      const auto port = static_cast<uint16_t>(kServerPort + i);
      servers_.push_back(std::make_unique<TestServer>(peers_, port));
      members.push_back({.name = "s" + std::to_string(i), .address = servers_[i]->address});
    }
    cluster::Snapshot snapshot;
    pool_config_.name = "default";
    pool_config_.policy = policy;
    pool_ = *cluster::make_pool(pool_config_, members);
    snapshot.pools.push_back(pool_);
    listener_config_.pool = "default";
    const auto listener = [&](config::Scheme scheme, const char* name) {
      auto made = std::make_shared<cluster::Listener>();
      made->options = listener_config_;
      made->options.listen.scheme = scheme;
      made->name = name;
      made->pool = pool_;
      made->state = std::make_shared<cluster::ListenerState>();
      for (const config::Route& route : listener_config_.routes) {
        made->routes.push_back({.options = route, .pool = route.pool.empty() ? nullptr : pool_});
      }
      snapshot.listeners.push_back(std::move(made));
    };
    listener(config::Scheme::kHttp, "http");
    listener(config::Scheme::kTcp, "tcp");
    snapshot.answers = answers_;
    for (uint32_t i = 0; i < workers; ++i) {
      net::Io& io = world_.add_io();
      members_.push_back(std::make_unique<Member>(Member{io, RecordBook(records_), nullptr}));
      members_[i]->worker.reset(
          new Worker({.io = io,
                      .options = options_,
                      .snapshot = std::make_unique<cluster::Snapshot>(snapshot),
                      .sink = members_[i]->book,
                      .shared = shared_,
                      .random = base::Rng(i + 1),
                      .index = i,
                      .workers = workers,
                      .notices = *this}));
      ASSERT_TRUE(members_[i]->worker->listen(0, base::Address::loopback(kHttpPort), true));
      ASSERT_TRUE(members_[i]->worker->listen(1, base::Address::loopback(kTcpPort), true));
    }
    shared_.wake = [this](uint32_t i) {
      members_[i]->io.post([&worker = *members_[i]->worker] { worker.serve_queues(); });
    };
    endpoints_ = pool_->endpoints;
  }

  net::TestPeer& connect(uint16_t port = kHttpPort, bool receive_all = true) {
    clients_.push_back(std::make_unique<net::TestPeer>(peers_, receive_all));
    clients_.back()->connect(base::Address::loopback(port));
    return *clients_.back();
  }
  net::TestPeer& ask(std::string text) {
    net::TestPeer& client = connect();
    EXPECT_TRUE(until([&] { return client.connected; }));
    client.send(std::move(text));
    return client;
  }
  // Asks on a connection of its own and returns what came back, up to the record.
  std::string get(const std::string& text = "GET / HTTP/1.1\r\nHost: h\r\n\r\n") {
    const size_t before = records_.size();
    net::TestPeer& client = ask(text);
    EXPECT_TRUE(until([&] { return records_.size() > before; })) << client.incoming;
    settle();
    return client.incoming;
  }
  template <typename Predicate>
  bool until(Predicate predicate) {
    return net::run_until(world_, predicate);
  }
  void settle() { world_.run_for(std::chrono::milliseconds(10)); }

  void drain_all() {
    for (const auto& m : members_) m->worker->drain([&m = *m] { m.drained = true; });
  }
  bool drained() const {
    for (const auto& m : members_) {
      if (!m->drained) return false;
    }
    return true;
  }

  // Whatever a test did: everybody leaves, nothing is left, and the counts are those of the
  // records.
  void TearDown() override {
    for (const auto& client : clients_) {
      if (!client->closed) client->close();
    }
    settle();
    for (const auto& server : servers_) {
      for (const auto& peer : server->listener.peers) {
        if (!peer->closed) peer->close();
      }
    }
    for (const auto& m : members_) {
      if (!m->drained) m->worker->drain([&m = *m] { m.drained = true; });
    }
    EXPECT_TRUE(until([&] { return drained(); }));
    world_.run_for(std::chrono::seconds(1));
    uint64_t exchanges = 0, flows = 0, failed = 0;
    for (const KeptRecord& kept : records_) {
      ++(kept.record.kind == telemetry::Kind::kFlow ? flows : exchanges);
      failed += kept.record.end == telemetry::End::kOk ? 0 : 1;
    }
    WorkerCounts counts;
    for (const auto& m : members_) {
      counts.add(m->worker->counts());
      EXPECT_EQ(m->io.sockets(), 0U);
      EXPECT_EQ(m->io.buffers().blocks_in_use(), 0U);
      EXPECT_EQ(m->worker->open(), 0U);
    }
    EXPECT_EQ(counts.exchanges, exchanges);
    EXPECT_EQ(counts.flows, flows);
    EXPECT_EQ(counts.failed, failed);
    EXPECT_EQ(shared_.connections.load(), 0U);
    for (const auto& endpoint : endpoints_) {
      EXPECT_EQ(endpoint->live.in_flight.load(), 0U) << endpoint->name;
    }
    EXPECT_EQ(peers_.sockets(), 0U);
  }

  void accept_paused(int) override {}
  void connections_full(const std::string& listener) override {
    notices_ += "full " + listener + " ";
  }
  void memory_full(uint32_t ended) override { notices_ += "memory " + std::to_string(ended) + " "; }
  void server_failed(const ServerTrouble& trouble) override {
    notices_ += trouble.server.name + (trouble.left_out.count() == 0 ? " kept " : " down ");
    trouble_ = trouble.why;
    alone_ = trouble.alone;
  }
  void server_up(const cluster::Endpoint& endpoint) override { notices_ += endpoint.name + " up "; }

  net::MemoryWorld world_{1};
  net::Io& peers_ = world_.add_io();
  Options options_;
  config::Pool pool_config_;                    // changed before start()
  config::Listener listener_config_;            // likewise, of both
  std::map<uint16_t, config::Answer> answers_;  // likewise
  std::shared_ptr<const cluster::Pool> pool_;
  Shared shared_;
  std::vector<KeptRecord> records_;
  std::string notices_;
  std::string trouble_;  // the last server's
  bool alone_ = false;   // likewise
  std::vector<std::unique_ptr<TestServer>> servers_;
  std::vector<std::unique_ptr<Member>> members_;
  std::vector<std::unique_ptr<net::TestPeer>> clients_;
  decltype(cluster::Pool::endpoints) endpoints_;
};

// What a record says of its time; total, unless an answer came before the request was over.
inline base::Duration sum_of_phases(const telemetry::Record& r) {
  base::Duration sum{0};
  for (const base::Duration d : {r.head, r.queue, r.connect, r.send, r.wait, r.data}) {
    if (d != telemetry::kNotReached) sum += d;
  }
  return sum;
}

inline bool begins(std::string_view text, std::string_view with) {
  return text.starts_with(with);
}

}  // namespace giliran::proxy
