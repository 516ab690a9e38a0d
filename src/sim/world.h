// The real workers of the proxy between simulated clients and servers, on an in-memory network with
// faults and virtual time. Everything follows from the seed: what fails is replayed with it.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "net/memory.h"
#include "proxy/worker.h"
#include "sim/flow_peers.h"
#include "sim/http_client.h"
#include "sim/http_server.h"
#include "sim/ledger.h"
#include "sim/scenario.h"

namespace giliran::sim {

// What a run came to.
struct Outcome {
  std::vector<std::string> wrongs;  // the first few
  uint64_t wrong_count = 0;
  uint64_t requests = 0, complete = 0, flows = 0, records = 0, retries = 0, splices = 0;
  std::map<telemetry::End, uint64_t> ends{};  // how many records say so
  base::Duration took{};                      // virtual
};

class World final : private proxy::Notices {
 public:
  explicit World(const Scenario& scenario);
  ~World();

  // Once.
  Outcome run();

 private:
  struct Member;  // a worker and what it needs

  struct Watched;  // an endpoint, and how much it may ever have had to do

  proxy::Options options() const;
  void make_servers();
  void make_http_servers(size_t pool, uint16_t first_port, uint32_t count);
  void publish();
  void note_bounds();
  void revise_members();
  void reload();
  void make_workers();
  void make_clients();
  void extend(ClientScript& script, uint32_t number);
  void shake();  // kills, silences or revives a server
  void shake_network();
  void watch();  // what must hold at any moment
  void watch_memory();
  void drain();
  void wait(base::Duration bound, const char* what, bool (World::*done)() const);
  bool clients_done() const;
  bool drained() const;
  bool servers_done() const;
  void check_leaks();
  void check_let_go();
  void check_counts();
  Outcome outcome();

  void accept_paused(int) override {}
  void connections_full(const std::string&) override {}
  void memory_full(uint32_t) override {}
  void server_failed(const proxy::ServerTrouble&) override {}
  void server_up(const cluster::Endpoint&) override {}

  Scenario scenario_;
  net::MemoryWorld world_;
  base::Rng random_;
  net::Io& peers_;  // the loop of clients and servers
  Ledger ledger_;
  base::Rng extra_;  // of what only extended scenarios have
  config::Coordinator config_;
  std::vector<std::vector<cluster::Member>> all_members_, members_of_;  // of config_.pools[i]
  std::vector<std::shared_ptr<const cluster::Snapshot>> snapshots_;     // the last one is in force
  std::vector<Watched> watched_;
  proxy::Shared shared_;
  uint32_t reloads_ = 0;
  std::vector<std::unique_ptr<HttpServer>> http_servers_;
  std::vector<std::unique_ptr<FlowServer>> flow_servers_;
  std::vector<std::unique_ptr<Member>> members_;
  std::vector<std::unique_ptr<HttpClient>> clients_;
  std::vector<std::unique_ptr<FlowClient>> flows_;
};

// What the ledger says after the end; adds to ledger.wrongs.
void check_retries(Ledger& ledger);
void check_requests(Ledger& ledger, const Scenario& scenario);
void check_flows(Ledger& ledger, const Scenario& scenario);

}  // namespace giliran::sim
