// Simulated ends of flows: the client says which flow it is, then both say what was planned.
#pragma once

#include <memory>
#include <vector>

#include "sim/ledger.h"
#include "sim/link.h"

namespace giliran::sim {

// The first bytes of a flow: its number in 16 hex digits.
constexpr size_t kFlowHello = 16;

class FlowClient final : private LinkEvents {
 public:
  // announce: who it says it is, in a PROXY header; none: it sends no header.
  FlowClient(net::Io& io, Ledger& ledger, const base::Address& proxy, uint64_t id,
             base::Duration start, const base::Address& announce);
  bool done() const { return done_; }

 private:
  void on_start();
  void on_act();
  void on_patience();
  void on_link_up(Link& link) override;
  void on_link_data(Link& link) override;
  void on_link_end(Link& link) override;
  void on_link_broken(Link& link) override;
  void on_link_closed(Link& link) override;

  net::Io& io_;
  Ledger& ledger_;
  base::Address proxy_;
  base::Address announce_;
  uint64_t id_;
  Link link_;
  bool done_ = false;
  net::MemberTimer<FlowClient, &FlowClient::on_start> start_{*this};
  net::MemberTimer<FlowClient, &FlowClient::on_act> act_{*this};
  net::MemberTimer<FlowClient, &FlowClient::on_patience> patience_{*this};
};

class FlowServer final : private net::AcceptEvents {
 public:
  // announced: a PROXY header begins each connection.
  FlowServer(net::Io& io, Ledger& ledger, const base::Address& at, bool announced);
  ~FlowServer();

  void stop();
  void close_all();
  size_t open() const;

 private:
  class Connection;

  void on_accepted(net::ListenerId listener, net::SocketId socket,
                   const base::Address& peer) override;
  void on_accept_paused(net::ListenerId, int) override {}
  void on_listener_closed(net::ListenerId) override {}

  net::Io& io_;
  Ledger& ledger_;
  bool announced_;
  net::ListenerId listener_;
  std::vector<std::unique_ptr<Connection>> connections_;
};

}  // namespace giliran::sim
