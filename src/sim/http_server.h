// A simulated server: does with each request what its plan says, and checks every byte of it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sim/ledger.h"
#include "sim/link.h"
#include "wire/http1/parser.h"

namespace giliran::sim {

class HttpServer final : private net::AcceptEvents {
 public:
  // idle: how long a connection without a request is kept; 0: for ever.
  HttpServer(net::Io& io, Ledger& ledger, const base::Address& at, base::Duration idle);
  ~HttpServer();

  void stop();       // stops accepting
  void close_all();  // what is still open
  size_t open() const;

 private:
  class Connection;

  void on_accepted(net::ListenerId listener, net::SocketId socket,
                   const base::Address& peer) override;
  void on_accept_paused(net::ListenerId, int) override {}
  void on_listener_closed(net::ListenerId) override {}

  net::Io& io_;
  Ledger& ledger_;
  base::Duration idle_;
  net::ListenerId listener_;
  std::vector<std::unique_ptr<Connection>> connections_;
};

}  // namespace giliran::sim
